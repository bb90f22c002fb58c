"""The sketches of Apache DataSketches: the bytes that Python made are read and merged in SQL."""

# ruff: noqa: S608 - the test writes the SQL, of its own literals

import base64
from collections.abc import Callable
from typing import Any

import pytest
from datasketches import (
    frequent_strings_sketch,
    hll_sketch,
    hll_union,
    kll_floats_sketch,
    tgt_hll_type,
)
from google.api_core.exceptions import BadRequest

UDF = "bqutil.datasketches"
EMPTY_KLL = "AgEPAcgACAA="
EMPTY_STRINGS = "AQEKCgMFAAA="


def hll(values: range) -> bytes:
    sketch = hll_sketch(12, tgt_hll_type.HLL_4)
    for value in values:
        sketch.update(str(value))
    return bytes(sketch.serialize_compact())


def kll(values: range) -> bytes:
    sketch = kll_floats_sketch(200)
    for value in values:
        sketch.update(float(value))
    return bytes(sketch.serialize())


def strings(values: str) -> bytes:
    sketch = frequent_strings_sketch(10)
    for value in values:
        sketch.update(value)
    return bytes(sketch.serialize())


def rows(*sketches: bytes) -> str:
    listed = ", ".join(f"'{base64.b64encode(sketch).decode()}'" for sketch in sketches)
    return f"(SELECT FROM_BASE64(b) AS s FROM UNNEST([{listed}]) AS b)"


def test_a_distinct_count_of_merged_sketches_is_the_librarys_own(value: Callable[[str], Any]) -> None:
    pieces = [hll(range(3000)), hll(range(1000, 5000))]
    union = hll_union(12)
    for piece in pieces:
        union.update(hll_sketch.deserialize(piece))
    expected = union.get_result(tgt_hll_type.HLL_4).get_estimate()
    asked = f"(SELECT {UDF}.hll_sketch_get_estimate({UDF}.hll_sketch_agg_union(s)) FROM {rows(*pieces)})"
    assert value(asked) == expected


def test_a_sketch_united_with_itself_counts_alike_however_it_was_cut(value: Callable[[str], Any]) -> None:
    def counted(*pieces: bytes) -> float:
        merged = f"(SELECT {UDF}.hll_sketch_agg_union(s) AS u FROM {rows(*pieces)})"
        found: float = value(
            f"(SELECT {UDF}.hll_sketch_get_estimate({UDF}.hll_sketch_union(u, u)) FROM {merged})"
        )
        return found

    assert counted(hll(range(3000))) == counted(hll(range(1000)), hll(range(1000, 3000)))


def test_quantiles_of_merged_sketches_are_those_of_all_values(value: Callable[[str], Any]) -> None:
    merged = f"{UDF}.kll_sketch_float_merge(s)"
    sketches = rows(kll(range(50)), kll(range(50, 101)))
    asked = f"(SELECT {UDF}.kll_sketch_float_get_quantile({merged}, 0.5, TRUE) FROM {sketches})"
    assert value(asked) == 50.0


def test_the_quantile_of_no_values_is_null(value: Callable[[str], Any]) -> None:
    sketch = f"FROM_BASE64('{EMPTY_KLL}')"
    assert value(f"{UDF}.kll_sketch_float_get_quantile({sketch}, 0.5, TRUE)") is None


def test_frequent_values_of_merged_sketches_are_added_up(value: Callable[[str], Any]) -> None:
    merged = f"{UDF}.frequent_strings_sketch_merge(s, 10)"
    result = f"{UDF}.frequent_strings_sketch_get_result({merged}, 'NO_FALSE_NEGATIVES', NULL)"
    found = value(f"(SELECT {result} FROM {rows(strings('aab'), strings('abcc'))})")
    assert sorted((each["item"], each["estimate"]) for each in found) == [("a", 3), ("b", 2), ("c", 2)]


@pytest.mark.parametrize(
    "name",
    [
        "bqutil.datasketches_europe_west1.hll_sketch_get_estimate",
        "`bqutil.datasketches_eu`.hll_sketch_get_estimate",
        "`bqutil.datasketches.hll_sketch_get_estimate`",
        "`team-project`.sketches.hll_sketch_get_estimate",
    ],
)
def test_the_functions_are_found_in_the_dataset_of_any_location(
    value: Callable[[str], Any], name: str
) -> None:
    assert value(f"{name}(FROM_BASE64('{base64.b64encode(hll(range(0))).decode()}'))") == 0.0


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            f"{UDF}.theta_sketch_get_estimate(b'')",
            "Function bqutil.datasketches.theta_sketch_get_estimate is not",
        ),
        ("bqutil.fn.csv_to_struct('a')", "Function bqutil.fn.csv_to_struct is not"),
        (f"{UDF}.hll_sketch_get_estimate(CAST(NULL AS BYTES))", "NULL in"),
        (f"(SELECT {UDF}.kll_sketch_float_merge(s) FROM (SELECT CAST(NULL AS BYTES) AS s))", "A NULL sketch"),
        (f"{UDF}.hll_sketch_get_estimate(FROM_BASE64('zzzz'))", "deserialize"),
        (f"{UDF}.hll_sketch_get_estimate('text')", "Cannot coerce"),
        (
            f"{UDF}.frequent_strings_sketch_get_result(FROM_BASE64('{EMPTY_STRINGS}'), 'X', NULL)",
            "error type X",
        ),
    ],
)
def test_what_is_not_known_or_not_a_sketch_is_refused(
    value: Callable[[str], Any], expression: str, message: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        value(expression)
    assert message in caught.value.message
