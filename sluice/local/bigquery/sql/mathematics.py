"""Mathematical and conditional functions."""

from typing import Final

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Call, function
from sluice.local.bigquery.sql.coercion import convert, mismatch, unify
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.sql.operators import BIG, compare, divide
from sluice.local.bigquery.types import BIGNUMERIC, BOOL, FLOAT64, INT64, NUMERIC
from sluice.local.bigquery.values import INT64_MIN

_NUMBERS: Final = (INT64, FLOAT64, NUMERIC)
# Functions of FLOAT64, and where they are not defined ({0} is the argument).
_REAL: Final = {
    "SQRT": ("sqrt({0})", "{0} < 0"),
    "EXP": ("bq_finite(exp({0}))", None),
    "LN": ("ln({0})", "{0} <= 0"),
    "LOG10": ("log10({0})", "{0} <= 0"),
    "SIN": ("sin({0})", None),
    "COS": ("cos({0})", None),
    "TAN": ("tan({0})", None),
    "ATAN": ("atan({0})", None),
    "ASIN": ("asin({0})", "abs({0}) > 1"),
    "ACOS": ("acos({0})", "abs({0}) > 1"),
}


def _number(call: Call, expr: Expr) -> Expr:
    if expr.type.kind == "NULL":
        return convert(expr, FLOAT64)
    if expr.type not in _NUMBERS:
        raise (
            unsupported(f"{call.name} on {expr.type}")
            if expr.type.kind == "BIGNUMERIC"
            else mismatch(f"function {call.name}", expr)
        )
    return expr


@function(*_REAL)
def _real(call: Call) -> Expr:
    call.count(1)
    value = _number(call, call.arg(0))
    if value.type == NUMERIC:
        raise unsupported(f"{call.name} on NUMERIC (CAST it to FLOAT64)")
    value = convert(value, FLOAT64)
    template, bad = _REAL[call.name]
    if bad is None:
        return computed(template.format(value.sql), FLOAT64, value)
    body = f"CASE WHEN {bad.format(value.sql)} THEN {_failure(call)} ELSE {template.format(value.sql)} END"
    return computed(body, FLOAT64, value, plain=call.safe)


def _failure(call: Call) -> str:
    return "NULL" if call.safe else f"error('Floating point error in function: {call.name}')"


@function("LOG")
def _log(call: Call) -> Expr:
    call.count(1, 2)
    args = [convert(_number(call, arg), FLOAT64) for arg in call.args()]
    bad = " OR ".join(f"{arg.sql} <= 0" for arg in args) + (f" OR {args[1].sql} = 1" if len(args) > 1 else "")
    value = f"ln({args[0].sql})" if len(args) == 1 else f"ln({args[0].sql}) / ln({args[1].sql})"
    return computed(
        f"CASE WHEN {bad} THEN {_failure(call)} ELSE {value} END", FLOAT64, *args, plain=call.safe
    )


@function("POW", "POWER")
def _power(call: Call) -> Expr:
    call.count(2)
    args = [_number(call, arg) for arg in call.args()]
    if any(arg.type == NUMERIC for arg in args):
        raise unsupported("POW on NUMERIC (CAST it to FLOAT64)")
    base, exponent = (convert(arg, FLOAT64) for arg in args)
    root = f"{base.sql} < 0 AND {exponent.sql} <> trunc({exponent.sql})"
    bad = f"({root}) OR ({base.sql} = 0 AND {exponent.sql} < 0)"
    value = f"bq_finite(pow({base.sql}, {exponent.sql}))"
    return computed(f"CASE WHEN {bad} THEN {_failure(call)} ELSE {value} END", FLOAT64, base, exponent)


@function("ABS", "SIGN")
def _same(call: Call) -> Expr:
    call.count(1)
    value = _number(call, call.arg(0))
    duck = f"{call.name.lower()}({value.sql})"
    if call.name == "SIGN" and value.type == FLOAT64:
        duck = f"CASE WHEN isnan({value.sql}) THEN {value.sql} ELSE {duck} END"
    return computed(f"CAST({duck} AS {value.type.duck})", value.type, value)


@function("ROUND", "TRUNC")
def _round(call: Call) -> Expr:
    call.count(1, 2)
    value = _number(call, call.arg(0))
    if value.type == INT64:
        value = convert(value, FLOAT64)
    duck = call.name.lower()
    if len(call.nodes) == 1:
        return computed(f"CAST({duck}({value.sql}) AS {value.type.duck})", value.type, value)
    digits = literals.int_value(call.arg(1), f"A number of digits of {call.name}")
    if value.type == FLOAT64 and call.name == "ROUND":
        return computed(f"round({value.sql}, {digits})", FLOAT64, value)
    if value.type == NUMERIC and call.name == "ROUND" and 0 <= digits <= 9:  # noqa: PLR2004 - NUMERIC's scale
        return computed(f"CAST(round({value.sql}, {digits}) AS DECIMAL(38,9))", NUMERIC, value)
    raise unsupported(f"{call.name} of {value.type} to {digits} digits")


@function("CEIL", "CEILING", "FLOOR")
def _whole(call: Call) -> Expr:
    call.count(1)
    value = _number(call, call.arg(0))
    if value.type == INT64:
        value = convert(value, FLOAT64)
    duck = "floor" if call.name == "FLOOR" else "ceil"
    return computed(f"CAST({duck}({value.sql}) AS {value.type.duck})", value.type, value)


@function("MOD", "DIV")
def _integers(call: Call) -> Expr:
    call.count(2)
    args = call.args()
    if any(arg.type == NUMERIC for arg in args):
        raise unsupported(f"{call.name} on NUMERIC")
    left, right = (convert(arg, INT64) for arg in args)
    macro = "bq_mod" if call.name == "MOD" else "bq_intdiv"
    result = f"CAST({macro}({left.sql}, {right.sql}) AS BIGINT)"
    if call.safe:
        over = f"{left.sql} = {INT64_MIN} AND {right.sql} = -1"
        result = f"CASE WHEN {right.sql} = 0 OR ({over}) THEN NULL ELSE {result} END"
    return computed(result, INT64, left, right)


@function("SAFE_DIVIDE")
def _safe_divide(call: Call) -> Expr:
    call.count(2)
    left, right = call.args()
    if NUMERIC in {left.type, right.type}:
        quotient = divide(left, right, "function SAFE_DIVIDE")
        if quotient.type != NUMERIC:
            raise unsupported("SAFE_DIVIDE of a NUMERIC and a FLOAT64")
        zero = convert(right, NUMERIC).sql
        return computed(f"CASE WHEN {zero} = 0 THEN NULL ELSE {quotient.sql} END", NUMERIC, left, right)
    top, bottom = (convert(_number(call, arg), FLOAT64) for arg in (left, right))
    quotient_sql = f"{top.sql} / {bottom.sql}"
    body = (
        f"CASE WHEN {bottom.sql} = 0 THEN NULL WHEN isinf({quotient_sql}) THEN NULL ELSE {quotient_sql} END"
    )
    return computed(body, FLOAT64, top, bottom, plain=True)


@function("IEEE_DIVIDE")
def _ieee_divide(call: Call) -> Expr:
    call.count(2)
    top, bottom = (convert(_number(call, arg), FLOAT64) for arg in call.args())
    at_zero = (
        f"CASE WHEN {top.sql} = 0 OR isnan({top.sql}) THEN CAST('nan' AS DOUBLE) "
        f"WHEN ({top.sql} > 0) = (signbit({bottom.sql})) THEN CAST('-inf' AS DOUBLE) "
        "ELSE CAST('inf' AS DOUBLE) END"
    )
    quotient = f"{top.sql} / {bottom.sql}"
    body = f"CASE WHEN {top.sql} IS NULL THEN NULL WHEN {bottom.sql} = 0 THEN {at_zero} ELSE {quotient} END"
    return computed(body, FLOAT64, top, bottom, plain=True)


@function("SAFE_ADD", "SAFE_SUBTRACT", "SAFE_MULTIPLY")
def _safe_arithmetic(call: Call) -> Expr:
    call.count(2)
    left, right = call.args()
    if not (left.plain and right.plain):
        raise unsupported(f"{call.name} of anything but columns and literals")
    symbol = {"SAFE_ADD": "+", "SAFE_SUBTRACT": "-", "SAFE_MULTIPLY": "*"}[call.name]
    if BIGNUMERIC in (left.type, right.type):
        left, right = (convert(arg, BIGNUMERIC) for arg in (left, right))
        return computed(f"TRY({BIG[symbol]}({left.sql}, {right.sql}))", BIGNUMERIC, left, right, plain=True)
    left, right = (convert(arg, INT64) for arg in (left, right))
    return computed(f"TRY({left.sql} {symbol} {right.sql})", INT64, left, right, plain=True)


@function("IS_NAN", "IS_INF")
def _is(call: Call) -> Expr:
    call.count(1)
    value = convert(call.arg(0), FLOAT64)
    return computed(f"{'isnan' if call.name == 'IS_NAN' else 'isinf'}({value.sql})", BOOL, value, plain=True)


@function("GREATEST", "LEAST")
def _extreme(call: Call) -> Expr:
    args = unify(call.args(), f"function {call.name}")
    if not args:
        raise invalid_query(f"No matching signature for function {call.name} for 0 arguments")
    if args[0].type.kind not in {"INT64", "NUMERIC", "STRING", "DATE", "DATETIME", "TIMESTAMP", "FLOAT64"}:
        raise unsupported(f"{call.name} on {args[0].type}")
    missing = " OR ".join(f"{arg.sql} IS NULL" for arg in args)
    listed = ", ".join(arg.sql for arg in args)
    nan = ""
    if args[0].type == FLOAT64:
        nan = f"WHEN {' OR '.join(f'isnan({arg.sql})' for arg in args)} THEN CAST('nan' AS DOUBLE) "
    body = f"CASE WHEN {missing} THEN NULL {nan}ELSE {call.name.lower()}({listed}) END"
    return computed(body, args[0].type, *args, plain=True)


@function("COALESCE", "IFNULL")
def _coalesce(call: Call) -> Expr:
    call.count(2 if call.name == "IFNULL" else 1, 2 if call.name == "IFNULL" else 1000)
    args = unify(call.args(), f"function {call.name}")
    return computed(f"coalesce({', '.join(arg.sql for arg in args)})", args[0].type, *args, plain=True)


@function("NULLIF")
def _nullif(call: Call) -> Expr:
    call.count(2)
    left, right = unify(call.args(), "function NULLIF")
    equal = compare("=", left, right)
    return computed(
        f"CASE WHEN {equal.sql} THEN NULL ELSE {left.sql} END", left.type, left, right, plain=True
    )
