"""What is tried with BigQuery: answers as they are assumed, and others."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.probe.findings import Finding
from sluice.probe.ground import Patience
from sluice.probe.rows import TABLE_ABOUT, RowTrial
from sluice.probe.trial import Silence

Answer = tuple[int, Any]
Rows = list[dict[str, Any]]

NO_SUCH_FIELD = {"reason": "invalid", "location": "nowhere", "message": "no such field: nowhere."}
MISSING = {"reason": "invalid", "message": "Missing required field: Msg_0.at."}
NO_NUMBER = {"reason": "invalid", "location": "whole", "message": "Cannot convert value to integer."}
TOO_FAR = {"reason": "invalid", "message": "You can only stream to date range within 1825 days in the past."}
STOPPED = {"reason": "stopped", "message": ""}


def error(message: str, reason: str = "invalid") -> dict[str, Any]:
    return {"error": {"message": message, "errors": [{"reason": reason}]}}


def wrong(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """What BigQuery has against a row."""
    held = row["json"]
    if "at" not in held:
        return MISSING
    if "nowhere" in held:
        return NO_SUCH_FIELD
    if held.get("whole") == "many":
        return NO_NUMBER
    days = (datetime.fromisoformat(held["at"]) - datetime.now(UTC)) / timedelta(days=1)
    return None if -1825 <= days <= 366 else TOO_FAR


def as_assumed(table: str, rows: Rows, *, skip: bool, pad: int) -> Answer:
    if table.endswith("_none"):
        return 404, error("Not found: Table", "notFound")
    if pad:
        return 400, error("Request payload size exceeds the limit: 10485760 bytes.", "badRequest")
    if any(len(row["insertId"]) > 128 for row in rows):
        return 400, error("insertId is too long")
    errors = {place: each for place, row in enumerate(rows) if (each := wrong(row)) is not None}
    if errors and not skip:
        errors = {place: errors.get(place, STOPPED) for place in range(len(rows))}
    return 200, {"insertErrors": [{"index": at, "errors": [each]} for at, each in errors.items()]}


class FakeTables:
    """The table, and BigQuery behind the function; `spreads` is how often it refuses what is new first."""

    name = "probe_run"
    patience = Patience(schema_seconds=5)

    def __init__(self, answer: Callable[..., Answer] = as_assumed, *, spreads: int = 0) -> None:
        self._answer, self._spreads = answer, spreads
        self._columns: set[str] = set()
        self.rows: list[dict[str, Any]] = []
        self.repetitions = False

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        rows, skip = question["body"]["rows"], question["body"]["skipInvalidRows"]
        pad = (question.get("pad") or {}).get("text", 0)
        status, said = self._answer(question["table"], rows, skip=skip, pad=pad)
        if self._spreads and (rows[0]["insertId"] == "first" or self._columns):
            self._spreads -= 1
            status, said = (200, {"insertErrors": [{"index": 0, "errors": [NO_SUCH_FIELD]}]})
        refused = {each["index"] for each in said.get("insertErrors", ())}
        if status == 200:
            self.rows += [row["json"] for at, row in enumerate(rows) if at not in refused]
        return {"status": status, "body": json.dumps(said)}

    def while_it_spreads(self) -> Iterator[float]:
        yield from map(float, range(int(self.patience.schema_seconds)))

    def add_column(self, name: str) -> None:
        self._columns.add(name)

    def row(self, name: str, seconds: float = 30) -> dict[str, Any] | None:
        del seconds
        return next((row for row in self.rows if row["id"] == name), None)

    def count(self, name: str) -> int:
        found = [row for row in self.rows if row["id"] == name]
        return len(found) if self.repetitions else min(len(found), 1)


def played(tables: Any) -> dict[str, Finding]:
    return {each.assumption: each for each in RowTrial(tables).play()}


def test_answers_as_assumed_agree() -> None:
    found = played(FakeTables())
    assert {name: each.verdict for name, each in found.items()} == dict.fromkeys(TABLE_ABOUT, "agrees")


def test_what_is_new_may_be_refused_for_a_while_in_words_that_let_rows_wait() -> None:
    found = played(FakeTables(spreads=3))
    assert found["rows-new-table"].verdict == "agrees"
    assert "3 s after it was made; before that 200: retry" in found["rows-new-table"].saw


def test_a_table_that_takes_no_row_is_silence() -> None:
    with pytest.raises(Silence, match="took no row in 5 s"):
        played(FakeTables(spreads=100))


def test_a_column_that_is_never_seen_is_a_difference() -> None:
    tables = FakeTables()
    add = tables.add_column

    def never(name: str) -> None:
        add(name)
        tables._spreads = 100

    tables.add_column = never  # type: ignore[method-assign]  # a schema that does not spread
    found = played(tables)["rows-new-column"]
    assert (found.verdict, found.saw) == (
        "differs",
        "refused for 5 s: 200: retry: no such field: nowhere.",
    )


def test_a_repetition_that_is_kept_is_a_difference() -> None:
    tables = FakeTables()
    tables.repetitions = True
    assert played(tables)["rows-insert-id"].saw == "a row that was sent twice is there 2 times"


def test_a_value_that_comes_back_otherwise_is_a_difference() -> None:
    tables = FakeTables()
    row = tables.row

    def rounded(name: str, seconds: float = 30) -> dict[str, Any] | None:
        found = row(name, seconds)
        return {**found, "whole": 9007199254740992} if found else None

    tables.row = rounded  # type: ignore[method-assign]  # a service that reads numbers as floats
    assert played(tables)["rows-values"].saw == "other values in whole"


@pytest.mark.parametrize(
    ("assumption", "first", "otherwise"),
    [
        ("rows-no-table", "a", (400, error("bad"))),
        ("rows-bad", "good-1", (400, error("bad"))),
        ("rows-stopped", "stopped-1", (200, {})),
        ("rows-no-such-field", "b", (200, {})),
        ("rows-missing-field", "c", (200, {"insertErrors": [{"index": 0, "errors": [NO_NUMBER]}]})),
        ("rows-long-insert-id", "i" * 129, (200, {})),
        ("rows-past", "rows-past--1800", (200, {})),
        ("rows-future", "rows-future-300", (200, {})),
        ("rows-too-large", "large-0", (503, {})),
    ],
)
def test_another_answer_is_a_difference(assumption: str, first: str, otherwise: Answer) -> None:
    def answer(table: str, rows: Rows, **more: Any) -> Answer:
        return otherwise if rows[0]["insertId"] == first else as_assumed(table, rows, **more)

    found = played(FakeTables(answer))
    assert found[assumption].verdict == "differs", found[assumption].saw
    assert {name for name, each in found.items() if each.verdict != "agrees"} == {assumption}
