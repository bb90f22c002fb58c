"""Redshift's and Snowflake's tables: each type's own, and no row that would fail the rows beside it."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest

from sluice.contract import Contract, Event, Json, Nested, field, redshift, snowflake
from sluice.errors import ContractError


class Part(Nested):
    name: str
    price: Decimal | None = None


class Order(Event, type="order", table="Order", id="number", time="placedAt", partition="DAY"):
    number: str
    placedAt: datetime  # noqa: N815 - a producer's own spelling
    pieces: int | None = None
    weight: float | None = None
    price: Decimal | None = None
    exact: Annotated[Decimal | None, field(bignumeric=True)] = None
    paid: bool | None = None
    day: date | None = None
    part: Part | None = None
    parts: list[Part] = []
    words: list[str] = []
    free: Json | None = None


CONTRACT = Contract([Order])
KIND = CONTRACT.types["order"]


def order(**more: Any) -> Order:
    return Order(**({"number": "1", "placedAt": datetime(2026, 11, 1, 10, tzinfo=UTC)} | more))


def verdict(**more: Any) -> tuple[str, str] | None:
    event = order(**more)
    return redshift.refused(KIND, event, CONTRACT.encode_warehouse_row(event))


def columns(ddl: str) -> dict[str, str]:
    lines = [line.strip().rstrip(",") for line in ddl.splitlines() if line.startswith('  "')]
    return {name.strip('"'): kind for name, kind in (line.split(" ", maxsplit=1) for line in lines)}


def test_each_kind_has_a_column_of_redshift() -> None:
    ddl = redshift.table_ddl(KIND, "app")
    assert ddl.startswith('CREATE TABLE IF NOT EXISTS "app"."order" (')
    assert ddl.endswith('SORTKEY ("placedat");')
    assert columns(ddl) == {
        "type": "VARCHAR(65535)",
        "number": "VARCHAR(65535)",
        "placedat": "TIMESTAMPTZ",
        "pieces": "BIGINT",
        "weight": "DOUBLE PRECISION",
        "price": "DECIMAL(38,9)",
        "exact": "VARCHAR(65535)",
        "paid": "BOOLEAN",
        "day": "DATE",
        "part": "SUPER",
        "parts": "SUPER",
        "words": "SUPER",
        "free": "SUPER",
        "_event_id": "VARCHAR(65535) NOT NULL",
        "_arrived_at": "TIMESTAMPTZ NOT NULL",
        "_shard": "VARCHAR(65535) NOT NULL",
        "_sequence": "VARCHAR(65535) NOT NULL",
    }


def test_each_kind_has_a_column_of_snowflake() -> None:
    ddl = snowflake.table_ddl(KIND, "APP")
    assert ddl.startswith('CREATE TABLE IF NOT EXISTS "APP"."ORDER" (')
    found = columns(ddl)
    assert [found[name] for name in ("PLACEDAT", "PIECES", "PRICE", "EXACT", "PART", "PARTS", "FREE")] == [
        "TIMESTAMP_TZ(6)",
        "NUMBER(19,0)",
        "NUMBER(38,9)",
        "VARCHAR",
        "VARIANT",
        "ARRAY",
        "VARIANT",
    ]
    assert list(found) == [name.upper() for name in columns(redshift.table_ddl(KIND))]


def test_columns_that_a_contract_gained_are_added_by_name() -> None:
    assert redshift.added_ddl(KIND, frozenset({"paid", "free"}), "app") == (
        'ALTER TABLE "app"."order" ADD COLUMN "paid" BOOLEAN;\n'
        'ALTER TABLE "app"."order" ADD COLUMN "free" SUPER;'
    )


def test_a_row_keeps_json_as_json_and_every_digit_of_a_decimal() -> None:
    event = order(
        price=Decimal("0.000000001"), part=Part(name="p", price=Decimal("1E-7")), free={"a": [1, None]}
    )
    row = json.loads(CONTRACT.encode_warehouse_row(event))
    assert (row["price"], row["part"]["price"], row["free"]) == ("0.000000001", "0.0000001", {"a": [1, None]})
    assert row["placedAt"] == "2026-11-01T10:00:00Z"


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"number": "x" * 65_536}, "number"),
        ({"number": "é" * 32_768}, "number"),
        ({"words": ["a", "x" * 65_536]}, "words"),
        ({"part": Part(name="x" * 65_536)}, "part"),
        ({"free": {"a": [{"b": "x" * 65_536}]}}, "free"),
        ({"free": {"k" * 65_536: 1}}, "free"),
        ({"number": "a\0b"}, "number"),
        ({"free": ["\0"]}, "free"),
        ({"words": ["x" * 60_000] * 67}, "words"),
    ],
)
def test_a_value_that_would_fail_a_whole_copy_is_refused_by_its_field(more: dict[str, Any], at: str) -> None:
    found = verdict(**more)
    assert found is not None
    assert found[0] == at
    assert "x" * 9 not in found[1]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"number": "x" * 65_535},
        {"number": "\\u0000"},
        {"words": ["x" * 60_000] * 66},
        {"free": {"a": ["x" * 65_535] * 3}},
        {"exact": Decimal("-" + "9" * 38 + "." + "9" * 38)},
    ],
)
def test_what_redshift_can_hold_is_not_refused(more: dict[str, Any]) -> None:
    assert verdict(**more) is None


def wide(count: int, name: str = "f", **options: Any) -> Any:
    body: dict[str, Any] = {"__annotations__": {"at": datetime}}
    for number in range(count):
        body["__annotations__"][f"{name}{number}"] = int | None
        body[f"{name}{number}"] = None
    event = type(Event)("Wide", (Event,), body, type="wide", time="at", **options)
    return Contract([event]).types["wide"]


def test_what_redshift_and_snowflake_do_not_take_is_refused_with_the_way_out() -> None:
    with pytest.raises(ContractError, match="1601 columns, of 1600 that Redshift takes; gather"):
        redshift.table_ddl(wide(1_595))
    assert redshift.table_ddl(wide(1_594))
    for form, most in ((redshift, 127), (snowflake, 255)):
        with pytest.raises(ContractError, match=f"characters, of {most} that .* takes; rename it"):
            form.table_ddl(wide(1, "x" * most))
        with pytest.raises(ContractError, match=f"of {most - 5} that fit in .* choose a shorter one"):
            form.view_ddl(wide(1, table="t" * (most - 4)))
        assert form.view_ddl(wide(1, "x" * (most - 1), table="t" * (most - 5)))
