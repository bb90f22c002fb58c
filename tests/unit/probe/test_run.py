"""A run: one at a time, stopped at once, and one case that fails hides no other."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from sluice.errors import EnvironmentProblem
from sluice.probe import run as running
from sluice.probe.case import Case
from sluice.probe.findings import Finding, agrees_if
from sluice.probe.ground import Clients, Patience
from sluice.probe.rows import TABLE_ABOUT
from sluice.probe.run import Run
from sluice.probe.trial import Shard, Silence, Trial
from tests.unit.probe.simulated import GROUND


def quick(_: Trial) -> Iterator[Finding]:
    yield agrees_if(holds=True, assumption="batch-size", saw="so")


def lasting(trial: Trial) -> Iterator[Finding]:
    trial.sleep(600)
    yield agrees_if(holds=True, assumption="payload-cut", saw="never said")


def breaking(_: Trial) -> Iterator[Finding]:
    yield agrees_if(holds=True, assumption="redelivered-same", saw="so")
    raise KeyError("shardId")


def case(play: Any, *about: str) -> Case:
    return Case(name=play.__name__, mapping="parts", about=about, play=play)


@pytest.fixture
def a_run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run over two shards of nothing."""
    monkeypatch.setattr(running, "Tables", lambda *_, **__: None)
    monkeypatch.setattr(Run, "_play_rows", lambda _: [])
    nothing: Any = None
    clients = Clients(kinesis=nothing, dynamodb=nothing, sqs=nothing, functions=nothing, bigquery=nothing)
    made = Run(clients, GROUND, Patience())
    made._shards = {"cases": [Shard("s0", "0"), Shard("s1", "1")]}
    return made


def test_a_case_that_fails_leaves_its_rest_open_and_hides_no_other(
    a_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = (case(breaking, "redelivered-same", "pointer-shape"), case(quick, "batch-size"))
    monkeypatch.setattr(running, "CASES", cases)
    found = a_run.findings(slow=False, progress=lambda *_: None)
    assert [(each.assumption, each.verdict) for each in found] == [
        ("batch-size", "agrees"),
        ("redelivered-same", "agrees"),
        ("pointer-shape", "unclear"),
    ]
    assert found[-1].saw == "the case failed: KeyError: 'shardId'"


def test_a_table_that_cannot_be_made_leaves_its_assumptions_open(
    a_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoRight:
        """A dataset in which nobody may make a table."""

        def make(self) -> None:
            raise PermissionError("bigquery.tables.create")

    monkeypatch.undo()
    monkeypatch.setattr(running, "CASES", ())
    monkeypatch.setattr(a_run, "_tables", NoRight())
    found = a_run.findings(slow=False, progress=lambda *_: None)
    assert {each.assumption for each in found} == set(TABLE_ABOUT)
    assert {each.saw for each in found} == {"the case failed: PermissionError: bigquery.tables.create"}


def test_a_run_that_is_stopped_waits_for_nothing(a_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CASES", (case(lasting, "payload-cut"), case(quick, "batch-size")))

    def stop(name: str, _: Any) -> None:
        if name == "quick":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        a_run.findings(slow=False, progress=stop)  # else it lasts ten minutes


def test_a_second_run_at_a_time_is_refused_and_takes_nothing_away(
    a_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = type("Journal", (), {"lock": lambda _: "1767225600"})()
    monkeypatch.setattr(a_run, "_journal", journal)
    with pytest.raises(EnvironmentProblem, match="at work here since 00:00 UTC"), a_run.prepared():
        pass


def test_what_cannot_be_taken_away_hides_nothing_that_was_found(
    a_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stand:
        """Journal, queue and table: all is well until the end."""

        name = "probe_x"

        def lock(self) -> None: ...

        def ask(self, _: Any) -> None: ...

        def drain(self) -> None: ...

        def erase(self) -> None: ...

        def drop(self) -> None:
            raise TimeoutError("no answer\nfrom Google")

    for part in ("_journal", "_queue", "_tables"):
        monkeypatch.setattr(a_run, part, Stand())
    monkeypatch.setattr(running, "STREAMS", ())
    with a_run.prepared():
        pass
    (left,) = a_run.left
    assert left.startswith("table probe_x could not be taken away, and goes by itself within a day: ")
    assert left.endswith("TimeoutError: no answer from Google")


def test_what_was_stopped_is_silent(a_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CASES", ())
    with suppress(KeyboardInterrupt):
        a_run.findings(slow=False, progress=_stop)
    with pytest.raises(Silence, match="stopped"):
        a_run._pause(1)


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt
