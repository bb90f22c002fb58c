"""Operators, comparisons, conditions and literals."""

from typing import Any, Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Binder, binds
from sluice.local.bigquery.sql.coercion import NUMBERS, comparable, convert, mismatch, try_convert, unify
from sluice.local.bigquery.sql.expr import Expr, Scope, computed
from sluice.local.bigquery.sql.parse import only
from sluice.local.bigquery.types import BIGNUMERIC, BOOL, BYTES, DATE, FLOAT64, INT64, NUMERIC, STRING
from sluice.local.bigquery.values import INT64_MIN

_ARITHMETIC: Final = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
BIG: Final = {"+": "bq_big_add", "-": "bq_big_subtract", "*": "bq_big_multiply"}
"""What computes BIGNUMERIC values, which DuckDB keeps as texts."""
_COMPARISONS: Final = {exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_BITS: Final = {exp.BitwiseAnd: "&", exp.BitwiseOr: "|"}


@binds(exp.Literal)
def _literal(_: Binder, node: exp.Literal, __: Scope) -> Expr:
    return literals.constant(node.this, STRING) if node.is_string else literals.number(node.this)


@binds(exp.RawString)
def _raw(_: Binder, node: exp.RawString, __: Scope) -> Expr:
    return literals.constant(node.this, STRING)


@binds(exp.ByteString)
def _bytes(_: Binder, node: exp.ByteString, __: Scope) -> Expr:
    if not node.this.isascii() or "\\" in node.this:
        raise unsupported("A BYTES literal with escapes")
    return literals.constant(node.this.encode(), BYTES)


@binds(exp.HexString)
def _hex(_: Binder, node: exp.HexString, __: Scope) -> Expr:
    return literals.number(str(int(node.this, 16)))


@binds(exp.Boolean)
def _boolean(_: Binder, node: exp.Boolean, __: Scope) -> Expr:
    return literals.constant(bool(node.this), BOOL)


@binds(exp.Null)
def _null(_: Binder, __: exp.Null, ___: Scope) -> Expr:
    return literals.NULL_LITERAL


@binds(exp.Paren)
def _paren(binder: Binder, node: exp.Paren, scope: Scope) -> Expr:
    only(node, "this")
    return binder.expr(node.this, scope)


@binds(exp.Parameter)
def _named(binder: Binder, node: exp.Parameter, _: Scope) -> Expr:
    if isinstance(node.this, exp.Parameter):
        raise unsupported("A system variable")
    name = node.name
    for parameter in binder.parameters:
        if parameter.name is not None and parameter.name.lower() == name.lower():
            return parameter.expr
    raise invalid_query(f"Query parameter '{name}' not found")


@binds(exp.Placeholder)
def _positional(binder: Binder, _: exp.Placeholder, __: Scope) -> Expr:
    given = [parameter for parameter in binder.parameters if parameter.name is None]
    position = next(binder.positions)
    if position >= len(given):
        raise invalid_query(f"Query parameter number {position + 1} is not defined ({len(given)} provided)")
    return given[position].expr


@binds(exp.Neg)
def _negative(binder: Binder, node: exp.Neg, scope: Scope) -> Expr:
    inner = node.this
    if isinstance(inner, exp.Literal) and not inner.is_string:
        if inner.this.isdigit():
            value = -int(inner.this)
            if value < INT64_MIN:
                raise invalid_query(f"Invalid integer literal: -{inner.this}")
            return literals.constant(value, INT64)
        return literals.negated(literals.number(inner.this))
    operand = binder.expr(inner, scope)
    if operand.type == BIGNUMERIC:
        return computed(f"bq_big_negate({operand.sql})", BIGNUMERIC, operand)
    if operand.type not in (INT64, FLOAT64, NUMERIC):
        raise mismatch("operator -", operand)
    return computed(f"(- {operand.sql})", operand.type, operand)


@binds(exp.Add, exp.Sub, exp.Mul)
def _arithmetic(binder: Binder, node: Any, scope: Scope) -> Expr:
    symbol = _ARITHMETIC[type(node)]
    if isinstance(node.expression, exp.Interval) or isinstance(node.this, exp.Interval):
        return _interval_arithmetic(binder, node, scope)
    left, right = binder.expr(node.this, scope), binder.expr(node.expression, scope)
    if symbol != "*" and left.type == DATE and right.type == INT64:
        return computed(f"({left.sql} {symbol} CAST({right.sql} AS INTEGER))", DATE, left, right)
    if symbol == "+" and left.type == INT64 and right.type == DATE:
        return computed(f"({right.sql} + CAST({left.sql} AS INTEGER))", DATE, left, right)
    if {left.type.kind, right.type.kind} & {"DATE", "DATETIME", "TIMESTAMP", "TIME"} and symbol == "-":
        raise unsupported(f"Subtraction of {right.type} from {left.type} (an INTERVAL)")
    left, right = _numbers(f"operator {symbol}", left, right)
    if left.type == BIGNUMERIC:
        return computed(f"{BIG[symbol]}({left.sql}, {right.sql})", BIGNUMERIC, left, right)
    if left.type == NUMERIC:
        return computed(f"CAST(({left.sql} {symbol} {right.sql}) AS DECIMAL(38,9))", NUMERIC, left, right)
    sql = f"({left.sql} {symbol} {right.sql})"
    if left.type == FLOAT64:
        sql = f"bq_finite({sql})"
    return computed(sql, left.type, left, right)


def _interval_arithmetic(binder: Binder, node: Any, scope: Scope) -> Expr:
    from sluice.local.bigquery.sql.temporal import shift  # noqa: PLC0415 - the two modules need each other

    if isinstance(node, exp.Mul) or isinstance(node.this, exp.Interval):
        raise unsupported("An INTERVAL on the left of an operator")
    moment = binder.expr(node.this, scope)
    return shift(binder, moment, node.expression, scope, sign="+" if isinstance(node, exp.Add) else "-")


def _numbers(what: str, left: Expr, right: Expr) -> tuple[Expr, Expr]:
    for expr in (left, right):
        if expr.type.kind not in NUMBERS and expr.type.kind != "NULL":
            raise mismatch(what, left, right)
    first, second = unify([left, right], what)
    return first, second


@binds(exp.Div)
def _divide(binder: Binder, node: exp.Div, scope: Scope) -> Expr:
    return divide(binder.expr(node.this, scope), binder.expr(node.expression, scope), "operator /")


def divide(left: Expr, right: Expr, what: str) -> Expr:
    """Divide, with an error for a zero divisor."""
    left, right = _numbers(what, left, right)
    if left.type == BIGNUMERIC:
        return computed(f"bq_big_divide({left.sql}, {right.sql})", BIGNUMERIC, left, right)
    if left.type == NUMERIC:
        return computed(f"bq_numeric_div({left.sql}, {right.sql})", NUMERIC, left, right)
    left, right = convert(left, FLOAT64), convert(right, FLOAT64)
    return computed(f"bq_finite(bq_div({left.sql}, {right.sql}))", FLOAT64, left, right)


@binds(exp.DPipe)
def _concatenate(binder: Binder, node: exp.DPipe, scope: Scope) -> Expr:
    left, right = binder.expr(node.this, scope), binder.expr(node.expression, scope)
    first, second = unify([left, right], "operator ||")
    if first.type not in (STRING, BYTES) and first.type.item is None:
        raise mismatch("operator ||", left, right)
    return computed(f"({first.sql} || {second.sql})", first.type, first, second, plain=True)


@binds(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
def _compare(binder: Binder, node: Any, scope: Scope) -> Expr:
    symbol = _COMPARISONS[type(node)]
    only(node, "this", "expression")
    return compare(symbol, binder.expr(node.this, scope), binder.expr(node.expression, scope))


def compare(symbol: str, left: Expr, right: Expr) -> Expr:
    """Compare two values."""
    first, second = unify([left, right], f"operator {symbol}")
    comparable(first, f"Operator {symbol}")
    if first.type == BIGNUMERIC and symbol not in {"=", "!="}:
        keys = f"(bq_big_key({first.sql}) {symbol} bq_big_key({second.sql}))"
        return computed(keys, BOOL, first, second, plain=True)
    if first.type != FLOAT64:
        return computed(f"({first.sql} {symbol} {second.sql})", BOOL, first, second, plain=True)
    held = f"{first.sql} {symbol} {second.sql}"
    unequal = "true" if symbol == "!=" else "false"
    return computed(f"bq_cmp({first.sql}, {second.sql}, {held}, {unequal})", BOOL, first, second, plain=True)


@binds(exp.NullSafeEQ, exp.NullSafeNEQ)
def _distinct(binder: Binder, node: Any, scope: Scope) -> Expr:
    operands = [binder.expr(node.this, scope), binder.expr(node.expression, scope)]
    first, second = unify(operands, "operator IS DISTINCT FROM")
    comparable(first, "Operator IS DISTINCT FROM")
    word = "IS NOT DISTINCT FROM" if isinstance(node, exp.NullSafeEQ) else "IS DISTINCT FROM"
    return computed(f"({first.sql} {word} {second.sql})", BOOL, first, second, plain=True)


@binds(exp.And, exp.Or)
def _logical(binder: Binder, node: Any, scope: Scope) -> Expr:
    word = "AND" if isinstance(node, exp.And) else "OR"
    left = _condition(binder, node.this, scope, f"operator {word}")
    right = _condition(binder, node.expression, scope, f"operator {word}")
    return computed(f"({left.sql} {word} {right.sql})", BOOL, left, right, plain=True)


@binds(exp.Not)
def _not(binder: Binder, node: exp.Not, scope: Scope) -> Expr:
    operand = _condition(binder, node.this, scope, "operator NOT")
    return computed(f"(NOT {operand.sql})", BOOL, operand, plain=True)


def _condition(binder: Binder, node: exp.Expr, scope: Scope, what: str) -> Expr:
    expr = binder.expr(node, scope)
    found = try_convert(expr, BOOL)
    if found is None:
        raise mismatch(what, expr)
    return found


@binds(exp.Is)
def _is(binder: Binder, node: exp.Is, scope: Scope) -> Expr:
    operand = binder.expr(node.this, scope)
    negate = " NOT" if node.args.get("negate") else ""
    only(node, "this", "expression", "negate")
    if isinstance(node.expression, exp.Null):
        return computed(f"({operand.sql} IS{negate} NULL)", BOOL, operand, plain=True)
    if isinstance(node.expression, exp.Boolean):
        word = "true" if node.expression.this else "false"
        truth = convert(operand, BOOL)
        return computed(
            f"({truth.sql} IS{negate} NOT DISTINCT FROM {word})"
            if not negate
            else f"({truth.sql} IS DISTINCT FROM {word})",
            BOOL,
            truth,
            plain=True,
        )
    raise unsupported(f"IS {node.expression.sql(dialect='bigquery')}")


@binds(exp.Between)
def _between(binder: Binder, node: exp.Between, scope: Scope) -> Expr:
    only(node, "this", "low", "high", "negate")
    operands = [binder.expr(node.args[key], scope) for key in ("this", "low", "high")]
    value, low, high = unify(operands, "operator BETWEEN")
    above, below = compare(">=", value, low), compare("<=", value, high)
    sql = f"({above.sql} AND {below.sql})"
    return computed(f"(NOT {sql})" if node.args.get("negate") else sql, BOOL, above, below, plain=True)


@binds(exp.Like)
def _like(binder: Binder, node: exp.Like, scope: Scope) -> Expr:
    only(node, "this", "expression", "negate")
    value, pattern = unify(
        [binder.expr(node.this, scope), binder.expr(node.expression, scope)], "operator LIKE"
    )
    if value.type != STRING:
        raise unsupported(f"LIKE on {value.type}")
    word = "NOT LIKE" if node.args.get("negate") else "LIKE"
    return computed(f"({value.sql} {word} {pattern.sql} ESCAPE '\\')", BOOL, value, pattern)


@binds(exp.BitwiseAnd, exp.BitwiseOr)
def _bits(binder: Binder, node: Any, scope: Scope) -> Expr:
    left, right = binder.expr(node.this, scope), binder.expr(node.expression, scope)
    if left.type != INT64 or right.type != INT64:
        raise mismatch(f"operator {_BITS[type(node)]}", left, right)
    return computed(f"({left.sql} {_BITS[type(node)]} {right.sql})", INT64, left, right, plain=True)
