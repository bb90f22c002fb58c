"""Parts of a window: what they hold, how large they get, and what becomes of measures that came or went."""

import random
import zlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from sluice.errors import ContractError, DeliveryError
from sluice.metrics import Count, Metric, Sum, TopK
from sluice.windows.measures import LATE, accumulator
from sluice.windows.parts import decode_part, encode_part, encode_parts, merge_parts
from tests.unit.windows.shop import metric

COUNTS = (LATE, "count")


def partial(signature: str, *values: Any) -> Any:
    kind = accumulator(signature)
    made = kind.new()
    for value in values:
        made = kind.add(made, value)
    return made


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "a\x00<b>",
        0,
        -(2**63),
        2**63 - 1,
        True,
        Decimal("-0.000000001"),
        Decimal(10) ** 37,
        date(1, 1, 1),
        date(9999, 12, 31),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    ids=repr,
)
def test_a_group_comes_back_as_it_was(value: Any) -> None:
    ((group, partials),) = decode_part(encode_part(COUNTS, [((value, "other"), [0, 1])])).rows
    assert group == (value, "other")
    assert type(group[0]) is type(value)
    assert partials == [0, 1]


def test_decimals_that_are_equal_are_one_group() -> None:
    rows = [((Decimal(text),), [0, 1]) for text in ("1.5", "1.50", "15E-1")]
    contents = [decode_part(encode_part(COUNTS, [row])) for row in rows]
    merged = merge_parts(metric(measures={"n": Count()}).definition, contents)
    assert [(group, row.values) for group, row in merged.items()] == [((Decimal("1.5"),), {"n": 3})]


@pytest.mark.parametrize("limit", [200, 1_000, 20_000])
def test_no_part_is_larger_than_allowed_and_none_is_lost(limit: int) -> None:
    rng = random.Random(limit)  # noqa: S311 - a reproducible choice
    rows = [((rng.randbytes(8).hex(),), [0, number]) for number in range(1_000)]
    parts = encode_parts(COUNTS, rows, limit)
    assert max(len(data) for data, _ in parts) <= limit
    assert sum(groups for _, groups in parts) == 1_000
    assert [row for data, _ in parts for row in decode_part(data).rows] == rows
    assert len(parts) <= 3 * -(-len(encode_part(COUNTS, rows)) // limit) + 1


def test_no_rows_make_no_part() -> None:
    assert encode_parts(COUNTS, [], 1_000) == []


def test_a_row_too_large_for_one_part_is_cut_by_its_measures_and_merges_again() -> None:
    rng = random.Random(1)  # noqa: S311 - a reproducible choice
    tops = [[rng.randbytes(30).hex() for _ in range(700)] for _ in range(2)]
    made = metric(measures={"n": Count(), "who": TopK("customer", 3), "what": TopK("pieces", 3)}, groups=1)
    signatures = (LATE, *(measure.signature for measure in made.definition.measures))
    row = [2, 7, partial(signatures[2], *tops[0]), partial(signatures[3], *tops[1], tops[1][0])]
    parts = encode_parts(signatures, [((), row)], 40_000)
    assert len(parts) > 1
    (merged,) = merge_parts(made.definition, [decode_part(data) for data, _ in parts]).values()
    assert merged.late == 2
    assert merged.values["n"] == 7
    assert merged.values["what"][0] == {"value": tops[1][0], "count": 2}
    assert [one["count"] for one in merged.values["who"]] == [1, 1, 1]


def test_a_partial_too_large_for_a_part_is_an_error_and_not_lost() -> None:
    with pytest.raises(DeliveryError, match="one row of a window takes"):
        encode_parts(COUNTS, [(("x" * 50,), [0, 1])], 30)


def test_the_largest_sketches_fit_into_an_item() -> None:
    rng = random.Random(1)  # noqa: S311 - a reproducible choice
    texts = [chr(rng.randrange(0x10000, 0x10FFFF)) * 1_000 + str(number) for number in range(4_096)]
    signature = TopK("customer", 100).shape + ":customer:string"
    assert max(
        len(data) for data, _ in encode_parts((signature,), [((), [partial(signature, *texts)])], 380_000)
    )


def test_a_measure_that_part_of_the_parts_lack_has_no_figure() -> None:
    before = encode_part(COUNTS, [(("a",), [1, 2]), (("b",), [0, 1])])
    after = encode_part((*COUNTS, "sum:pieces:integer"), [(("a",), [0, 1, [1, 5]]), (("c",), [0, 1, [1, 6]])])
    merged = merge_parts(metric().definition, [decode_part(before), decode_part(after)])
    assert {group: (row.values, row.late) for group, row in merged.items()} == {
        ("a",): ({"events": 3, "pieces": None}, 1),
        ("b",): ({"events": 1, "pieces": None}, 0),
        ("c",): ({"events": 1, "pieces": 6}, 0),
    }


def test_a_measure_that_was_removed_is_passed_over() -> None:
    old = encode_part((*COUNTS, "max:pieces:integer"), [(("a",), [0, 2, 9])])
    (row,) = merge_parts(metric(measures={"n": Count()}).definition, [decode_part(old)]).values()
    assert row.values == {"n": 2}


def test_a_field_that_changed_its_kind_is_not_added_to_what_it_was() -> None:
    old = encode_part((*COUNTS, "sum:price:integer"), [(("a",), [0, 2, [2, 9]])])
    changed: Metric = metric(measures={"n": Count(), "price": Sum("price")})
    (row,) = merge_parts(changed.definition, [decode_part(old)]).values()
    assert row.values == {"n": 2, "price": None}


def test_a_correction_takes_out_what_was_counted_twice() -> None:
    signatures = (*COUNTS, "sum:pieces:integer")
    counted = encode_part(signatures, [(("a",), [0, 3, [3, 15]])])
    correction = encode_part(signatures, [(("a",), [0, -1, [-1, -5]])])
    (row,) = merge_parts(metric().definition, [decode_part(counted), decode_part(correction)]).values()
    assert row.values == {"events": 2, "pieces": 10}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nothing",
        zlib.compress(b""),
        zlib.compress(b"\xc1"),
        zlib.compress(msgspec.msgpack.encode([1, 2])),
    ],
)
def test_what_is_no_part_is_refused(data: bytes) -> None:
    with pytest.raises(DeliveryError, match="cannot be read"):
        decode_part(data)


def test_a_part_of_a_later_version_asks_for_an_update() -> None:
    later = zlib.compress(msgspec.msgpack.encode([2, ["late"], []]))
    with pytest.raises(DeliveryError, match="has the format 2, not 1: update Sluice"):
        decode_part(later)
    unknown = zlib.compress(msgspec.msgpack.encode([1, ["late", "median:x:float"], []]))
    with pytest.raises(ContractError, match=r"'median:x:float', which is not known here: update Sluice"):
        decode_part(unknown)
