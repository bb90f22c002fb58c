"""The lake's tables: names and types that Glue, Athena and Firehose take, and rows that fit them exactly."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import json
import types
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import pytest
from pyiceberg.schema import Schema

from sluice.contract import Contract, Event, Json, Nested, field, iceberg
from sluice.contract.lake_rows import microseconds
from sluice.errors import ContractError


class Spot(Nested):
    atHome: bool  # noqa: N815 - a producer's own spelling
    seen_at: datetime | None = None
    fee: Decimal | None = None


class Visit(Event, type="site/visit", table="SiteVisit", id="visitId", time="startedAt", partition="HOUR"):
    """A visit."""

    visitId: Annotated[str, field("Its id,\nin two lines")]  # noqa: N815 - same
    startedAt: datetime  # noqa: N815 - same
    class_: str = "none"
    pages: int | None = None
    share: float | None = None
    paid: Annotated[Decimal | None, field(strings=False)] = None
    exact: Annotated[Decimal | None, field(bignumeric=True)] = None
    day: date | None = None
    spot: Spot | None = None
    spots: list[Spot] = []
    days: list[date] = []
    fees: tuple[Decimal, ...] = ()
    free: Json | None = None
    frees: list[Json] = []
    long: Annotated[str | None, field("w" * 900)] = None


class Daily(Event, type="daily", time="day", partition="MONTH"):
    day: date


CONTRACT = Contract([Visit, Daily])
VISIT = CONTRACT.types["site/visit"]
STARTED = datetime(2026, 11, 1, 10, 30, 15, 123456, tzinfo=UTC)


def visit(**more: Any) -> dict[str, Any]:
    event = Visit(**({"visitId": "v1", "startedAt": STARTED} | more))
    row: dict[str, Any] = json.loads(CONTRACT.encode_lake_row(CONTRACT.decode(CONTRACT.encode(event))))
    return row


def test_each_kind_has_the_type_that_keeps_its_values() -> None:
    spot = "struct<athome:boolean,seen_at:timestamp,fee:decimal(38,9)>"
    assert {one.name: iceberg.hive_type(one.type) for one in iceberg.schema(VISIT)} == {
        "type": "string",
        "visitid": "string",
        "startedat": "timestamp",
        "class": "string",
        "pages": "bigint",
        "share": "double",
        "paid": "decimal(38,9)",
        "exact": "string",
        "day": "date",
        "spot": spot,
        "spots": f"array<{spot}>",
        "days": "array<date>",
        "fees": "array<decimal(38,9)>",
        "free": "string",
        "frees": "array<string>",
        "long": "string",
        "_event_id": "string",
        "_arrived_at": "timestamp",
        "_shard": "string",
        "_sequence": "string",
    }
    types = {one.name: iceberg.trino_type(one.type) for one in iceberg.schema(VISIT)}
    assert types["startedat"] == "timestamp(6) with time zone"
    assert types["spots"] == (
        'array(row("athome" boolean, "seen_at" timestamp(6) with time zone, "fee" decimal(38,9)))'
    )


def test_only_the_lineage_is_required_so_that_any_field_may_become_optional() -> None:
    assert [one.name for one in iceberg.schema(VISIT) if one.required] == [
        "_event_id",
        "_arrived_at",
        "_shard",
        "_sequence",
    ]


def test_comments_fit_glue_and_stand_on_one_line() -> None:
    docs = {one.name: one.doc for one in iceberg.schema(VISIT)}
    assert docs["visitid"] == "Its id, in two lines"
    assert len(docs["long"]) == 255
    assert docs["long"].endswith("…")


def test_the_partition_follows_the_event_time_under_a_name_that_no_column_has() -> None:
    found = iceberg.partition(VISIT)
    assert (found.name, found.source, found.transform) == ("_startedat_hour", "startedat", "hour")
    assert Schema.model_validate(iceberg.schema_json(VISIT)).find_column_name(found.source_id) == "startedat"
    assert iceberg.partition(CONTRACT.types["daily"]).transform == "month"


def test_a_row_names_every_column_in_small_letters_as_firehose_wants_its_values() -> None:
    spot = Spot(atHome=True, seen_at=STARTED - timedelta(days=40_000), fee=Decimal("1E-9"))
    row = visit(
        paid=Decimal("12.5"),
        exact=Decimal("0.00000000000000000000000000000000000001"),
        day=date(2026, 2, 28),
        spot=spot,
        spots=[spot, Spot(atHome=False)],
        days=[date(1, 1, 1)],
        fees=(Decimal(3), Decimal("-0.1")),
        free={"a": [1, None]},
        frees=[None, "x"],
    )
    seen = 1793529015123456 - 40_000 * 86_400_000_000
    assert row == {
        "type": "site/visit",
        "visitid": "v1",
        "startedat": 1793529015123456,
        "class": "none",
        "pages": None,
        "share": None,
        "paid": "12.500000000",
        "exact": "0.00000000000000000000000000000000000001",
        "day": "2026-02-28",
        "spot": {"athome": True, "seen_at": seen, "fee": "0.000000001"},
        "spots": [
            {"athome": True, "seen_at": seen, "fee": "0.000000001"},
            {"athome": False, "seen_at": None, "fee": None},
        ],
        "days": ["0001-01-01"],
        "fees": ["3.000000000", "-0.100000000"],
        "free": '{"a":[1,null]}',
        "frees": ["null", '"x"'],
        "long": None,
    }
    assert list(row) == [one.name for one in iceberg.schema(VISIT)[:-4]]


@pytest.mark.parametrize(
    "amount", ["99999999999999999999999999999.999999999", "-99999999999999999999999999999.999999999", "0"]
)
def test_the_largest_amounts_keep_every_digit(amount: str) -> None:
    text = visit(spot=Spot(atHome=True, fee=Decimal(amount)))["spot"]["fee"]
    assert Decimal(text) == Decimal(amount)
    assert len(text.rsplit(".", maxsplit=1)[-1]) == 9


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ],
)
def test_every_moment_is_a_whole_number_of_microseconds(moment: datetime) -> None:
    number = microseconds(moment)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number) == moment


def test_a_row_ends_in_a_brace_that_lineage_can_be_spliced_before() -> None:
    row = CONTRACT.encode_lake_row(Daily(day=date(2026, 1, 1)))
    assert row == b'{"type":"daily","day":"2026-01-01"}'


def made(name: str, **options: Any) -> Any:
    class Made(Event, type="made", time="at", **options):
        __annotations__ = {"at": datetime, name: int | None}
        locals()[name] = None

    return Contract([Made]).types["made"]


def test_names_that_glue_does_not_take_are_refused_with_the_way_out() -> None:
    with pytest.raises(ContractError, match=r"has 256 characters, of 255 that Glue takes; rename it"):
        iceberg.schema(made("x" * 256))
    with pytest.raises(ContractError, match=r"of 255 that Glue takes; choose a shorter one with table="):
        iceberg.view_sql(made("x", table="t" * 256), "db")
    assert iceberg.schema(made("x" * 255, table="t" * 255))


def test_structs_and_lists_beyond_firehoses_depth_are_refused() -> None:
    def nested(levels: int) -> Any:
        inner: Any = int
        for _ in range(levels):
            inner = list[types.new_class("Level", (Nested,), {}, partial(fill, annotation=inner))]  # type: ignore[misc] # made at run time
        body = partial(fill, annotation=inner, at=datetime)
        return Contract([types.new_class("Deep", (Event,), {"type": "deep", "time": "at"}, body)]).types[
            "deep"
        ]

    def fill(body: dict[str, Any], annotation: Any, **more: Any) -> None:
        body["__annotations__"] = {"inner": annotation, **more}

    assert iceberg.schema(nested(7))
    with pytest.raises(ContractError, match="17 levels deep, of 16 that Firehose takes"):
        iceberg.schema(nested(8))


def test_a_field_may_not_be_called_type_in_any_case() -> None:
    with pytest.raises(ContractError, match="the name `type`, in any case, is taken"):
        made("Type")
