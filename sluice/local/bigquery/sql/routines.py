"""Functions of other datasets: those of Apache DataSketches that are known here, by their own names.

Google keeps them in `bqutil.datasketches` for the location US and in `bqutil.datasketches_<location>` for any
other; a team that deploys them itself has them wherever it likes.
"""

import re
from typing import Any, Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.aggregates import Argument, aggregate
from sluice.local.bigquery.sql.binder import FUNCTIONS, Binder, Call, function
from sluice.local.bigquery.sql.coercion import convert, mismatch
from sluice.local.bigquery.sql.expr import Expr, Scope, computed
from sluice.local.bigquery.types import BOOL, BYTES, FLOAT64, INT64, STRING, Type, array_of, struct_of

_DATASET: Final = re.compile(r"[\w-]+\.\w+", re.ASCII)
_ROOM: Final = "bqutil.datasketches."
_ITEMS: Final = array_of(
    struct_of(("item", STRING), ("estimate", INT64), ("lower_bound", INT64), ("upper_bound", INT64))
)
_LG_MAP_SIZES: Final = range(3, 31)
_ERROR_TYPES: Final = frozenset({"NO_FALSE_NEGATIVES", "NO_FALSE_POSITIVES"})


def routine(binder: Binder, path: str, call: exp.Anonymous, scope: Scope) -> Expr:
    """Bind `project.dataset.function(...)`; the path is all before the last dot. Raises ApiError 400."""
    # Path and name may stand within one pair of backticks.
    name = str(call.name).rpartition(".")[2]
    bind = FUNCTIONS.get(_ROOM + name) if _DATASET.fullmatch(path) else None
    if bind is None:
        raise unsupported(f"Function {path}.{name}")
    return bind(Call(binder, _ROOM + name, call.expressions, scope))


def _sketches(call: Call, argument: Argument, args: list[Expr]) -> str:
    """Return a list of the column's sketches, NULL without any."""
    argument.plain_only(call)
    if argument.distinct or call.over:
        raise unsupported(f"Function {call.name} with DISTINCT or over a window")
    if not args or args[0].type != BYTES:
        raise mismatch(f"aggregate function {call.name}", *args)
    return f"list({args[0].sql}) FILTER (WHERE {args[0].sql} IS NOT NULL)"


def _whole(call: Call, value: Expr, merged: str) -> str:
    """Refuse NULL sketches, of which the functions' authors say nothing."""
    refusal = f"error('A NULL sketch in {call.name} is not supported by the local BigQuery')"
    return f"CASE WHEN count(*) > count({value.sql}) THEN {refusal} ELSE {merged} END"


def _sized(call: Call, args: list[Any], wanted: int) -> None:
    if len(args) != wanted:
        raise invalid_query(f"No matching signature for function {call.name} for {len(args)} arguments")


@aggregate(_ROOM + "hll_sketch_agg_union")
def _hll_agg(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    _sized(call, args, 1)
    return Expr(f"bq_hll_union({_sketches(call, argument, args)})", BYTES)


@aggregate(_ROOM + "kll_sketch_float_merge")
def _kll_merge(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    _sized(call, args, 1)
    merged = f"bq_kll_merge({_sketches(call, argument, args)})"
    return Expr(_whole(call, args[0], merged), BYTES)


@aggregate(_ROOM + "frequent_strings_sketch_merge")
def _strings_merge(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    _sized(call, args, 2)
    size = literals.int_value(args[1], f"A map size of {call.name}")
    if size not in _LG_MAP_SIZES:
        raise unsupported(f"{call.name} with a map size of 2^{size}")
    merged = f"bq_strings_merge({_sketches(call, argument, args[:1])}, {size})"
    return Expr(_whole(call, args[0], merged), BYTES)


def _scalar(name: str, types: tuple[Type, ...], result: Type, template: str) -> None:
    """Register a function whose arguments must not be NULL."""

    def bind(call: Call) -> Expr:
        _sized(call, call.nodes, len(types))
        given = call.args()
        args = [convert(arg, type_) for arg, type_ in zip(given, types, strict=True)]
        absent = " OR ".join(f"{arg.sql} IS NULL" for arg in args)
        refusal = f"error('NULL in {call.name} is not supported by the local BigQuery')"
        found = template.format(*(arg.sql for arg in args))
        return computed(f"CASE WHEN {absent} THEN {refusal} ELSE {found} END", result, *args)

    FUNCTIONS[_ROOM + name] = bind


@function(_ROOM + "frequent_strings_sketch_get_result")
def _strings_result(call: Call) -> Expr:
    _sized(call, call.nodes, 3)
    sketch, threshold = convert(call.arg(0), BYTES), convert(call.arg(2), INT64)
    kind = literals.string_value(call.arg(1), f"An error type of {call.name}")
    if kind not in _ERROR_TYPES:
        raise invalid_query(f"unrecognized error type {kind}")
    refusal = f"error('NULL in {call.name} is not supported by the local BigQuery')"
    found = f"bq_strings_result({sketch.sql}, {literals.text(kind)}, coalesce({threshold.sql}, 0))"
    body = f"CASE WHEN {sketch.sql} IS NULL THEN {refusal} ELSE {found} END"
    return computed(body, _ITEMS, sketch, threshold)


_scalar("hll_sketch_get_estimate", (BYTES,), FLOAT64, "bq_hll_estimate({0})")
_scalar("hll_sketch_union", (BYTES, BYTES), BYTES, "bq_hll_union([{0}, {1}])")
_scalar("kll_sketch_float_get_quantile", (BYTES, FLOAT64, BOOL), FLOAT64, "bq_kll_quantile({0}, {1}, {2})")
