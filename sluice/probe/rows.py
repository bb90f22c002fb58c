"""What is tried with BigQuery: the function sends rows as a sink does, and says what was answered."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.probe.findings import Finding, agrees_if, unclear
from sluice.probe.tables import Tables
from sluice.probe.trial import Silence
from sluice.sinks.answers import Answer, Fate, Later, Stopped, Whole
from sluice.sinks.bigquery.answers import read

TABLE_ABOUT: Final = (
    "rows-new-table",
    "rows-no-table",
    "rows-values",
    "rows-bad",
    "rows-stopped",
    "rows-no-such-field",
    "rows-missing-field",
    "rows-insert-id",
    "rows-long-insert-id",
    "rows-past",
    "rows-future",
    "rows-too-large",
    "rows-new-column",
)
_MEGABYTES: Final = 11
_LONG_ID: Final = 129
_OK: Final = 200
_NOT_FOUND: Final = 404
_BAD_REQUEST: Final = 400

Result = Sequence[Fate] | Whole | Later


@dataclass(frozen=True, slots=True)
class Told:
    """BigQuery's answer, and what a sink makes of it."""

    status: int
    body: str
    result: Result

    @property
    def fates(self) -> Sequence[Fate]:
        """What became of each row; nothing of any where the request was refused."""
        return self.result if isinstance(self.result, Sequence) else ()

    @property
    def taken(self) -> bool:
        """Whether every row went in."""
        return bool(self.fates) and all(each == DELIVERED for each in self.fates)

    @property
    def words(self) -> str:
        """What was answered, in a few words."""
        return f"{self.status}: {described(self.result)}"


def described(result: Result) -> str:
    """Say what a sink makes of an answer."""
    if isinstance(result, Sequence):
        return ", ".join(type(each).__name__.lower() for each in result)
    return result.reason


def row(name: str, **more: Any) -> dict[str, Any]:
    """Make a row that the table takes; its insertId is its id."""
    now = datetime.now(UTC).isoformat()
    return {"insertId": name, "json": {"id": name, "at": now, **more}}


class RowTrial:
    """All that is tried with one table, which is there for the trial alone."""

    def __init__(self, tables: Tables) -> None:
        self._tables, self._ask = tables, tables.ask

    def play(self) -> Iterator[Finding]:
        """Try everything, one after the other."""
        yield self._new_table()
        yield self._no_table()
        yield self._values()
        yield self._bad()
        yield self._stopped()
        yield self._refused("rows-no-such-field", row("b", nowhere=1), Retry, "no such field")
        lacking = {"insertId": "c", "json": {"id": "c"}}
        yield self._refused("rows-missing-field", lacking, Retry, "missing required field")
        yield self._insert_id()
        yield self._long_insert_id()
        yield self._streaming("rows-past", -1800, -4000)
        yield self._streaming("rows-future", 300, 500)
        yield self._too_large()
        yield self._new_column()

    def insert(self, *rows: Mapping[str, Any], skip: bool = True, **more: Any) -> Told:
        """Send rows, and return what was answered."""
        answer = self._ask(
            {"ask": "insert", "table": self._tables.name, "body": _body(rows, skip=skip), **more}
        )
        return _told(answer, len(rows))

    def _new_table(self) -> Finding:
        refusals: list[Told] = []
        for waited in self._tables.while_it_spreads():
            told = self.insert(row("first"))
            if told.taken:
                passing = all(_passes(each) for each in refusals)
                saw = f"rows went in {waited:.0f} s after it was made"
                if refusals:
                    saw += f"; before that {refusals[-1].words}"
                return agrees_if(passing, "rows-new-table", saw)
            refusals.append(told)
        last = refusals[-1].words if refusals else "nothing was asked"
        raise Silence(f"the new table took no row in {self._tables.patience.schema_seconds:.0f} s ({last})")

    def _no_table(self) -> Finding:
        answer = self._ask(
            {"ask": "insert", "table": f"{self._tables.name}_none", "body": _body([row("a")], skip=True)}
        )
        told = _told(answer, 1)
        holds = told.status == _NOT_FOUND and isinstance(told.result, Later)
        return agrees_if(holds, "rows-no-table", told.words)

    def _values(self) -> Finding:
        sent = {
            "whole": 9007199254740993,
            "exact": "12345678901234567890.123456789",
            "raw": "AP/+",
            "flag": True,
            "day": "2026-02-28",
            "text": 'a "quoted" ü\n',
        }
        told = self.insert(row("values", **sent))
        if not told.taken:
            return agrees_if(holds=False, assumption="rows-values", saw=told.words)
        found = self._tables.row("values")
        if found is None:
            return unclear("rows-values", "the row went in, and no query found it")
        wrong = sorted(name for name, value in sent.items() if found.get(name) != value)
        saw = f"other values in {', '.join(wrong)}" if wrong else f"{len(sent)} values came back as they were"
        return agrees_if(not wrong, "rows-values", saw)

    def _bad(self) -> Finding:
        told = self.insert(row("good-1"), row("bad", whole="many"), row("good-2"))
        fates = told.fates
        named = len(fates) == 3 and isinstance(fates[1], Rejected) and fates[1].field == "whole"  # noqa: PLR2004 - as many as were sent
        holds = named and fates[0] == fates[2] == DELIVERED
        return agrees_if(holds, "rows-bad", told.words)

    def _stopped(self) -> Finding:
        told = self.insert(row("stopped-1"), row("bad", whole="many"), skip=False)
        fates = told.fates
        holds = len(fates) > 1 and isinstance(fates[0], Stopped) and isinstance(fates[1], Rejected)
        if holds and self._tables.row("stopped-1", seconds=0):
            return agrees_if(holds=False, assumption="rows-stopped", saw="the stopped row went in")
        return agrees_if(holds, "rows-stopped", told.words)

    def _refused(self, assumption: str, bad: Mapping[str, Any], kind: type[Fate], words: str) -> Finding:
        told = self.insert(bad)
        holds = len(told.fates) == 1 and isinstance(told.fates[0], kind) and words in told.body.lower()
        return agrees_if(holds, assumption, _message(told))

    def _insert_id(self) -> Finding:
        first, second = self.insert(row("twice")), self.insert(row("twice"))
        if not (first.taken and second.taken):
            return unclear("rows-insert-id", second.words)
        count = self._tables.count("twice")
        return agrees_if(
            count == 1,
            "rows-insert-id",
            f"a row that was sent twice is there {'once' if count == 1 else f'{count} times'}",
        )

    def _long_insert_id(self) -> Finding:
        told = self.insert({**row("long"), "insertId": "i" * _LONG_ID})
        return agrees_if(told.status == _BAD_REQUEST, "rows-long-insert-id", told.words)

    def _streaming(self, assumption: str, near: int, far: int) -> Finding:
        now = datetime.now(UTC)
        near_row, far_row = (
            row(f"{assumption}-{days}", at=(now + timedelta(days=days)).isoformat()) for days in (near, far)
        )
        told = self.insert(near_row, far_row)
        fates = told.fates
        holds = len(fates) > 1 and fates[0] == DELIVERED and isinstance(fates[1], Rejected)
        return agrees_if(holds, assumption, _message(told))

    def _too_large(self) -> Finding:
        rows = [row(f"large-{number}", text="") for number in range(_MEGABYTES)]
        told = self.insert(*rows, pad={"text": 1_000_000})
        holds = isinstance(told.result, Whole) and told.result.too_large
        return agrees_if(holds, "rows-too-large", f"{_MEGABYTES} MB: {told.words}")

    def _new_column(self) -> Finding:
        self._tables.add_column("later")
        refusals: list[Told] = []
        for waited in self._tables.while_it_spreads():
            told = self.insert(row(f"later-{len(refusals)}", later="x"))
            if told.taken:
                passing = all(_passes(each) for each in refusals)
                saw = (
                    f"values went in {waited:.0f} s after it was added, refused {len(refusals)} times before"
                )
                if not passing:
                    saw += f": {_message(refusals[0])}"
                return agrees_if(passing, "rows-new-column", saw)
            refusals.append(told)
        waited = self._tables.patience.schema_seconds
        saw = f"refused for {waited:.0f} s: {_message(refusals[-1])}" if refusals else "nothing was asked"
        return agrees_if(holds=False, assumption="rows-new-column", saw=saw)


def _body(rows: Sequence[Mapping[str, Any]], *, skip: bool) -> dict[str, Any]:
    return {"kind": "bigquery#tableDataInsertAllRequest", "skipInvalidRows": skip, "rows": list(rows)}


def _told(answer: Mapping[str, Any], rows: int) -> Told:
    status, body = int(answer["status"]), str(answer["body"])
    result: Result = read(Answer(status, body), rows) if status else Later(body)
    return Told(status, body, result)


def _passes(told: Told) -> bool:
    """Whether a sink would try again, instead of taking the refusal for the row's fault."""
    return isinstance(told.result, Later) or all(isinstance(each, Retry) for each in told.fates)


def _message(told: Told) -> str:
    """Return BigQuery's own words about the last row that it refused, else what was answered."""
    try:
        errors = json.loads(told.body).get("insertErrors") or []
        return f"{told.words}: {errors[-1]['errors'][0]['message']}" if errors else told.words
    except (ValueError, LookupError, AttributeError):
        return told.words
