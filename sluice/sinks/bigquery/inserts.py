"""One insertAll request: its rows' JSON joined, its answer read."""

from collections.abc import Sequence

import msgspec

from sluice.deadline import Deadline
from sluice.sinks.answers import Fate, Later, NoAnswer, Whole
from sluice.sinks.bigquery.answers import read
from sluice.sinks.bigquery.transport import Transport
from sluice.sinks.requests import Request, Results

HEAD = b'{"kind":"bigquery#tableDataInsertAllRequest","skipInvalidRows":true,"rows":['
TAIL = b"]}"

SERVICE = "BigQuery"


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row on its way to a table: its JSON as it stands in a request's list of rows."""

    table: str
    body: bytes

    @property
    def place(self) -> str:
        """The table, by which rows share their luck."""
        return self.table


Item = tuple[int, Row]
"""A row and its place in the delivery."""


class Insert(Request[Row]):
    """The rows of one request."""

    service = SERVICE

    def __init__(
        self, transport: Transport, table: str, items: Sequence[Item], results: Results, deadline: Deadline
    ) -> None:
        super().__init__(items, results, deadline)
        self._transport = transport
        self._table = table

    def ask(self, items: Sequence[Row], deadline: Deadline, attempt: int) -> Sequence[Fate] | Whole | Later:
        """Send these rows once."""
        body = HEAD + b",".join([row.body for row in items]) + TAIL
        try:
            return read(self._transport.insert_all(self._table, body, deadline, attempt), len(items))
        except NoAnswer as error:
            return Later(str(error))
