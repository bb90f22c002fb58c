"""The table that rows are tried on: made for one run in the probe's own dataset, and dropped with it."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from sluice.errors import EnvironmentProblem
from sluice.probe.ground import Clients, Ground, Patience

_SCHEMA: Final = (
    bigquery.SchemaField("id", "STRING", mode="REQUIRED"),
    bigquery.SchemaField("at", "TIMESTAMP", mode="REQUIRED"),
    bigquery.SchemaField("text", "STRING"),
    bigquery.SchemaField("whole", "INT64"),
    bigquery.SchemaField("exact", "NUMERIC"),
    bigquery.SchemaField("raw", "BYTES"),
    bigquery.SchemaField("flag", "BOOL"),
    bigquery.SchemaField("day", "DATE"),
)
_COLUMNS: Final = (
    "text, whole, CAST(exact AS STRING) AS exact, TO_BASE64(raw) AS raw, flag, CAST(day AS STRING) AS day"
)
_VISIBLE_SECONDS: Final = 30.0
"""Rows of the streaming buffer show in queries within seconds (BigQuery, streaming data availability)."""

_REQUEST_SECONDS: Final = 30.0
_QUICK: Final[dict[str, Any]] = {
    "retry": DEFAULT_RETRY.with_timeout(_REQUEST_SECONDS),
    "timeout": _REQUEST_SECONDS,
}
"""For each request: by itself Google's client tries for ten minutes where nobody answers."""

_QUICK_QUERY: Final[dict[str, Any]] = {
    "retry": DEFAULT_RETRY.with_timeout(_REQUEST_SECONDS),
    "api_timeout": _REQUEST_SECONDS,
    "wait_timeout": _REQUEST_SECONDS,
}


class Tables:
    """One table, made and dropped with the rights of the person who probes; the function adds rows to it."""

    def __init__(
        self,
        clients: Clients,
        ground: Ground,
        run: str,
        patience: Patience,
        *,
        sleep: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._functions = clients.bigquery, clients.functions
        self._function = ground.function
        self._clock, self._sleep = clock, sleep
        self.name = f"probe_{run}"
        self.patience = patience
        self._table = bigquery.Table(
            f"{clients.bigquery.project}.{ground.dataset}.{self.name}", schema=list(_SCHEMA)
        )
        self._table.time_partitioning = bigquery.TimePartitioning(field="at")

    def make(self) -> None:
        """Make the table."""
        self._table = self._client.create_table(self._table, **_QUICK)

    def drop(self) -> None:
        """Drop it, if it is there."""
        self._client.delete_table(self._table, not_found_ok=True, **_QUICK)

    def add_column(self, name: str) -> None:
        """Add a column of text."""
        self._table.schema = [*self._table.schema, bigquery.SchemaField(name, "STRING")]
        self._table = self._client.update_table(self._table, ["schema"], **_QUICK)

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the function something.

        Raises:
            EnvironmentProblem: it failed.
        """
        answer = self._functions.invoke(FunctionName=self._function, Payload=json.dumps(question).encode())
        said: dict[str, Any] = json.loads(answer["Payload"].read() or b"{}")
        if answer.get("FunctionError"):
            words = said.get("errorMessage") or "no reason given"
            raise EnvironmentProblem(
                f"the function {self._function} failed: {words}; its log group says more"
            )
        return said

    def while_it_spreads(self) -> Iterator[float]:
        """Yield the seconds since the beginning, again and again, for as long as a schema may take."""
        began = self._clock()
        while (waited := self._clock() - began) < self.patience.schema_seconds:
            yield waited
            self._sleep(self.patience.poll_seconds)

    def row(self, name: str, seconds: float = _VISIBLE_SECONDS) -> dict[str, Any] | None:
        """Return a row as a query shows it, in the forms that it was sent in; None after so long."""
        query = f"SELECT {_COLUMNS} FROM `{self._full_name}` WHERE id = '{name}'"  # noqa: S608 - all of it is ours
        end = self._clock() + seconds
        while True:
            for found in self._client.query_and_wait(query, **_QUICK_QUERY):
                return dict(found)
            if self._clock() >= end:
                return None
            self._sleep(self.patience.poll_seconds)

    def count(self, name: str) -> int:
        """Return how many rows of an id there are, once there is one."""
        self.row(name)
        query = f"SELECT COUNT(*) AS many FROM `{self._full_name}` WHERE id = '{name}'"  # noqa: S608 - both are ours
        (found,) = self._client.query_and_wait(query, **_QUICK_QUERY)
        return int(found["many"])

    @property
    def _full_name(self) -> str:
        return f"{self._table.project}.{self._table.dataset_id}.{self._table.table_id}"
