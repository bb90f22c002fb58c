"""The policy pack, run as Pulumi's engine runs it: in its own environment, asked over gRPC."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from sluice.local.declared import UNKNOWN
from sluice.policies import RULES
from tests.infra.conftest import ROOT

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

PACK = ROOT / "policy_pack"
PYTHON = PACK / ".venv" / "bin" / "python"
ENGINES_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.fixture(scope="module", autouse=True)
def _pack_is_set_up() -> None:
    if not PYTHON.exists():
        reason = "the policy pack has no environment: make policies"
        if os.environ.get("SLUICE_REQUIRE_POLICY_PACK"):
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def analyzer(*, protect: bool) -> Iterator[Any]:
    """Start the pack as `pulumi preview --policy-pack` does, and connect to it."""
    surroundings = {
        "PATH": os.environ["PATH"],
        "PULUMI_PROJECT": "sluice",
        "PULUMI_STACK": "dev",
        "PULUMI_DRY_RUN": "true",
        "PULUMI_CONFIG": json.dumps({"sluice:protect": json.dumps(protect)}),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(
        [PYTHON, "-u", "-m", "pulumi.policy", "127.0.0.1:0", str(PACK)],
        stdout=subprocess.PIPE,
        env=surroundings,
        cwd=PACK,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        options = [
            ("grpc.max_send_message_length", 100 << 20),
            ("grpc.max_receive_message_length", 100 << 20),
        ]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.communicate()


def request(program: "Program") -> analyzer_pb2.AnalyzeStackRequest:
    """Write a program's resources as the engine sends them: the stack is one, and parent of the rest."""
    stack = analyzer_pb2.AnalyzerResource(
        type="pulumi:pulumi:Stack",
        name="sluice-dev",
        urn="urn:pulumi:dev::sluice::pulumi:pulumi:Stack::sluice-dev",
    )
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[stack, *(sent(each, stack.urn) for each in program.resources)]
    )


def sent(declared: "Declared", stack: str) -> analyzer_pb2.AnalyzerResource:
    resource = analyzer_pb2.AnalyzerResource(
        type=declared.type,
        name=declared.name,
        urn=declared.urn,
        properties=ParseDict(engines(declared.inputs), Struct()),
        options=analyzer_pb2.AnalyzerResourceOptions(protect=declared.protect),
        parent=declared.parent or stack,
        dependencies=declared.depends_on,
    )
    if declared.custom and not declared.type.startswith("pulumi:"):
        cloud = declared.type.partition(":")[0]
        resource.provider.CopyFrom(
            analyzer_pb2.AnalyzerProviderResource(type=f"pulumi:providers:{cloud}", name=cloud)
        )
    return resource


def engines(value: Any) -> Any:
    """Write unknown values as the engine does."""
    if isinstance(value, dict):
        return {key: engines(item) for key, item in value.items()}
    if isinstance(value, list):
        return [engines(item) for item in value]
    return ENGINES_UNKNOWN if value == UNKNOWN else value


def test_a_clean_program_passes_in_a_preview_and_a_broken_one_does_not(run: "Run") -> None:
    program = run("prod", preview=True)
    asked = request(program)
    for each in asked.resources:
        if each.type == "aws:dynamodb/table:Table":
            # What the provider answers where no key was asked for.
            key = (
                ENGINES_UNKNOWN if each.name == "ledger-table" else "arn:aws:kms:eu-central-1:1:key/awss-own"
            )
            each.properties["serverSideEncryption"]["kmsKeyArn"] = key
    with analyzer(protect=True) as pack:
        info = pack.GetAnalyzerInfo(Empty())
        assert [policy.name for policy in info.policies] == [rule.id for rule in RULES]
        assert list(pack.AnalyzeStack(asked).diagnostics) == []

        queue = next(each for each in asked.resources if each.name == "dead-letters-queue")
        queue.properties["sqsManagedSseEnabled"] = False
        queue.options.protect = False
        found = {each.policyName: each for each in pack.AnalyzeStack(asked).diagnostics}
    assert set(found) == {"encryption-at-rest", "data-protected"}
    assert found["data-protected"].urn == queue.urn
    assert found["data-protected"].enforcementLevel == analyzer_pb2.MANDATORY
    assert "dead-letters-queue: holds data and is not protected" in found["data-protected"].message


def test_an_environment_to_throw_away_may_leave_its_data_unprotected(
    programs: "dict[str, Program]",
) -> None:
    with analyzer(protect=False) as pack:
        assert list(pack.AnalyzeStack(request(programs["dev"])).diagnostics) == []


def test_the_pack_is_pinned_and_says_how_it_runs() -> None:
    assert "pulumi-policy==" in (PACK / "requirements.txt").read_text()
    assert "--hash=sha256:" in (PACK / "requirements.txt").read_text()
    manifest = (PACK / "PulumiPolicy.yaml").read_text()
    assert "name: python" in manifest
    assert "virtualenv: .venv" in manifest
