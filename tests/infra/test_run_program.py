"""`run_program` stands in for the engine: order, inputs, outputs, and one clear line for what goes wrong."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluice.errors import EnvironmentProblem, SettingsError, SluiceError, UsageError
from sluice.local.declared import Declared, placeholder
from sluice.local.program import Program, run_program
from tests.infra.conftest import ORDERS, ROOT

Write = Callable[[str], Path]
HEAD = "import os\nimport pulumi\nimport pulumi_aws as aws\n"


@pytest.fixture
def project(tmp_path: Path) -> Write:
    """Write a project with this program."""

    def write(program: str) -> Path:
        (tmp_path / "Pulumi.yaml").write_text("name: small\nconfig:\n  size: {type: integer, default: 3}\n")
        (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  small:colour: red\n")
        (tmp_path / "__main__.py").write_text(HEAD + program)
        return tmp_path

    return write


def test_resources_are_created_one_at_a_time_after_all_they_need() -> None:
    created: list[str] = []
    busy = threading.Lock()

    def create(resource: Declared) -> tuple[str, dict[str, Any]]:
        assert busy.acquire(blocking=False), "two creations at once"
        for urn in resource.depends_on:
            if "$" not in urn and "sluice:infra" in urn:
                continue
            assert urn in created, f"{resource.name} came before {urn}"
        created.append(resource.urn)
        busy.release()
        return placeholder(resource)

    program = run_program(
        ROOT, "dev", overrides={"package_dependencies": False}, pipeline=ORDERS, create=create
    )
    assert len(created) == len(set(created)) == sum(each.custom for each in program.resources)


def test_a_creators_answer_is_what_the_program_goes_on_with(project: Write) -> None:
    root = project(
        "queue = aws.sqs.Queue('q', name='given')\n"
        "pulumi.export('arn', queue.arn)\npulumi.export('name', queue.name)\npulumi.export('id', queue.id)\n"
    )
    program = run_program(root, "dev", create=lambda _: ("queue-1", {"arn": "arn:real"}))
    assert program.outputs == {"arn": "arn:real", "name": "given", "id": "queue-1"}


def test_inputs_arrive_as_boto3_takes_them(project: Write, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    root = project(
        "aws.lambda_.Function('f', role=pulumi.Output.secret('arn:role'), timeout=20, memory_size=512,\n"
        "    environment={'variables': {'A': pulumi.Output.secret('b')}},\n"
        f"    code=pulumi.FileArchive({str(tmp_path / 'code')!r}))\n"
    )
    (function,) = run_program(root, "dev").resources
    assert function.inputs == {
        "role": "arn:role",
        "timeout": 20,
        "memorySize": 512,
        "environment": {"variables": {"A": "b"}},
        "code": {"archive": str(tmp_path / "code")},
    }
    assert type(function.inputs["timeout"]) is int


def test_everything_that_a_declaration_says_is_kept(project: Write) -> None:
    root = project(
        "class Box(pulumi.ComponentResource):\n"
        "    def __init__(self, name):\n"
        "        super().__init__('my:box:Box', name)\n"
        "        first = aws.sqs.Queue('first', opts=pulumi.ResourceOptions(parent=self))\n"
        "        aws.sqs.Queue('second', opts=pulumi.ResourceOptions(parent=self, protect=True,\n"
        "            depends_on=[first], ignore_changes=['max_message_size'], delete_before_replace=True,\n"
        "            aliases=[pulumi.Alias(name='former')]))\n"
        "        self.register_outputs({})\n"
        "Box('box')\n"
    )
    box, first, second = run_program(root, "dev").resources
    assert (box.custom, box.parent, box.urn) == (False, None, "urn:pulumi:dev::small::my:box:Box::box")
    assert (first.protect, first.depends_on, first.parent) == (False, (), box.urn)
    assert second.urn == "urn:pulumi:dev::small::my:box:Box$aws:sqs/queue:Queue::second"
    assert second.protect
    assert second.delete_before_replace
    assert second.depends_on == (first.urn,)
    assert second.ignore_changes == ("maxMessageSize",)
    assert second.aliases == ("urn:pulumi:dev::small::my:box:Box$aws:sqs/queue:Queue::former",)


def test_a_program_runs_afresh_each_time_with_other_settings(project: Write) -> None:
    root = project("pulumi.export('size', pulumi.Config().require_int('size'))\n")
    sizes = [run_program(root, "dev", overrides={"size": size}).outputs["size"] for size in (1, 2)]
    assert [*sizes, run_program(root, "dev").outputs["size"]] == [1, 2, 3]


def test_nothing_of_the_users_shell_gets_into_a_program(
    project: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("PULUMI_CONFIG", '{"small:size": "99"}')
    monkeypatch.setenv("GOOGLE_PROJECT", "somebody-elses")
    root = project(
        "import pulumi_gcp as gcp\naws.Provider('aws')\ngcp.Provider('gcp')\n"
        "pulumi.export('size', pulumi.Config().require_int('size'))\n"
    )
    before = dict(os.environ)
    program = run_program(root, "dev")
    inputs = {each.name: each.inputs for each in program.resources}
    assert "region" not in inputs["aws"]
    assert "project" not in inputs["gcp"]
    assert program.outputs == {"size": 3}
    assert dict(os.environ) == before


def failing(root: Path, **options: Any) -> str:
    with pytest.raises(SluiceError) as error:
        run_program(root, "dev", **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_failed_creation_is_one_line_that_names_the_resource(
    project: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    root = project(
        "first = aws.sqs.Queue('first')\n"
        "for n in range(20):\n    aws.sqs.Queue(f'later-{n}', name=first.name)\n"
    )
    asked = []

    def create(resource: Declared) -> tuple[str, dict[str, Any]]:
        asked.append(resource.name)
        raise RuntimeError("no room\nleft")

    assert failing(root, create=create) == "could not create first (aws:sqs/queue:Queue): no room left"
    assert asked == ["first"]
    assert capfd.readouterr() == ("", "")


def test_what_the_local_cloud_would_have_to_make_up_is_asked_for(project: Write) -> None:
    root = project("aws.sqs.Queue('first')\n")

    def create(resource: Declared) -> tuple[str, dict[str, Any]]:
        return resource.inputs["name"], {}

    assert failing(root, create=create).endswith(
        "(aws:sqs/queue:Queue): declare its 'name', which the local cloud does not make up"
    )


def test_a_deliberate_error_of_a_creator_passes_unchanged(project: Write) -> None:
    def create(_: Declared) -> tuple[str, dict[str, Any]]:
        raise EnvironmentProblem("the port is taken")

    with pytest.raises(EnvironmentProblem, match=r"^the port is taken$"):
        run_program(project("aws.sqs.Queue('q')\n"), "dev", create=create)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("1 / 0\n", "the program failed with ZeroDivisionError: division by zero (__main__.py, line 4)"),
        ("import nowhere\n", "the program failed with ModuleNotFoundError: No module named 'nowhere'"),
        ("raise SystemExit(3)\n", "the program failed with SystemExit: 3"),
        ("raise pulumi.RunError('stop here')\n", "the program failed with RunError: stop here"),
        ("aws.sqs.Queue('q')\naws.sqs.Queue('q')\n", "two resources are called 'q' (aws:sqs/queue:Queue)"),
        (
            "aws.lambda_.Function('f', role='r', code=pulumi.FileArchive('/no/such/place'))\n",
            "f wants to upload /no/such/place, which does not exist",
        ),
        (
            "aws.get_caller_identity()\n",
            "the program calls aws:index/getCallerIdentity:getCallerIdentity: a ",
        ),
        ("aws.sqs.Queue.get('q', 'id')\n", "the program looks up q (aws:sqs/queue:Queue): a preview without"),
        (
            "q = aws.sqs.Queue('q')\naws.sqs.QueuePolicy('p', queue_url=q.url, policy=f'{q.arn}')\n",
            "the program failed with _OutputToStringError: Calling __str__ on an Output[T] is not supported",
        ),
    ],
)
def test_what_a_program_does_wrong_is_said_in_one_line(program: str, line: str, project: Write) -> None:
    assert failing(project(program)).startswith(line)


def test_a_run_after_a_failed_one_works(project: Write) -> None:
    failing(project("1 / 0\n"))
    assert isinstance(run_program(project("pulumi.export('a', 1)\n"), "dev"), Program)


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("Pulumi.dev.yaml", "config: [", "Pulumi.dev.yaml is no YAML in line 1"),
        ("Pulumi.dev.yaml", "config: 3\n", "Pulumi.dev.yaml is no Pulumi configuration"),
        ("Pulumi.dev.yaml", "- a\n", "Pulumi.dev.yaml is no Pulumi configuration"),
        ("Pulumi.dev.yaml", "config: {small:size: big}\n", "small:size is 'big': accepted is a whole number"),
        ("Pulumi.dev.yaml", "config: {small:size: true}\n", "small:size is true: accepted is a whole number"),
        (
            "Pulumi.dev.yaml",
            "config: {small:size: {secure: AAA}}\n",
            "small:size is encrypted in Pulumi.dev.yaml",
        ),
        ("Pulumi.yaml", "config: {}\n", "Pulumi.yaml has no `name`"),
    ],
)
def test_a_broken_configuration_is_one_line(file: str, text: str, line: str, project: Write) -> None:
    root = project("")
    (root / file).write_text(text)
    with pytest.raises(SettingsError) as error:
        run_program(root, "dev")
    assert str(error.value).startswith(line)


def test_an_unknown_environment_lists_those_there_are(project: Write) -> None:
    with pytest.raises(SettingsError, match=r"^no environment 'qa': .* there are: dev$"):
        run_program(project(""), "qa")


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no Pulumi.yaml in "):
        run_program(tmp_path, "dev")
    (tmp_path / "Pulumi.yaml").write_text("name: small\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("")
    with pytest.raises(UsageError, match=r"no __main__.py in "):
        run_program(tmp_path, "dev")


def test_overrides_are_laid_over_groups_key_by_key(project: Write) -> None:
    root = project("pulumi.export('stream', pulumi.Config().require_object('stream'))\n")
    (root / "Pulumi.dev.yaml").write_text("config:\n  small:stream: {mode: provisioned, shards: 2}\n")
    assert run_program(root, "dev", overrides={"stream": {"shards": 9}}).outputs == {
        "stream": {"mode": "provisioned", "shards": 9}
    }
