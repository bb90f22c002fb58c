"""Questions, answers and counts over the local BigQuery, through Google's own client."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
import sqlglot
from google.cloud import bigquery
from sqlglot import exp

from sluice.audit.spans import Span
from sluice.audit.warehouse import Counted, count_tables
from sluice.cli.answers import ask
from sluice.cli.main import run
from sluice.cli.outputs import Outputs, SinkOutputs
from sluice.cli.questions import Question, of_lake, questions
from sluice.cli.target import Target
from sluice.contract import Contract, Event, Json, Nested, field
from sluice.contract.bigquery import DEAD_LETTER_SCHEMA, DEAD_LETTER_TABLE, raw_view_sql
from sluice.contract.iceberg import schema, table_name
from sluice.errors import EnvironmentProblem, QueryError
from sluice.local.endpoints import Endpoints
from sluice.pipeline import load_pipeline

ROOT = Path(__file__).parents[3]
SHARD = "shardId-000000000000"


class Colour(Enum):
    """What a shirt can be."""

    RED = "red"
    BLUE = "blue"


class Size(Nested):
    """Of a shirt."""

    width: Annotated[int, field("In centimetres")]


class Sale(Event, type="sale", id="sale_id", time="sold_on"):
    """A shirt that was sold: its time is a date, and `order` is a keyword in SQL."""

    sale_id: Annotated[str, field("Unique id")]
    sold_on: Annotated[date, field("When")]
    order: Annotated[int, field("In which order")]
    colour: Annotated[Colour | None, field("Which")] = None
    size: Annotated[Size | None, field("How large")] = None
    extra: Annotated[Json | None, field("Anything")] = None
    tags: Annotated[list[str], field("Some")] = []  # noqa: RUF012 - msgspec copies a list's default


class Tick(Event, type="tick", time="at"):
    """An event of nothing but its time."""

    at: Annotated[datetime, field("When")]


CONTRACTS = {
    "the default one": load_pipeline(ROOT / "pipeline.py").contract,
    "web requests": load_pipeline(ROOT / "tests" / "pipelines" / "web_requests.py").contract,
    "odd ones": Contract([Sale, Tick]),
    "the least": Contract([Tick]),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "sluice.local.bigquery", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.stdin.close()
        process.wait(timeout=10)


@pytest.fixture
def target(url: str, request: pytest.FixtureRequest) -> Iterator[Target]:
    """A target whose raw tables and views are empty, in datasets of the test's own."""
    name = f"d{abs(hash(request.node.nodeid))}"
    outputs = Outputs(
        environment="dev",
        region="eu-central-1",
        stream_name="s",
        dead_letter_queue_url="q",
        dead_letter_bucket="b",
        ledger_table="l",
        bigquery_project="p",
        bigquery_dataset=f"{name}_raw",
        bigquery_views_dataset=name,
        sinks={"bigquery": SinkOutputs(function="f")},
    )
    target = Target(outputs=outputs, endpoints=Endpoints(aws_url="", lambda_url="", bigquery_url=url))
    target.bigquery.create_dataset(outputs.bigquery_dataset)
    target.bigquery.create_dataset(outputs.bigquery_views_dataset)
    yield target
    client: Any = target.bigquery
    client.close()


def deploy(target: Target, contract: Contract) -> None:
    raw, views = target.outputs.bigquery_dataset, target.outputs.bigquery_views_dataset
    for kind in contract.types.values():
        table = bigquery.Table(
            f"p.{raw}.{kind.table}", [bigquery.SchemaField.from_api_repr(each) for each in kind.schema]
        )
        table.time_partitioning = bigquery.TimePartitioning(field=kind.time_column)
        target.bigquery.create_table(table)
        view = bigquery.Table(f"p.{views}.{kind.table}")
        view.view_query = raw_view_sql(kind, "p", raw)
        target.bigquery.create_table(view)
    letters = [bigquery.SchemaField.from_api_repr(each) for each in DEAD_LETTER_SCHEMA]
    for dataset in (raw, views):
        target.bigquery.create_table(bigquery.Table(f"p.{dataset}.{DEAD_LETTER_TABLE}", letters))


def tick(number: int, sequence: int, *, arrived: str = "2026-11-20T12:00:00Z") -> dict[str, Any]:
    return {
        "type": "tick",
        "at": "2026-11-20T00:00:00Z",
        "_event_id": f"e{number}",
        "_arrived_at": arrived,
        "_shard": SHARD,
        "_sequence": str(sequence),
    }


def insert(target: Target, *rows: dict[str, Any]) -> None:
    table = f"p.{target.outputs.bigquery_dataset}.tick"
    assert target.bigquery.insert_rows_json(table, list(rows), row_ids=[None] * len(rows)) == []


@pytest.mark.parametrize("dead_letters", [False, True])
@pytest.mark.parametrize("name", CONTRACTS)
def test_three_questions_have_an_answer_for_any_contract(
    name: str, *, dead_letters: bool, target: Target
) -> None:
    deploy(target, CONTRACTS[name])
    asked = questions(CONTRACTS[name], dead_letters=dead_letters)
    assert len(asked) == 3
    for question in asked:
        assert isinstance(question, Question)
        assert ask(target, question.sql).columns


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_question_to_the_lake_is_one_line_over_columns_that_its_table_has(name: str) -> None:
    asked = of_lake(CONTRACTS[name]).sql
    query = sqlglot.parse_one(asked, read="athena")
    kinds = {table_name(kind): kind for kind in CONTRACTS[name].types.values()}
    kind = kinds[one.name if (one := query.find(exp.Table)) else ""]
    columns = {each.name for each in schema(kind)} | {"events"}
    assert {each.name for each in query.find_all(exp.Column)} <= columns
    assert len(asked.splitlines()) == 1


def test_unqualified_names_are_the_analysts_views(target: Target) -> None:
    deploy(target, CONTRACTS["the least"])
    insert(target, tick(1, 10), tick(1, 11), tick(2, 12))
    answer = ask(target, "SELECT COUNT(*) AS n, NULL AS nothing FROM tick")
    assert answer.documents() == [{"n": 2, "nothing": None}]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELEC 1", "yntax error"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT ST_GEOGPOINT(1, 2)", "not supported by the local BigQuery"),
        ("SELECT 1/0", "division by zero"),
    ],
)
def test_refused_sql_is_one_line_with_the_reason(sql: str, says: str, target: Target) -> None:
    with pytest.raises(QueryError, match=says) as raised:
        ask(target, sql)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_a_bigquery_that_does_not_answer_is_told(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.cli.answers.REQUEST_SECONDS", 0.2)
    away = Endpoints(aws_url="", lambda_url="", bigquery_url="http://127.0.0.1:9")
    gone = Target(outputs=target.outputs, endpoints=away)
    with pytest.raises(EnvironmentProblem, match="BigQuery at the local cloud does not answer"):
        ask(gone, "SELECT 1")


def test_query_prints_rows_as_a_list_or_a_table(
    target: Target, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Target, "find", lambda *_: target)
    sql = "SELECT n, NUMERIC '1.5' AS amount, 'é' AS name FROM UNNEST([1, 2]) AS n ORDER BY n"
    assert run(["query", sql, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"n": 1, "amount": "1.5", "name": "é"},
        {"n": 2, "amount": "1.5", "name": "é"},
    ]
    assert run(["query", sql]) == 0
    assert "2 rows" in capsys.readouterr().out
    assert run(["query", "SELECT 1 AS n FROM UNNEST([1]) WHERE FALSE", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_records_and_events_are_counted_over_all_tables_of_events(target: Target) -> None:
    deploy(target, CONTRACTS["odd ones"])
    insert(target, tick(1, 10), tick(1, 10), tick(1, 11), tick(2, 12))
    counted = count_tables(target.bigquery, target.outputs.bigquery_dataset)
    assert counted == Counted(records=3, events=2, ids=2)
    assert counted.duplicates == 1


def test_an_empty_dataset_holds_nothing(target: Target) -> None:
    assert count_tables(target.bigquery, target.outputs.bigquery_dataset) == Counted(0, 0, 0)


def test_only_what_arrived_since_counts_with_the_batches_across_it(target: Target) -> None:
    deploy(target, CONTRACTS["the least"])
    early = "2026-11-20T11:59:59Z"
    insert(target, tick(1, 10, arrived=early), tick(2, 11, arrived=early), tick(3, 12), tick(4, 13))
    since = datetime(2026, 11, 20, 12, tzinfo=UTC)
    dataset = target.outputs.bigquery_dataset
    assert count_tables(target.bigquery, dataset, since=since).records == 2
    across = Span(shard=SHARD, first=11, last=12)
    assert count_tables(target.bigquery, dataset, since=since, across=[across]).records == 3
