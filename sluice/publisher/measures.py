"""How each measure is merged in SQL, to the figure that `sluice.windows` answers in Python.

A measure is SQL in three steps, each of one query: *extracted* from a row's partials, *merged* over the rows
of a group, and *answered*. It is NULL where one of the rows has no partial of its signature: a segment from
before the measure was declared.
"""

# ruff: noqa: S608 - writing SQL is what this module does: names are checked when a metric is declared

from collections.abc import Sequence
from dataclasses import dataclass

from sluice.contract.kinds import Kind
from sluice.metrics import Definition, MeasureDefinition
from sluice.metrics.measures import percentile

EMPTY_HLL = "AgEHDAMMAAA="
EMPTY_KLL = "AgEPAcgACAA="
EMPTY_STRINGS = "AQEKCgMFAAA="
"""Sketches without values, in base64: BigQuery's functions fail for NULL, and merge these without effect."""

FLOAT_UNIT = 2**60
"""Sums of floats come times 2**60 (sluice.windows.measures_sums): BIGNUMERIC holds them exactly so."""

_FAR = 2**60
"""Floats too large for BIGNUMERIC are divided by it while they are added up, so that no sum overflows."""

_LARGE_MEAN, _LARGE_SPREAD = "1e150", "1e300"
"""Beyond them, squares or their sums would overflow and fail the query for all groups."""

_TYPES = {Kind.INTEGER: "INT64", Kind.FLOAT: "FLOAT64", Kind.BOOLEAN: "BOOL", Kind.DECIMAL: "NUMERIC"}


@dataclass(frozen=True, slots=True)
class Merge:
    """The three steps; the first two as (column, expression)."""

    extracted: Sequence[tuple[str, str]]
    merged: Sequence[tuple[str, str]]
    answered: str


def sql_type(kind: Kind, *, bignumeric: bool) -> str:
    """Name a kind's type in SQL."""
    return "BIGNUMERIC" if bignumeric else _TYPES.get(kind, str(kind))


def merges(definition: Definition, functions: str) -> list[Merge]:
    """Return how each measure of a metric is merged; `functions` is the dataset of the sketch functions."""
    return [_merge(measure, f"m{place}", functions) for place, measure in enumerate(definition.measures)]


def _merge(measure: MeasureDefinition, at: str, functions: str) -> Merge:
    word = measure.measure
    if word == "count":
        return _count(measure, at)
    if word in {"sum", "mean"}:
        return _sum(measure, at)
    if word == "variance":
        return _variance(measure, at)
    if word in {"min", "max"}:
        return _extreme(measure, at)
    return _sketch(measure, at, functions)


def _text(measure: MeasureDefinition, name: str) -> str:
    return f"""JSON_VALUE(partials, '$."{measure.signature}".{name}')"""


def _number(measure: MeasureDefinition, name: str, type_: str) -> str:
    return f"CAST({_text(measure, name)} AS {type_})"


def _count(measure: MeasureDefinition, at: str) -> Merge:
    return Merge(
        [(f"{at}_n", _number(measure, "n", "INT64"))],
        [(at, f"IF(COUNTIF({at}_n IS NULL) > 0, NULL, SUM({at}_n))")],
        at,
    )


def _sum(measure: MeasureDefinition, at: str) -> Merge:
    """Sums are exact; those of FLOATs too, for values of 2**-46 and more and sums up to 2**59."""
    number, exact, far = f"{at}_n", f"{at}_s", f"{at}_f"
    extracted = [
        (number, _number(measure, "n", "INT64")),
        (exact, _number(measure, "sum", "BIGNUMERIC")),
        (far, _text(measure, "float")),
    ]
    unit = f" / {FLOAT_UNIT}" if measure.kind is Kind.FLOAT else ""
    each = f"COALESCE(CAST({far} AS FLOAT64), CAST({exact} AS FLOAT64){unit}) / {_FAR}"
    # An aggregate is computed also where it is not asked for, and infinities may fail it.
    finite = f"SUM(IF({far} IN ('inf', '-inf'), 0, {each}))"
    total = (
        f"CASE WHEN COUNTIF({far} IS NOT NULL) = 0 THEN CAST(SUM({exact}) AS FLOAT64){unit} "
        f"WHEN COUNTIF({far} IN ('inf', '-inf')) = 0 THEN SAFE_DIVIDE({finite}, 1 / {_FAR}) END"
    )
    if measure.measure == "sum" and measure.kind is not Kind.FLOAT:
        # BIGNUMERIC also for NUMERIC fields: their sum must not fail the query for all groups.
        type_ = "NUMERIC" if measure.kind is Kind.INTEGER else "BIGNUMERIC"
        total = f"IF(COUNTIF({far} IS NOT NULL) > 0, NULL, CAST(SUM({exact}) AS {type_}))"
    known = f"COUNTIF({number} IS NULL) = 0 AND SUM({number}) != 0"
    divided = f"SAFE_DIVIDE({total}, SUM({number}))" if measure.measure == "mean" else total
    return Merge(extracted, [(at, f"IF({known}, {divided}, NULL)")], at)


def _variance(measure: MeasureDefinition, at: str) -> Merge:
    """Exact from sums and squares, where BIGNUMERIC holds them; else from the partials' own deviations."""
    number, total, squares, mean, spread = (f"{at}_{name}" for name in ("n", "s", "q", "mean", "m2"))
    extracted = [
        (number, _number(measure, "n", "INT64")),
        (total, _number(measure, "sum", "BIGNUMERIC")),
        (squares, _number(measure, "squares", "BIGNUMERIC")),
        (mean, _number(measure, "mean", "FLOAT64")),
        (spread, _number(measure, "m2", "FLOAT64")),
    ]
    small = f"{mean} BETWEEN -{_LARGE_MEAN} AND {_LARGE_MEAN} AND {spread} < {_LARGE_SPREAD}"
    usable = f"{number} > 0 AND {small}"
    one = f"STRUCT({number} AS n, {mean} AS mean, {spread} AS spread)"
    middle = f"SUM(IF({usable}, {number} * {mean}, 0)), SUM(IF({usable}, {number}, 0))"
    merged = [
        (number, f"IF(COUNTIF({number} IS NULL) > 0, NULL, SUM({number}))"),
        (total, f"IF(COUNTIF({squares} IS NULL) > 0, NULL, SUM({total}))"),
        (squares, f"IF(COUNTIF({squares} IS NULL) > 0, NULL, SUM({squares}))"),
        (mean, f"IF(COUNTIF({number} != 0 AND ({usable}) IS NOT TRUE) = 0, SAFE_DIVIDE({middle}), NULL)"),
        (f"{at}_each", f"ARRAY_AGG(IF({usable}, {one}, NULL) IGNORE NULLS)"),
    ]
    deviation = f"SAFE_SUBTRACT(SAFE_MULTIPLY({number}, {squares}), SAFE_MULTIPLY({total}, {total}))"
    pairs = f"CAST({number} AS BIGNUMERIC) * ({number} - 1)"
    exact = f"SAFE_DIVIDE(CAST({deviation} AS FLOAT64), CAST({pairs} AS FLOAT64))"
    stable = f"(SELECT SUM(spread + n * POW(mean - {mean}, 2)) FROM UNNEST({at}_each))"
    answered = f"IF({number} > 1, COALESCE({exact}, SAFE_DIVIDE({stable}, {number} - 1)), NULL)"
    return Merge(extracted, merged, answered)


def _extreme(measure: MeasureDefinition, at: str) -> Merge:
    kind = measure.kind or Kind.STRING
    value = _number(measure, "value", sql_type(kind, bignumeric=measure.bignumeric))
    known = f"COUNTIF(NOT {at}_is) = 0"
    return Merge(
        [(f"{at}_is", _is_there(measure)), (f"{at}_v", value)],
        [(at, f"IF({known}, {measure.measure.upper()}({at}_v), NULL)")],
        at,
    )


def _is_there(measure: MeasureDefinition) -> str:
    return f"""JSON_QUERY(partials, '$."{measure.signature}"') IS NOT NULL"""


def _sketch(measure: MeasureDefinition, at: str, functions: str) -> Merge:
    if measure.measure == "distinct":
        empty, merge = EMPTY_HLL, f"{functions}.hll_sketch_agg_union({at}_k)"
        answered = _distinct(at, functions)
    elif measure.measure == "quantiles":
        empty, merge = EMPTY_KLL, f"{functions}.kll_sketch_float_merge({at}_k)"
        answered = _ranks(measure, at, functions)
    else:
        size = int(measure.options["lg_map_size"])
        empty, merge = EMPTY_STRINGS, f"{functions}.frequent_strings_sketch_merge({at}_k, {size})"
        answered = _frequent(measure, at, functions)
    sketch = f"FROM_BASE64(COALESCE({_text(measure, 'sketch')}, '{empty}'))"
    return Merge(
        [(f"{at}_is", _is_there(measure)), (f"{at}_k", sketch)],
        [(at, f"IF(COUNTIF(NOT {at}_is) = 0, {merge}, NULL)")],
        f"IF({at} IS NULL, NULL, {answered})",
    )


def _distinct(at: str, functions: str) -> str:
    # A sketch that was not merged with another answers otherwise than one that was: so it is, with itself.
    union = f"{functions}.hll_sketch_union({at}, {at})"
    return f"CAST({functions}.hll_sketch_get_estimate({union}) AS INT64)"


def _ranks(measure: MeasureDefinition, at: str, functions: str) -> str:
    fractions = [float(each) for each in measure.options["fractions"]]
    asked = [f"{functions}.kll_sketch_float_get_quantile({at}, {each!r}, TRUE) + 0.0" for each in fractions]
    named = ", ".join(f"{sql} AS {percentile(each)}" for sql, each in zip(asked, fractions, strict=True))
    return f"IF({asked[0]} IS NULL, NULL, STRUCT({named}))"


def _frequent(measure: MeasureDefinition, at: str, functions: str) -> str:
    rows = f"{functions}.frequent_strings_sketch_get_result({at}, 'NO_FALSE_NEGATIVES', NULL)"
    return (
        f"ARRAY(SELECT AS STRUCT item AS value, estimate AS count FROM UNNEST({rows}) "
        f"ORDER BY estimate DESC, item LIMIT {int(measure.options['k'])})"
    )
