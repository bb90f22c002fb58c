"""Pulumi's command line: what it answers of the backend and the stacks, and what is made of that."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluice.doctor import machine, state
from sluice.doctor.case import Case
from sluice.doctor.finding import Level
from sluice.doctor.pulumi_cli import PulumiCli, without_secrets
from sluice.errors import EnvironmentProblem, NoCloud
from tests.unit.doctor.cases import case, only


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


def test_secrets_in_addresses_are_left_out() -> None:
    assert without_secrets("open https://user:pw@host/x and s3://b") == "open https://host/x and s3://b"
