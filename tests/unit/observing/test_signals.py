"""The list of signals is what functions say, no more and no less."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from sluice.audit.books import SinkBooks
from sluice.audit.scheduled import figures
from sluice.delivery.function import Reporter
from sluice.delivery.verdicts import Report
from sluice.observing.figures import Figures, Tally
from sluice.publisher.function import _figures
from sluice.publisher.publisher import Report as Published
from sluice.signals import BY_NAME, SIGNALS, By
from sluice.sinks.bigquery.transport import Transport
from sluice.windows.function import Reporter as WindowReporter
from sluice.windows.reports import WindowReport

ROOT = Path(__file__).parents[3]
WHEN = {True: "always", False: "if any"}
KINDS = Counter(contract=1, rejected=1, crash=1)


class Heard:
    """Stands in for an observer, and keeps the names that it is told."""

    log: Any = type(
        "Log", (), {each: lambda *_, **__: None for each in ("debug", "info", "warning", "error")}
    )

    def __init__(self) -> None:
        self.names: set[str] = set()

    def say(self, said: Mapping[str, float]) -> None:
        self.names |= said.keys()


def of(by: By) -> set[str]:
    return {signal.name for signal in SIGNALS if by in signal.by}


@pytest.fixture
def heard() -> Any:
    return Heard()


def test_a_sink_says_what_the_list_has_for_sinks(heard: Any) -> None:
    Reporter(heard)(Report(shard="s", states=Counter(), refusals=KINDS, retried=1, oldest=1.0))
    assert heard.names | {"Unfinished"} == of("sinks")


def test_what_speaks_to_google_says_what_the_list_has_for_it() -> None:
    transport = Transport("p", "d")
    transport.tally.add(Throttled=1, Unanswered=1)
    assert set(transport.tallies()) == of("google")
    assert of("search") == {"Throttled", "Unanswered"}


def test_the_aggregator_says_what_the_list_has_for_sinks_and_for_windows(heard: Any) -> None:
    WindowReporter(heard)(WindowReport("s", state_bytes=1, lag=1.0, oldest=1.0))
    assert heard.names | {"Unfinished"} == (of("sinks") - {"Unlisted"}) | of("windows")


def test_the_publisher_says_what_the_list_has_for_it() -> None:
    said = set(_figures(Published(oldest=datetime.now(UTC)))) | {"Unfinished"}
    assert said == of("publisher")


def test_the_auditor_says_what_the_list_has_for_audited_sinks() -> None:
    books = SinkBooks(sink="s", delivered=0, dead_lettered=0, skipped=0, in_flight=0)
    assert set(figures(books, datetime.now(UTC))) == of("audited")


def written(path: Path) -> Iterator[str]:
    """Yield the texts and the keyword arguments of a module that are names of signals."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in BY_NAME:
            yield node.value
        if isinstance(node, ast.keyword) and node.arg in BY_NAME:
            yield str(node.arg)


def test_nothing_is_listed_that_no_function_says() -> None:
    rooms = ("audit", "delivery", "observing", "publisher", "report", "sinks", "windows")
    files = [path for room in rooms for path in (ROOT / "sluice" / room).rglob("*.py")]
    assert {name for path in files for name in written(path)} == set(BY_NAME)


def test_each_is_said_by_somebody_and_listed_once() -> None:
    assert len(BY_NAME) == len(SIGNALS)
    assert {by for signal in SIGNALS for by in signal.by} == set(get_args(By))


def test_a_name_that_is_not_listed_cannot_be_said() -> None:
    with pytest.raises(KeyError):
        Figures("sink", "sluice-test").say({"Delivred": 1})


def test_a_tally_is_taken_once() -> None:
    tally = Tally()
    tally.add(Throttled=2)
    tally.add(Throttled=1, Unanswered=1)
    assert tally.take() == {"Throttled": 3, "Unanswered": 1}
    assert tally.take() == {}


def test_the_page_shows_the_list_as_it_is() -> None:
    page = (ROOT / "docs" / "observability.md").read_text()
    rows = [
        " | ".join([f"| `{each.name}`", each.unit, ", ".join(each.by), WHEN[each.always], f"{each.said} |"])
        for each in SIGNALS
    ]
    assert [row for row in rows if row not in page] == []
    assert sum(line.startswith("| `") and line.count("|") == 6 for line in page.splitlines()) == len(rows)
