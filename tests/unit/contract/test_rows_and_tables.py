"""One class gives the table, the row and what producers send, and the three fit together."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal

import pytest
import sqlglot

from sluice.contract import Contract, ContractViolation, Event, Json, Nested, field
from sluice.contract.bigquery import ARRIVAL, DEAD_LETTER_SCHEMA, LINEAGE_COLUMNS, raw_view_sql


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Kind(Enum):
    A = "a"


class Part(Nested):
    """A part."""

    name: Annotated[str, field("Its name")]
    free: Json | None = None


class Whole(Event, type="whole", id="number", time="at", partition="HOUR", cluster=["kind", "number"]):
    """All of it.

    In two paragraphs.
    """

    number: Annotated[int, field("Its number", ge=0)]
    at: Annotated[datetime, field("When")]
    text: str = "none"
    amount: Decimal | None = None
    exact: Annotated[Decimal | None, field(bignumeric=True)] = None
    share: float | None = None
    yes: bool | None = None
    day: date | None = None
    level: Level | None = None
    kind: Kind = Kind.A
    size: Literal["s", "m"] | None = None
    part: Part | None = None
    parts: Annotated[list[Part], field("Its parts")] = []
    words: tuple[str, ...] = ()
    free: Annotated[Json, field("Anything")] = None
    frees: list[Json] = []
    old: Annotated[str | None, field("Not sent any more", retired=True)] = None


class Daily(Event, type="daily", time="day", partition="MONTH"):
    day: date


CONTRACT = Contract([Whole, Daily])


def whole(**more: Any) -> Whole:
    return Whole(**({"number": 1, "at": datetime(2024, 5, 1, 10, tzinfo=UTC)} | more))


def test_the_table_has_the_types_modes_and_descriptions_of_the_class() -> None:
    schema = {column["name"]: column for column in CONTRACT.types["whole"].schema}
    assert {name: (column["type"], column["mode"]) for name, column in schema.items()} == {
        "type": ("STRING", "REQUIRED"),
        "number": ("INTEGER", "REQUIRED"),
        "at": ("TIMESTAMP", "REQUIRED"),
        "text": ("STRING", "NULLABLE"),
        "amount": ("NUMERIC", "NULLABLE"),
        "exact": ("BIGNUMERIC", "NULLABLE"),
        "share": ("FLOAT", "NULLABLE"),
        "yes": ("BOOLEAN", "NULLABLE"),
        "day": ("DATE", "NULLABLE"),
        "level": ("INTEGER", "NULLABLE"),
        "kind": ("STRING", "NULLABLE"),
        "size": ("STRING", "NULLABLE"),
        "part": ("RECORD", "NULLABLE"),
        "parts": ("RECORD", "REPEATED"),
        "words": ("STRING", "REPEATED"),
        "free": ("JSON", "NULLABLE"),
        "frees": ("JSON", "REPEATED"),
        "old": ("STRING", "NULLABLE"),
        "_event_id": ("STRING", "REQUIRED"),
        "_arrived_at": ("TIMESTAMP", "REQUIRED"),
        "_shard": ("STRING", "REQUIRED"),
        "_sequence": ("STRING", "REQUIRED"),
    }
    assert schema["number"]["description"] == "Its number"
    assert schema["old"]["description"] == "Not sent any more (retired)"
    assert schema["parts"]["fields"] == [
        {"name": "name", "type": "STRING", "mode": "REQUIRED", "description": "Its name"},
        {"name": "free", "type": "JSON", "mode": "NULLABLE"},
    ]
    assert set(LINEAGE_COLUMNS) <= set(schema)


def test_the_head_of_the_class_is_known() -> None:
    kind = CONTRACT.types["whole"]
    assert (kind.table, kind.id_field, kind.time_field, kind.partition) == ("whole", "number", "at", "HOUR")
    assert kind.cluster == ("kind", "number")
    assert kind.description == "All of it.\n\nIn two paragraphs."
    assert CONTRACT.types["daily"].id_field is None


def test_the_id_is_text_and_the_time_is_utc() -> None:
    kind, event = CONTRACT.types["whole"], whole()
    assert kind.event_id(event) == "1"
    assert kind.event_time(event) == event.at
    daily = Daily(day=date(2024, 2, 29))
    assert CONTRACT.types["daily"].event_id(daily) is None
    assert CONTRACT.types["daily"].event_time(daily) == datetime(2024, 2, 29, tzinfo=UTC)
    assert CONTRACT.type_of(daily).name == "daily"


def test_a_row_holds_every_column_of_the_event() -> None:
    event = whole(
        amount=Decimal("12.50"),
        share=0.5,
        yes=True,
        day=date(2024, 1, 2),
        level=Level.HIGH,
        size="m",
        part=Part(name="p", free={"a": [1, "é"]}),
        parts=[Part(name="q"), Part(name="r", free=[])],
        words=("x", "y"),
        free={"deep": {"b": None}},
        frees=[1, "two", None],
    )
    assert json.loads(CONTRACT.encode_row(event)) == {
        "type": "whole",
        "number": 1,
        "at": "2024-05-01T10:00:00Z",
        "text": "none",
        "amount": "12.50",
        "exact": None,
        "share": 0.5,
        "yes": True,
        "day": "2024-01-02",
        "level": 2,
        "kind": "a",
        "size": "m",
        "part": {"name": "p", "free": '{"a":[1,"é"]}'},
        "parts": [{"name": "q", "free": None}, {"name": "r", "free": "[]"}],
        "words": ["x", "y"],
        "free": '{"deep":{"b":null}}',
        "frees": ["1", '"two"', "null"],
        "old": None,
    }


def test_a_row_ends_in_a_brace_that_lineage_can_be_spliced_before() -> None:
    row = CONTRACT.encode_row(whole())
    spliced = row[:-1] + b',"_shard":"s"}'
    assert json.loads(spliced)["_shard"] == "s"


def test_what_is_sent_decodes_to_the_same_event() -> None:
    event = whole(part=Part(name="p", free={"a": 1}), words=("x",), frees=[{}], amount=Decimal("0.000000001"))
    assert CONTRACT.decode(CONTRACT.encode(event)) == event


@pytest.mark.parametrize(
    "event",
    [
        whole(number=-1),
        whole(number=2**63),
        whole(at=datetime(2024, 1, 1)),  # noqa: DTZ001 - without a zone, on purpose
        whole(share=float("nan")),
        whole(share=float("-inf")),
        whole(free={"a": [float("inf")]}),
        whole(amount=Decimal("NaN")),
        whole(text="\ud800"),
        whole(text=None),
        whole(free=object()),
        Daily(day="tomorrow"),  # type: ignore[arg-type] # wrong on purpose
    ],
)
def test_a_producer_cannot_send_what_the_contract_refuses(event: Event) -> None:
    with pytest.raises(ContractViolation):
        CONTRACT.encode(event)


def test_an_event_of_another_contract_is_refused() -> None:
    with pytest.raises(ContractViolation, match="no event type of this contract"):
        Contract([Daily]).encode(whole())


def test_the_view_keeps_the_first_row_per_event_within_its_event_time() -> None:
    sql = raw_view_sql(CONTRACT.types["whole"], "proj", "raw")
    assert "FROM `proj.raw.whole`" in sql
    assert f"PARTITION BY `at`, `_event_id` ORDER BY {ARRIVAL}" in sql
    for column in CONTRACT.types["whole"].schema:
        assert f"`{column['name']}`" in sql


def test_the_view_is_valid_sql_of_bigquery() -> None:
    sqlglot.parse_one(raw_view_sql(CONTRACT.types["whole"], "proj", "raw"), dialect="bigquery")


def test_the_dead_letters_table_holds_no_payload() -> None:
    names = [column["name"] for column in DEAD_LETTER_SCHEMA]
    assert "payload" not in names
    assert {"id", "sink", "kind", "reason", "field", "shard", "sequence", "arrived_at"} <= set(names)
    assert all(column["description"] for column in DEAD_LETTER_SCHEMA)


def test_importing_the_contract_loads_what_a_lambda_has_and_nothing_more() -> None:
    code = (
        "import sys, sluice.contract, sluice.pipeline;"
        "heavy = 'mimesis', 'pydantic', 'boto3', 'rich', 'typer', 'duckdb', 'sqlglot';"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
