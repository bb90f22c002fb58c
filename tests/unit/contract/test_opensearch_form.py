"""The mapping of an index: by kind alone, so that no rule of the contract can ever need another one."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from sluice.contract import Contract, Event, Json, Nested, field, opensearch
from sluice.contract.opensearch import IGNORE_ABOVE, MAX_TERM_BYTES

EXACT = {"type": "keyword", "ignore_above": IGNORE_ABOVE}
TEXT = {"type": "text", "fields": {"keyword": EXACT}}


class Part(Nested):
    name: str
    count: int


class Sale(Event, type="sale", id="number", time="sold_at"):
    number: Annotated[str, field(max_length=20)]
    sold_at: datetime
    size: Literal["s", "m"] | None = None
    pieces: int = 1
    weight: float | None = None
    price: Decimal | None = None
    exact: Annotated[Decimal | None, field(bignumeric=True)] = None
    paid: bool | None = None
    day: date | None = None
    part: Part | None = None
    parts: list[Part] = []
    words: list[str] = []
    free: Json | None = None
    frees: list[Json] = []


CONTRACT = Contract([Sale])
KIND = CONTRACT.types["sale"]


def test_each_kind_is_mapped_so_that_any_value_of_it_is_taken() -> None:
    part = {"type": "object", "dynamic": False, "properties": {"name": TEXT, "count": {"type": "long"}}}
    assert opensearch.mapping(KIND) == {
        "dynamic": False,
        "properties": {
            "type": EXACT,
            "number": TEXT,
            "sold_at": {"type": "date"},
            "size": TEXT,
            "pieces": {"type": "long"},
            "weight": {"type": "double"},
            "price": {"type": "double"},
            "exact": {"type": "double"},
            "paid": {"type": "boolean"},
            "day": {"type": "date", "format": "strict_date"},
            "part": part,
            "parts": part,
            "words": TEXT,
            "free": {"type": "text"},
            "frees": {"type": "text"},
            "_event_id": EXACT,
            "_arrived_at": {"type": "date"},
            "_shard": EXACT,
            "_sequence": EXACT,
        },
    }


def test_no_string_makes_a_term_that_lucene_refuses() -> None:
    assert IGNORE_ABOVE * len("😀".encode()) <= MAX_TERM_BYTES


def test_a_document_has_a_value_for_each_field_of_its_mapping_and_says_decimals_exactly() -> None:
    event = CONTRACT.decode(
        b'{"type":"sale","number":"1","sold_at":"2026-11-01T10:00:00.000001Z","price":0.1,"free":{"a":1}}'
    )
    document: dict[str, Any] = json.loads(CONTRACT.encode_document(event))
    assert list(document) == list(opensearch.properties(KIND))[:-4]
    assert (document["price"], document["free"], document["sold_at"]) == (
        "0.1",
        '{"a":1}',
        "2026-11-01T10:00:00.000001Z",
    )


def test_an_index_has_room_for_twice_the_fields_that_the_type_has() -> None:
    assert opensearch.field_limit(KIND) == 1_000
    body: dict[str, Any] = {"__annotations__": {f"f{n}": str | None for n in range(400)}}
    wide = type(Nested)("Wide", (Nested,), body | {f"f{n}": None for n in range(400)})

    class Large(Event, type="large", time="at"):
        at: datetime
        one: wide | None = None  # type: ignore[valid-type] # made above
        other: wide | None = None  # type: ignore[valid-type] # same

    assert opensearch.field_limit(Contract([Large]).types["large"]) == 2 * (1 + 1 + 2 * (1 + 400 * 2) + 4)
