"""Pulumi's command line: what it answers of the backend and the stacks, and what is made of that."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.doctor import machine, names, state
from sluice.doctor.case import STREAM, Case
from sluice.doctor.finding import Level
from sluice.doctor.pulumi_cli import PulumiCli, without_secrets
from sluice.errors import EnvironmentProblem, NoCloud
from tests.unit.doctor.cases import Client, case, declared, only


class Cli:
    """Pulumi's command line, as a test says that it answers."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, call: str) -> Callable[..., Any]:
        answer = self._answers[call]

        def called(*_: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer

        return called


@pytest.fixture
def pulumi(tmp_path: Path) -> PulumiCli:
    """A stand-in for Pulumi's command line: each command answers with the file of its name."""
    program = tmp_path / "pulumi"
    program.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"\nif [ -f "$1.$2.error" ]; then cat "$1.$2.error" >&2; exit 1; fi\n'
        'cat "$1.$2"\n'
    )
    program.chmod(0o755)
    (tmp_path / "whoami.--json").write_text('{"user": "me", "url": "s3://me:secret@state"}')
    return PulumiCli(tmp_path, str(program))


def answers(pulumi: PulumiCli, stacks: list[dict[str, Any]], deployment: dict[str, Any]) -> Case:
    folder = pulumi._root
    (folder / "stack.ls").write_text(json.dumps(stacks))
    (folder / "stack.export").write_text(json.dumps({"version": 3, "deployment": deployment}))
    return case(cli=pulumi)


def test_a_stack_that_is_not_there_is_told_with_those_that_are(pulumi: PulumiCli) -> None:
    of = answers(pulumi, [{"name": "organization/sluice/prod"}, {"name": "stage"}], {})
    found = only(state.state, of)
    assert found.cause == "there is no stack dev in this project; there are: prod, stage"
    assert found.next_step.startswith("pulumi stack init dev --secrets-provider")
    assert not any("secret@" in one.cause for one in state.state(of))


def test_an_update_that_was_cut_off_is_told_with_how_to_go_on(pulumi: PulumiCli) -> None:
    pending = [
        {"type": "creating", "resource": {"urn": "urn:pulumi:dev::sluice::aws:s3/bucket:Bucket::letters"}}
    ]
    of = answers(pulumi, [{"name": "dev", "updateInProgress": True}], {"pending_operations": pending})
    assert only(state.state, of).next_step.endswith("pulumi cancel --stack dev")
    assert "creating letters" in only(state.state, of, Level.warning).cause


def test_a_backend_that_does_not_answer_is_one_line_without_secrets(pulumi: PulumiCli) -> None:
    (pulumi._root / "whoami.--json.error").write_text(
        "error: could not open s3://me:secret@state\n  at line 1\n"
    )
    found = only(state.state, case(cli=pulumi))
    assert found.cause == "the state backend does not answer: could not open s3://state at line 1"


def test_an_older_command_line_and_no_command_line_are_told() -> None:
    assert (
        "older than the library" in only(machine.tools, case(cli=Cli(version=(3, 1, 0))), Level.warning).cause
    )
    assert "not on the path" in only(machine.tools, case()).cause


def test_without_a_command_line_nobody_claims_to_know_what_is_deployed() -> None:
    of = case()
    of._known.clear()
    with pytest.raises(EnvironmentProblem, match="not known without the Pulumi command line"):
        _ = of.deployed


def test_a_stack_without_exports_is_not_deployed_and_other_complaints_are_told() -> None:
    of = case(cli=Cli(outputs=NoCloud("no stack named 'dev' found")))
    of._known.clear()
    assert not of.deployed
    of = case(cli=Cli(outputs=NoCloud("passphrase must be set")))
    of._known.clear()
    with pytest.raises(NoCloud, match="passphrase"):
        _ = of.deployed


def test_what_a_deployment_made_before_it_failed_is_its_own(pulumi: PulumiCli) -> None:
    """It exports nothing, and a name that it has made is taken by nobody else."""
    here = [declared(STREAM, name, name=name) for name in ("events", "copies")]
    answers(pulumi, [{"name": "dev"}], {"resources": [{"type": here[0].type, "urn": here[0].urn}]})
    clients = {"kinesis": Client(describe_stream_summary={})}
    found = only(names.names, case(*here, clients=clients, cli=pulumi))
    assert found.cause == "1 of kind stream that stack dev has not made exist already: copies"
    there_are = case(*here, cli=pulumi, exports={"sinks": {"bigquery": {}}})
    assert (there_are.to_come(STREAM), case(*here).to_come(STREAM)) == ([], here)


def test_what_is_taken_into_a_stack_is_called_as_the_provider_asks_for_it() -> None:
    url = "https://sqs.eu-central-1.amazonaws.com/111111111111/letters"
    queue = declared(names.QUEUE, "letters", name="letters")
    of = case(queue, clients={"sqs": Client(get_queue_url={"QueueUrl": url})})
    assert f"pulumi import aws:sqs/queue:Queue letters {url} --stack dev" in only(names.names, of).next_step


def test_a_command_line_that_hangs_does_not_hold_up_the_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the checks nor the last question, whether the stack is deployed."""
    hanging, release = case(), Event()
    hanging._known.clear()
    hanging.__dict__["cli"] = Cli(version=(9, 0, 0))
    monkeypatch.setattr(Case, "open", lambda *_: hanging)
    monkeypatch.setattr(Case, "_exports", lambda _: {"waited": release.wait(60)})
    monkeypatch.setattr("sluice.doctor.checks.CHECKS", ())
    assert run(["doctor", "--env", "dev", "--json", "--seconds", "0.1"]) == 0
    release.set()
    assert json.loads(capsys.readouterr().out)["deployed"] is None


def test_a_project_within_a_repository_is_a_checkout_and_its_neighbours_are_left_out(tmp_path: Path) -> None:
    project = tmp_path / "analytics"
    project.mkdir()
    (tmp_path / "neighbour").touch()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)  # noqa: S607 - the git that the doctor takes
    assert [one.level for one in machine.git(case(root=project))] == [Level.ok]
    assert "no git checkout" in only(machine.git, case(root=Path("/")), Level.warning).cause


def test_secrets_in_addresses_are_left_out() -> None:
    assert without_secrets("open https://user:pw@host/x and s3://b") == "open https://host/x and s3://b"
