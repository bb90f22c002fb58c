"""Athena: one query asked, waited for, paid for within a limit, and read to its last page."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.errors import EnvironmentProblem, QueryError
from sluice.lake.values import value_of

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient

QUERY_SECONDS = 600
"""How long a query may take: far more than the lake's views need for a day of events."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two looks at a query; Athena starts few of them in under half a second."""

ROWS = 1_000
"""Rows of one page at most. docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html"""

USER = 2
"""ErrorCategory of an error that is the query's own; 1 is the service's.
docs.aws.amazon.com/athena/latest/APIReference/API_AthenaError.html (read 2026-11)"""

REFUSED = frozenset({"InvalidRequestException"})
"""What Athena answers to a query that it does not even start."""

GIB = 1024**3

Progress = Callable[[float, int], None]
"""Told the seconds since the query began, and the bytes read so far."""


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query, its columns' types in Athena's words, and the bytes that Athena read for it."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    bytes_scanned: int = 0

    def documents(self) -> list[dict[str, Any]]:
        """Return the rows as JSON objects."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Athena:
    """Queries in one workgroup, which says where results are kept; names without a database are `database`'s.

    Needs athena:StartQueryExecution, GetQueryExecution, GetQueryResults and StopQueryExecution on the
    workgroup, glue:GetTable and GetDatabase, and s3:GetObject on the lake's bucket.
    """

    client: "AthenaClient"
    workgroup: str
    database: str
    where: str = "Athena"
    """What to call it in a sentence."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def ask(self, sql: str, *, most_bytes: int | None = None, on_progress: Progress | None = None) -> Result:
        """Run a query in Athena's SQL and return its rows.

        Athena tells no cost beforehand: a query that has read more than `most_bytes` is stopped.

        Raises:
            QueryError: Athena refuses the query, or it reads too much.
            EnvironmentProblem: Athena does not answer, or fails by itself.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - takes time to import

        try:
            started = self.client.start_query_execution(
                QueryString=sql, WorkGroup=self.workgroup, QueryExecutionContext={"Database": self.database}
            )
            query = started["QueryExecutionId"]
            try:
                scanned = self._wait(query, most_bytes, on_progress)
            except BaseException:
                self._stop(query)
                raise
            return self._read(query, scanned)
        except ClientError as error:
            words = " ".join(error.response.get("Error", {}).get("Message", str(error)).split())
            if error.response.get("Error", {}).get("Code") in REFUSED:
                raise QueryError(words) from error
            raise EnvironmentProblem(f"{self.where}: {words}") from error
        except BotoCoreError as error:
            raise EnvironmentProblem(f"{self.where} does not answer ({type(error).__name__})") from error

    def _wait(self, query: str, most_bytes: int | None, on_progress: Progress | None) -> int:
        begun, pause = self.clock(), FIRST_PAUSE
        while True:
            execution: Any = self.client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            scanned = int(execution.get("Statistics", {}).get("DataScannedInBytes", 0))
            state = execution["Status"]["State"]
            seconds = self.clock() - begun
            if on_progress:
                on_progress(seconds, scanned)
            if most_bytes is not None and scanned > most_bytes:
                raise QueryError(
                    f"the query was stopped after reading {scanned / GIB:.3g} GiB, more than the "
                    f"{most_bytes / GIB:.3g} allowed: restrict the event time, or raise --most-gib"
                )
            if state == "SUCCEEDED":
                return scanned
            if state in {"FAILED", "CANCELLED"}:
                raise self._failure(execution["Status"])
            if seconds > QUERY_SECONDS:
                raise EnvironmentProblem(
                    f"{self.where} has not answered in {QUERY_SECONDS} seconds; the query was stopped: "
                    "restrict the event time"
                )
            self.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _failure(self, status: Mapping[str, Any]) -> QueryError | EnvironmentProblem:
        words = " ".join(str(status.get("StateChangeReason") or "the query was cancelled").split())
        if status["State"] == "CANCELLED" or status.get("AthenaError", {}).get("ErrorCategory") == USER:
            return QueryError(words)
        return EnvironmentProblem(f"{self.where}: {words}")

    def _stop(self, query: str) -> None:
        """Stop a query that nobody waits for any more; one that has ended is left as it is."""
        from contextlib import suppress  # noqa: PLC0415 - used when something went wrong

        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - same

        with suppress(BotoCoreError, ClientError):
            self.client.stop_query_execution(QueryExecutionId=query)

    def _read(self, query: str, scanned: int) -> Result:
        pages = self._pages(query)
        first = next(pages)
        columns: Any = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        types = tuple(str(column["Type"]) for column in columns)
        rows: list[tuple[Any, ...]] = []
        header = 1  # the first page of a SELECT begins with the columns' names
        for page in _chained(first, pages):
            for row in page["ResultSet"]["Rows"][header:]:
                texts = [datum.get("VarCharValue") for datum in row["Data"]]
                rows.append(tuple(value_of(*pair) for pair in zip(types, texts, strict=True)))
            header = 0
        return Result(tuple(str(column["Name"]) for column in columns), types, tuple(rows), scanned)

    def _pages(self, query: str) -> Iterator[Any]:
        more: dict[str, Any] = {}
        while True:
            page: Any = self.client.get_query_results(QueryExecutionId=query, MaxResults=ROWS, **more)
            yield page
            if not page.get("NextToken"):
                return
            more = {"NextToken": page["NextToken"]}


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest
