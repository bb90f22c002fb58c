"""A local BigQuery inside the test's process, with the tables of windows and the views of metrics."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from sluice.deadline import Deadline
from sluice.local.bigquery.app import Server
from sluice.local.bigquery.errors import ApiError
from sluice.metrics import Definition
from sluice.observing.figures import Tally
from sluice.publisher.tables import WINDOW_TABLES
from sluice.publisher.views import metric_view_sql
from sluice.sinks.bigquery.transport import Answer, NoAnswer

PROJECT, RAW, VIEWS = "project", "raw", "views"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCALARS: Final[Mapping[str, Callable[[str], Any]]] = {
    "INTEGER": int,
    "FLOAT": float,
    "NUMERIC": Decimal,
    "BIGNUMERIC": Decimal,
    "BOOLEAN": lambda text: text == "true",
    "DATE": date.fromisoformat,
    "TIMESTAMP": lambda text: _EPOCH + timedelta(microseconds=int(text)),
    "BYTES": base64.b64decode,
}


class Warehouse:
    """`fault` is asked before each request for its table: it may raise, or answer in BigQuery's place.

    What it answers with `after` set is said only after the rows were written.
    """

    def __init__(self) -> None:
        self.server = Server(days_back=40_000, days_ahead=40_000)
        self.fault: Callable[[str, bytes], Answer | None] = lambda *_: None
        self.lost: Callable[[str], bool] = lambda _: False
        self.tally = Tally()
        for dataset in (RAW, VIEWS):
            body = {"datasetReference": {"datasetId": dataset}}
            self.server.catalog.create_dataset(PROJECT, body)
        for table in WINDOW_TABLES:
            column, granularity = table.partition
            self._create(
                RAW,
                table.name,
                schema={"fields": [dict(field) for field in table.schema]},
                timePartitioning={"type": granularity, "field": column},
                clustering={"fields": list(table.cluster)},
            )

    def _create(self, dataset: str, name: str, **resource: Any) -> None:
        self.server.catalog.create_table(PROJECT, dataset, {"tableReference": {"tableId": name}, **resource})

    def view(self, definition: Definition, location: str = "EU") -> None:
        """Create the metric's view, in place of an older one."""
        for table in self.server.catalog.tables(PROJECT, VIEWS):
            if table.path[2] == definition.name:
                self.server.catalog.delete_table(table.path)
        query = metric_view_sql(definition, PROJECT, RAW, location)
        self._create(VIEWS, definition.name, view={"query": query, "useLegacySql": False})

    def insert_all(self, table: str, body: bytes, deadline: Deadline, attempt: int = 1) -> Answer:  # noqa: ARG002 - as Transport has it
        """Take a request, as `sluice.sinks.bigquery.transport.Transport` sends it."""
        answer = self.fault(table, body)
        if answer is not None:
            return answer
        try:
            document = self.server.inserter.insert_all(self.server.catalog.table((PROJECT, RAW, table)), body)
        except ApiError as error:
            pytest.fail(f"the request was refused: {error.message}")
        if self.lost(table):
            raise NoAnswer("no answer from BigQuery (test)")
        return Answer(200, json.dumps(document).encode())

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Answer a query with Python's values."""
        body = {"query": sql, "useLegacySql": False, "formatOptions": {"useInt64Timestamp": True}}
        answer = self.server.jobs.query(PROJECT, body)
        fields = answer["schema"]["fields"]
        return [
            {field["name"]: _value(field, cell["v"]) for field, cell in zip(fields, row["f"], strict=True)}
            for row in answer["rows"]
        ]

    def rows(self, name: str, dataset: str = VIEWS) -> list[dict[str, Any]]:
        """Return all rows of a table or view."""
        return self.query(f"SELECT * FROM `{PROJECT}.{dataset}.{name}`")  # noqa: S608 - the test's own names


def _value(field: Mapping[str, Any], given: Any) -> Any:
    if field["mode"] == "REPEATED":
        return [_value({**field, "mode": "NULLABLE"}, item["v"]) for item in given]
    if given is None:
        return None
    if field["type"] == "RECORD":
        pairs = zip(field["fields"], given["f"], strict=True)
        return {inner["name"]: _value(inner, cell["v"]) for inner, cell in pairs}
    return _SCALARS.get(field["type"], str)(given)
