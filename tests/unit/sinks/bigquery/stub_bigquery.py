"""A small HTTP server that answers insertAll as BigQuery does, and misbehaves on request."""

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.unit.sinks.stub_server import (
    Behaviour,
    Exchange,
    StubServer,
    drop,
    drop_after_write,
    garbage,
    half_response,
    hang,
    hang_after_write,
    html,
    raw,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Behaviour",
    "BigQueryExchange",
    "StubBigQuery",
    "drop",
    "drop_after_write",
    "fine",
    "garbage",
    "half_response",
    "hang",
    "hang_after_write",
    "html",
    "raw",
    "row_errors",
    "status",
]


class BigQueryExchange(Exchange):
    """One insertAll."""

    stub: "StubBigQuery"

    def read(self, body: bytes) -> None:
        self.document = json.loads(body)
        self.rows: list[dict[str, Any]] = self.document["rows"]
        self.table = self.handler.path.split("/")[-2]

    def write(self, *, without: set[int] = frozenset()) -> None:  # type: ignore[assignment] # never changed
        self.stub.write(self.table, [row for n, row in enumerate(self.rows) if n not in without])


def fine(exchange: BigQueryExchange) -> None:
    """Take what `judge` finds no fault with."""
    errors = {n: found for n, row in enumerate(exchange.rows) if (found := exchange.stub.judge(row))}
    exchange.write(without=set(errors))
    listed = [{"index": index, "errors": found} for index, found in errors.items()]
    exchange.answer(200, {"kind": "bigquery#tableDataInsertAllResponse", "insertErrors": listed})


class StubBigQuery(StubServer):
    """Takes rows, merging by insertId as BigQuery does for a minute."""

    exchange = BigQueryExchange
    fine = staticmethod(fine)

    def __init__(self) -> None:
        self.rows: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.writes: defaultdict[str, int] = defaultdict(int)
        self.judge: Callable[[dict[str, Any]], list[dict[str, str]]] = lambda _row: []
        super().__init__()

    def write(self, table: str, rows: list[dict[str, Any]]) -> None:
        with self._lock:
            for row in rows:
                self.rows[table][row["insertId"]] = row["json"]
                self.writes[row["insertId"]] += 1


def status(code: int, message: str = "", reason: str = "backendError", **headers: str) -> Behaviour:
    error = {"code": code, "message": message, "errors": [{"reason": reason, "message": message}]}
    return lambda exchange: exchange.answer(code, {"error": error}, **headers)


def row_errors(errors: dict[int, list[dict[str, str]]]) -> Behaviour:
    """Write the rows that are not named, and name the others."""

    def behave(exchange: BigQueryExchange) -> None:
        exchange.write(without=set(errors))
        listed = [{"index": index, "errors": found} for index, found in errors.items()]
        exchange.answer(200, {"insertErrors": listed})

    return behave
