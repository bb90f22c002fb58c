"""Aggregates that pick values by another: ANY_VALUE(HAVING MAX), MAX_BY, APPROX_TOP_COUNT, APPROX_TOP_SUM.

The approximate ones are exact here. Which of several equal ones comes first BigQuery leaves open.
"""

from typing import Final

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.aggregates import Argument, aggregate, groupable
from sluice.local.bigquery.sql.binder import Call
from sluice.local.bigquery.sql.coercion import comparable, convert
from sluice.local.bigquery.sql.expr import Expr
from sluice.local.bigquery.types import BIGNUMERIC, FLOAT64, INT64, NULL, NUMERIC, array_of, struct_of

# APPROX_TOP_SUM compares every row with every value.
MAX_COMPARED: Final = 50_000_000


def chosen(value: Expr, by: Expr, *, greatest: bool) -> Expr:
    """Return the value of a row in which `by` is greatest or least.

    Where all such rows have NULL and others do not, the documentation leaves open which of them counts.
    """
    comparable(by, "HAVING MAX or MIN")
    if by.type == BIGNUMERIC:
        raise unsupported("HAVING MAX or MIN of a BIGNUMERIC")
    word = "max" if greatest else "min"
    best = f"{word}({by.sql})"
    there = f"{best} FILTER (WHERE {value.sql} IS NOT NULL)"
    refusal = (
        f"error('NULL in the row of the {word}imum by which a value is chosen "
        "is not supported by the local BigQuery')"
    )
    checks = f"WHEN count({value.sql}) > 0 AND {there} IS DISTINCT FROM {best} THEN {refusal} "
    if by.type == FLOAT64:
        nan = "error('NaN in HAVING MAX or MIN is not supported by the local BigQuery')"
        checks = f"WHEN coalesce(bool_or(isnan({by.sql})), false) THEN {nan} {checks}"
    type_ = INT64 if value.type == NULL else value.type
    return Expr(f"CASE {checks}ELSE arg_{word}({value.sql}, {by.sql}) END", type_)


@aggregate("MAX_BY", "MIN_BY")
def _by(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    if len(args) != 2:  # noqa: PLR2004 - a value, and what it is chosen by
        raise invalid_query(
            f"No matching signature for aggregate function {call.name} for {len(args)} arguments"
        )
    if argument.distinct or call.over:
        raise unsupported(f"{call.name} with DISTINCT or over a window")
    return chosen(args[0], args[1], greatest=call.name == "MAX_BY")


def _number(call: Call, args: list[Expr], wanted: int) -> int:
    if len(args) != wanted:
        raise invalid_query(
            f"No matching signature for aggregate function {call.name} for {len(args)} arguments"
        )
    count = literals.int_value(args[-1], f"A number of {call.name}")
    if count < 1:
        raise invalid_query(f"The last argument of {call.name} must be positive")
    groupable(args[0], call.name)
    if args[0].type == FLOAT64:
        raise unsupported(f"{call.name} of FLOAT64")
    return count


@aggregate("APPROX_TOP_COUNT")
def _top_count(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    if argument.distinct or call.over:
        raise unsupported("APPROX_TOP_COUNT with DISTINCT or over a window")
    number = _number(call, args, 2)
    value = convert(args[0], INT64) if args[0].type == NULL else args[0]
    type_ = array_of(struct_of(("value", value.type), ("count", INT64)))
    return Expr(f"CAST(bq_top_count(list({value.sql}), {number}) AS {type_.duck})", type_)


@aggregate("APPROX_TOP_SUM")
def _top_sum(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    if argument.distinct or call.over:
        raise unsupported("APPROX_TOP_SUM with DISTINCT or over a window")
    number = _number(call, args, 3)
    value, weight = (convert(arg, INT64) if arg.type == NULL else arg for arg in args[:2])
    if weight.type not in (INT64, NUMERIC, FLOAT64):
        raise unsupported(f"APPROX_TOP_SUM with weights of type {weight.type}")
    bad = f"{weight.sql} < 0" + (f" OR isnan({weight.sql})" if weight.type == FLOAT64 else "")
    checked = (
        f"CASE WHEN {bad} THEN error('APPROX_TOP_SUM needs weights of zero or more') ELSE {weight.sql} END"
    )
    type_ = array_of(struct_of(("value", value.type), ("sum", weight.type)))
    pairs = f"list(struct_pack(v := {value.sql}, w := {checked}))"
    return Expr(
        f"CAST(bq_top_sum({pairs}, list(DISTINCT {value.sql}), {number}, {MAX_COMPARED}) AS {type_.duck})",
        type_,
    )
