"""What is published of each measure, and the figures at the edges of their kinds."""

import math
from base64 import b64decode
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from datasketches import hll_sketch

from sluice.contract.kinds import Kind
from sluice.errors import ContractError
from sluice.metrics.measures import MEASURES
from sluice.windows.measures import LATE, accumulator
from sluice.windows.sketches import shortened


def partial(signature: str, *values: Any) -> Any:
    kind = accumulator(signature)
    made = kind.new()
    for value in values:
        made = kind.add(made, value)
    return made


def value(signature: str, *values: Any, **options: Any) -> Any:
    return accumulator(signature).value(partial(signature, *values), options)


def columns(signature: str, *values: Any) -> dict[str, Any]:
    return accumulator(signature).columns(partial(signature, *values))


@pytest.mark.parametrize(
    ("signature", "values", "published"),
    [
        ("count", [1, 1], {"n": 2}),
        (LATE, [], {"n": 0}),
        ("sum:x:integer", [], {"n": 0, "sum": "0"}),
        ("sum:x:integer", [2**63 - 1] * 3, {"n": 3, "sum": "27670116110564327421"}),
        ("mean:x:decimal", [Decimal("1.10"), Decimal("2.9")], {"n": 2, "sum": "4"}),
        ("sum:x:decimal", [Decimal(10) ** 35, Decimal("1E-38")], {"n": 2, "sum": f"1{35 * '0'}.{37 * '0'}1"}),
        ("sum:x:decimal", [Decimal(10) ** 36], {"n": 1, "float": "1e+36"}),
        ("sum:x:float", [0.5, -2.5], {"n": 2, "sum": str(-2 * 2**60)}),
        ("sum:x:float", [2.0**-90], {"n": 1, "sum": "0.000000000931322574615478515625"}),
        ("sum:x:float", [1e300, 1e300], {"n": 2, "float": "2e+300"}),
        ("sum:x:float", [1e308, 1e308], {"n": 2, "float": "inf"}),
        ("min:x:float", [0.0, -0.0], {"value": "0.0"}),
        ("min:x:float", [], {"value": None}),
        ("max:x:integer", [-5, 2**62], {"value": "4611686018427387904"}),
        ("max:x:decimal", [Decimal("1.50")], {"value": "1.5"}),
        ("min:x:date", [date(2026, 1, 2)], {"value": "2026-01-02"}),
        ("min:x:timestamp", [datetime(2026, 1, 2, tzinfo=UTC)], {"value": "2026-01-02T00:00:00Z"}),
        ("distinct:x:string", [], {"sketch": None}),
        ("quantiles:x:float", [], {"sketch": None}),
        ("topk1024:x:string", [], {"sketch": None}),
        (
            "variance:x:integer",
            [1, 2, 6],
            {"n": 3, "sum": "9", "squares": "41", "mean": "3.0", "m2": "14.0"},
        ),
        ("variance:x:float", [1.0, 2.0, 6.0], {"n": 3, "mean": "3.0", "m2": "14.0"}),
        ("variance:x:float", [], {"n": 0}),
    ],
)
def test_partials_are_published_as_the_views_read_them(
    signature: str, values: list[Any], published: dict[str, Any]
) -> None:
    assert columns(signature, *values) == published


def test_a_published_sketch_is_what_bigquery_reads() -> None:
    sketch = hll_sketch.deserialize(b64decode(columns("distinct:x:string", "a", "b", "a")["sketch"]))
    assert round(sketch.get_estimate()) == 2
    assert sketch.lg_config_k == 12


@pytest.mark.parametrize(
    ("signature", "nothing"),
    [
        ("count", 0),
        ("sum:x:integer", None),
        ("sum:x:decimal", None),
        ("mean:x:float", None),
        ("variance:x:float", None),
        ("min:x:timestamp", None),
        ("max:x:date", None),
        ("distinct:x:boolean", 0),
        ("quantiles:x:integer", None),
        ("topk1024:x:integer", []),
    ],
)
def test_without_values_a_figure_is_null_and_a_count_0(signature: str, nothing: Any) -> None:
    assert value(signature, k=3, fractions=[0.5]) == nothing


def test_floats_that_cancel_leave_what_is_left() -> None:
    assert value("sum:x:float", 1e100, 1.0, -1e100) == 1.0
    assert value("sum:x:float", *[0.1] * 10) == 1.0
    assert value("variance:x:float", 1e9, 1e9 + 1, 1e9 + 2) == 1.0
    assert value("sum:x:float", 5e-324, 5e-324) == 1e-323
    assert value("sum:x:float", 1.7e308, 1.7e308, -1.7e308) == 1.7e308


def test_a_sum_of_floats_beyond_the_largest_is_an_infinity() -> None:
    assert value("sum:x:float", 1.7e308, 1.7e308) == math.inf
    assert value("sum:x:float", -1.7e308, -1.7e308) == -math.inf


def test_decimals_are_answered_as_bigquery_prints_them() -> None:
    assert str(value("sum:x:decimal", Decimal("1.10"), Decimal("0.90"))) == "2"
    assert str(value("max:x:decimal", Decimal("1E+3"))) == "1000"
    assert str(value("min:x:decimal", Decimal("0.10"))) == "0.1"


def test_equal_numbers_count_once_however_they_are_written() -> None:
    assert value("distinct:x:decimal", Decimal("1.5"), Decimal("1.50")) == 1
    assert value("distinct:x:string", "", "\0", "0") == 3


def test_of_equally_frequent_values_the_lesser_text_comes_first() -> None:
    found = value("topk1024:x:integer", 10, 9, 9, 10, 3, k=2, lg_map_size=10)
    assert found == [{"value": "10", "count": 2}, {"value": "9", "count": 2}]


def test_quantiles_are_named_by_their_percentage() -> None:
    found = value("quantiles:x:integer", *range(1, 101), fractions=[0.0, 0.5, 0.999])
    assert found == {"p0": 1, "p50": 50, "p99_9": 100}


@pytest.mark.parametrize("limit", [96, 1_000])
def test_a_long_text_is_shortened_and_stays_different(limit: int) -> None:
    for letter in ("x", "é", "€", "😀"):
        fits = letter * (limit // len(letter.encode()))
        assert shortened(fits, limit) == fits
        longer = [shortened(fits + end, limit) for end in ("xxxx", "yyyy", "xxxxx")]
        assert len(set(longer)) == 3
        assert all(len(text.encode()) <= limit for text in longer)


def test_every_measure_of_every_kind_that_it_takes_has_its_accumulator() -> None:
    for measure in MEASURES.values():
        for kind in measure.takes or [Kind.STRING]:
            made = measure("x") if measure.takes else measure()  # type: ignore[call-arg] # all but Count take a path
            signature = f"{made.shape}:x:{kind.name.lower()}" if measure.takes else made.shape
            assert accumulator(signature) is accumulator(signature)


@pytest.mark.parametrize("signature", ["", "median:x:float", "sum:x:colour", "topk:x:string", "sum"])
def test_an_unknown_measure_asks_for_an_update(signature: str) -> None:
    with pytest.raises(ContractError, match="which is not known here: update Sluice"):
        accumulator(signature)


def test_sketches_and_extremes_cannot_be_subtracted() -> None:
    for signature in ("min:x:integer", "distinct:x:string", "quantiles:x:float", "topk1024:x:string"):
        kind = accumulator(signature)
        assert not kind.subtractable
        with pytest.raises(TypeError, match="cannot be subtracted"):
            kind.subtract(kind.new(), kind.new())
        with pytest.raises(TypeError, match="cannot be read"):
            kind.from_columns({})
