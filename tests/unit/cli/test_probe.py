"""`sluice probe`: what it says before, what it finds, and how it ends."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.main import run
from sluice.cli.outputs import Outputs
from sluice.cli.probe import patience_of
from sluice.cli.target import Endpoints, Target
from sluice.probe.assumptions import ASSUMPTIONS
from sluice.probe.findings import Finding, agrees_if, unclear
from sluice.probe.ground import Patience
from sluice.probe.rows import TABLE_ABOUT
from sluice.probe.run import abouts

EXPORTS: dict[str, Any] = {
    "environment": "dev",
    "region": "eu-central-1",
    "stream_name": "s",
    "dead_letter_queue_url": "q",
    "dead_letter_bucket": "b",
    "ledger_table": "l",
    "bigquery_project": "p",
    "bigquery_dataset": "d",
    "bigquery_views_dataset": "v",
    "sinks": {"bigquery": {"function": "f"}},
    "probe": {
        "streams": {"cases": "cases", "plain": "plain"},
        "function": "probe",
        "journal": "journal",
        "queue_url": "given-up",
        "dataset": "probe",
        "tumbling_window_seconds": 10,
    },
}
LONG = "Value 1449677382340379 for field at is outside the allowed bounds. " * 4

Probing = Callable[..., list[str]]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Target:
    """A deployed stack with a probe, for every command; nothing of it answers."""
    target = Target(outputs=Outputs.parse(EXPORTS, source="stack dev"))
    for client in ("kinesis", "dynamodb", "sqs", "functions", "bigquery"):
        target.__dict__[client] = None  # as the cached properties would
    monkeypatch.setattr(Target, "find", lambda *_: target)
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: Path("elsewhere"))
    return target


@pytest.fixture
def found(stack: Target, monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the next probe finds."""
    del stack
    findings: list[Finding] = []

    def probed(*_: Any, **__: Any) -> tuple[Sequence[Finding], float]:
        return findings, 61.5

    monkeypatch.setattr("sluice.cli.probe.probed", probed)
    return findings


def finding(verdict: str, place: int = 0, saw: str = "as it was") -> Finding:
    return replace(unclear(ASSUMPTIONS[place].id, saw), verdict=verdict)  # type: ignore[arg-type]  # a verdict in words


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        (["agrees", "agrees"], 0),
        (["agrees", "unclear"], 3),
        (["unclear", "differs", "agrees"], 1),
    ],
)
def test_it_ends_with_one_for_a_difference_and_three_for_what_is_untold(
    found: list[Finding], verdicts: list[str], status: int
) -> None:
    found += [finding(verdict, place) for place, verdict in enumerate(verdicts)]
    assert run(["probe", "--env", "dev", "--yes"]) == status


def test_a_difference_is_told_with_what_it_means_and_what_rests_on_it(
    found: list[Finding], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    known = next(each for each in ASSUMPTIONS if each.id == "rows-past")
    found += [agrees_if(holds=False, assumption="rows-past", saw=LONG), finding("agrees")]
    assert run(["probe", "--env", "dev", "--yes"]) == 1
    said = capsys.readouterr().out
    tables = said[: said.index("rows-past differs.")]
    assert all(len(line.rstrip()) <= 80 for line in tables.splitlines())
    for words in (known.assumed, known.means, known.rests, known.source, LONG.strip()):
        assert words in said
    assert "2 assumptions in 62 s: 1 agrees, 1 differs, 0 could not tell" in said


def test_a_document_has_all_of_it(found: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    found += [finding("agrees"), finding("unclear", 1)]
    assert run(["probe", "--env", "dev", "--yes", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert (document["environment"], document["seconds"]) == ("dev", 61.5)
    assert (document["agrees"], document["differs"], document["unclear"]) == (1, 0, 1)
    assert document["findings"][0] == {**ASSUMPTIONS[0]._asdict(), "verdict": "agrees", "saw": "as it was"}


def test_it_says_before_what_it_does_costs_and_takes_and_asks(
    found: list[Finding], capsys: pytest.CaptureFixture[str]
) -> None:
    found.append(finding("agrees"))
    assert run(["probe", "--env", "dev"]) == 2, "nobody is there to be asked"
    said = capsys.readouterr().err
    assert "up to 5 minutes" in said
    assert "$0.08 an hour" in said
    assert said.splitlines()[-1] == "error: nobody is there to be asked whether to begin: give --yes"
    run(["probe", "--env", "dev", "--slow", "--yes"])
    assert "up to 8 minutes" in capsys.readouterr().err


def test_a_stack_without_a_probe_is_told_what_to_set(
    stack: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without = Target(outputs=replace(stack.outputs, probe=None))
    monkeypatch.setattr(Target, "find", lambda *_: without)
    assert run(["probe", "--env", "dev"]) == 2
    assert capsys.readouterr().err == (
        "error: stack dev has no probe: set `sluice:probe: {enabled: true}` in Pulumi.dev.yaml, and run "
        "`pulumi up --stack dev`\n"
    )


def test_a_local_cloud_is_not_asked_about_and_answers_sooner(
    stack: Target,
    found: list[Finding],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    endpoints = Endpoints(aws_url="", lambda_url="", bigquery_url="")
    local = Target(outputs=stack.outputs, endpoints=endpoints)
    local.__dict__.update(dict.fromkeys(("kinesis", "dynamodb", "sqs", "functions", "bigquery")))
    monkeypatch.setattr(Target, "find", lambda *_: local)
    found.append(finding("agrees"))
    assert run(["probe"]) == 0
    assert capsys.readouterr().err == ""
    assert patience_of(local).poll_seconds < patience_of(stack).poll_seconds == Patience().poll_seconds


def test_the_list_needs_no_stack(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["id"] for each in listed] == [each.id for each in ASSUMPTIONS]
    assert run(["probe", "--list"]) == 0
    assert ASSUMPTIONS[-1].id in capsys.readouterr().out


def test_what_was_not_tried_is_named(found: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    found += [
        agrees_if(holds=True, assumption=each, saw="so")
        for about in abouts(slow=False).values()
        for each in about
    ]
    assert run(["probe", "--env", "dev", "--yes"]) == 0
    assert "not tried: age-limit; --slow tries them too" in capsys.readouterr().out


def test_every_assumption_names_a_place_in_the_project_that_rests_on_it() -> None:
    root = Path(__file__).parents[3]
    assert [each.id for each in ASSUMPTIONS if not (root / each.rests).exists()] == []
    assert set(TABLE_ABOUT) <= {each.id for each in ASSUMPTIONS}


def test_another_versions_probe_hinders_the_probe_alone(
    stack: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Outputs.parse({**EXPORTS, "probe": {"streams": {}}}, source="stack dev")
    monkeypatch.setattr(Target, "find", lambda *_: replace(stack, outputs=other))
    assert run(["probe", "--env", "dev", "--yes"]) == 3
    assert capsys.readouterr().err.startswith("error: the stack's probe is another version's ('function'")
