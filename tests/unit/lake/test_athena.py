"""Athena's client: a query is asked once, waited for, stopped when nobody wants it, and read to its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sluice.errors import EnvironmentProblem, QueryError
from sluice.lake.athena import Athena
from sluice.lake.count import AT_ONCE, Tables
from sluice.lake.values import value_of
from sluice.local.athena.queries import BadRequest, Queries
from tests.unit.local_athena.lake import RAW, VIEWS, Lake


class Served:
    """boto3's Athena, answered by the local one in this process."""

    def __init__(self) -> None:
        self.queries = Queries(Lake())
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operations = {
            "start_query_execution": self.queries.start,
            "get_query_execution": self.queries.describe,
            "get_query_results": self.queries.results,
            "stop_query_execution": self.queries.stop,
        }

        def call(**request: Any) -> Any:
            self.calls.append(name)
            try:
                return operations[name](request)
            except BadRequest as error:
                told = {"Error": {"Code": "InvalidRequestException", "Message": str(error)}}
                raise ClientError(told, name) from error

        return call


class Told:
    """boto3's Athena that says what it was told to, state by state."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)
        self.stopped: list[str] = []

    def start_query_execution(self, **_: Any) -> Any:
        return {"QueryExecutionId": "q"}

    def get_query_execution(self, **_: Any) -> Any:
        return {"QueryExecution": self.states.pop(0) if len(self.states) > 1 else self.states[0]}

    def stop_query_execution(self, **request: Any) -> None:
        self.stopped.append(request["QueryExecutionId"])


def athena(client: Any, **more: Any) -> Athena:
    now = iter(range(10_000))
    quiet: dict[str, Any] = {"sleep": lambda _: None, "clock": lambda: float(next(now))}
    return Athena(client=client, workgroup="demo-lake", database=VIEWS, **{**quiet, **more})


def state(word: str, scanned: int = 0, **more: Any) -> dict[str, Any]:
    return {"Status": {"State": word, **more}, "Statistics": {"DataScannedInBytes": scanned}}


@contextmanager
def refused(kind: type[Exception], *words: str) -> Iterator[None]:
    with pytest.raises(kind) as error:
        yield
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in words), str(error.value)


def served(client: Any) -> Athena:
    """The local one works in a thread of its own: real pauses."""
    return Athena(client=client, workgroup="demo-lake", database=VIEWS)


def test_an_answer_has_the_types_of_its_columns() -> None:
    told: list[tuple[float, int]] = []
    found = served(Served()).ask(
        "SELECT id, paid_at, amount, quantity, weight, gift, ships_on, CAST(items AS JSON) AS items "
        "FROM sale WHERE id = 'one'",
        on_progress=lambda seconds, scanned: told.append((seconds, scanned)),
    )
    assert found.documents() == [
        {
            "id": "one",
            "paid_at": datetime(2026, 11, 20, 8, 0, 1, 123456, tzinfo=UTC),
            "amount": Decimal("10.5"),
            "quantity": 7,
            "weight": 1.5,
            "gift": False,
            "ships_on": date(2026, 11, 20),
            "items": [{"sku": "a", "price": Decimal("2.5")}],
        }
    ]
    assert found.bytes_scanned == told[-1][1] == 1000


@pytest.mark.parametrize("rows", [0, 1, 999, 1000, 1001, 2500])
def test_every_page_is_read_and_no_header_is_taken_for_a_row(rows: int) -> None:
    values = ", ".join(f"({number})" for number in range(max(rows, 1)))
    sql = f"SELECT n FROM (VALUES {values}) AS t(n) WHERE n < {rows} ORDER BY n"  # noqa: S608 - the test's own
    assert served(Served()).ask(sql).rows == tuple((number,) for number in range(rows))


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT nope FROM sale", "COLUMN_NOT_FOUND"),
        ("SELECT 1/0", "Division by zero"),
        ("SELEC 1", "SYNTAX_ERROR"),
        (" ", "QueryString"),
    ],
)
def test_what_is_wrong_with_a_query_is_the_users_to_read(sql: str, words: str) -> None:
    with refused(QueryError, words):
        served(Served()).ask(sql)


def test_a_query_that_reads_too_much_is_stopped() -> None:
    client = Told(state("RUNNING", 10), state("RUNNING", 3 * 1024**3))
    with refused(QueryError, "reading 3 GiB", "the 2 allowed", "--most-gib"):
        athena(client).ask("SELECT 1", most_bytes=2 * 1024**3)
    assert client.stopped == ["q"]


def test_a_query_that_does_not_end_is_stopped() -> None:
    client = Told(state("RUNNING"))
    with refused(EnvironmentProblem, "has not answered in 600 seconds"):
        athena(client).ask("SELECT 1")
    assert client.stopped == ["q"]


def test_ctrl_c_stops_the_query() -> None:
    client = Told(state("RUNNING"))

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        athena(client, sleep=interrupted).ask("SELECT 1")
    assert client.stopped == ["q"]


def test_athenas_own_trouble_is_not_the_querys() -> None:
    own = {"StateChangeReason": "Slow\ndown", "AthenaError": {"ErrorCategory": 1}}
    with refused(EnvironmentProblem, "Athena: Slow down"):
        athena(Told(state("FAILED", **own))).ask("SELECT 1")
    with refused(QueryError, "someone did"):
        athena(Told(state("CANCELLED", StateChangeReason="someone did"))).ask("SELECT 1")


def test_no_answer_at_all_is_one_line() -> None:
    class Away:
        def start_query_execution(self, **_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")

    with refused(EnvironmentProblem, "does not answer"):
        athena(Away()).ask("SELECT 1")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("timestamp", "2026-11-20 08:00:00.123", datetime(2026, 11, 20, 8, 0, 0, 123000)),  # noqa: DTZ001 - it has none
        (
            "timestamp with time zone",
            "2026-11-20 08:00:00.123456789 UTC",
            datetime(2026, 11, 20, 8, 0, 0, 123456, UTC),
        ),
        (
            "timestamp with time zone",
            "2026-11-20 08:00:00 Europe/Berlin",
            datetime(2026, 11, 20, 7, tzinfo=UTC),
        ),
        (
            "timestamp with time zone",
            "2026-11-20 08:00:00.5 +05:30",
            datetime(2026, 11, 20, 2, 30, 0, 500000, UTC),
        ),
        ("double", "Infinity", float("inf")),
        ("double", "1.0E10", 1e10),
        ("decimal", "-0.000000001", Decimal("-1e-9")),
        ("bigint", "9223372036854775807", 2**63 - 1),
        ("json", '{"a": 1.10}', {"a": Decimal("1.10")}),
        ("array", "[a, b]", "[a, b]"),
        ("row", "{a=1}", "{a=1}"),
        ("bigint", None, None),
    ],
)
def test_a_value_is_read_as_its_type_says(kind: str, text: str | None, value: Any) -> None:
    assert value_of(kind, text) == value


class Glue:
    """boto3's Glue with the lake's two kinds of tables and a stranger."""

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        columns = [{"Name": name} for name in ("id", "_event_id", "_arrived_at", "_shard", "_sequence")]
        iceberg = {"Parameters": {"table_type": "ICEBERG"}}
        yield {"TableList": [{"Name": "sale", "StorageDescriptor": {"Columns": columns}, **iceberg}]}
        yield {"TableList": [{"Name": "other", "StorageDescriptor": {"Columns": columns}}]}
        yield {"TableList": [{"Name": "own", "StorageDescriptor": {"Columns": columns[:2]}, **iceberg}]}


class Asked:
    """An Athena that notes its queries and answers with nothing."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    def ask(self, sql: str) -> Any:
        self.queries.append(sql)
        return type("Empty", (), {"rows": ()})


def test_only_tables_of_events_are_counted_and_many_records_in_several_queries() -> None:
    asked: Any = Asked()
    glue: Any = Glue()
    tables = Tables(asked, glue, RAW)
    assert tables.count(datetime(2026, 11, 20, 8, tzinfo=UTC)) == 0
    assert tables.count(None, datetime(2026, 11, 20, 8, tzinfo=UTC)) == 0
    assert asked.queries.pop().endswith(
        "WHERE \"_arrived_at\" < TIMESTAMP '2026-11-20 08:00:00.000000 UTC') AS places"
    )
    assert tables.among([("shardId-0", f"{number}") for number in range(AT_ONCE + 1)]) == set()
    count, *looked = asked.queries
    assert count.count("FROM") == 2
    assert 'FROM "demo_lake_raw"."sale" WHERE "_arrived_at" >= TIMESTAMP \'2026-11-20 08:00:00' in count
    assert len(looked) == 2
    assert all(len(sql) < 262_144 for sql in looked)
