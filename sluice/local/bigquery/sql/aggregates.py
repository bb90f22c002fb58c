"""Aggregate functions, over groups and over windows."""

from collections.abc import Callable
from typing import Any, Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import FUNCTIONS, Call
from sluice.local.bigquery.sql.coercion import convert, mismatch
from sluice.local.bigquery.sql.expr import Expr
from sluice.local.bigquery.sql.ordering import order_terms
from sluice.local.bigquery.types import BIGNUMERIC, BOOL, FLOAT64, INT64, NULL, NUMERIC, STRING, array_of

_OVER: Final = "\x01"


class Argument:
    """The first argument of an aggregate, unwrapped: DISTINCT, ORDER BY, LIMIT and IGNORE NULLS."""

    def __init__(self, call: Call) -> None:
        self.distinct = False
        self.order: list[exp.Expr] = []
        self.limit: int | None = None
        self.nulls: str | None = None
        self.having: exp.HavingMax | None = None
        self.rest: list[exp.Expr] = []
        nodes = list(call.nodes)
        # The clauses wrap the last argument; DISTINCT wraps all of them.
        last: exp.Expr | None = nodes[-1] if nodes else None
        while last is not None:
            if isinstance(last, exp.Limit):
                self.limit = literals.int_value(call.binder.expr(last.expression, call.scope), "A LIMIT")
                last = last.this
            elif isinstance(last, exp.Order):
                self.order = last.expressions
                last = last.this
            elif isinstance(last, exp.IgnoreNulls | exp.RespectNulls):
                self.nulls = "IGNORE" if isinstance(last, exp.IgnoreNulls) else "RESPECT"
                last = last.this
            elif isinstance(last, exp.HavingMax):
                if call.name != "ANY_VALUE" or call.over:
                    window = " over a window" if call.over else ""
                    raise unsupported(f"HAVING MAX or MIN in {call.name}{window}")
                self.having = last
                last = last.this
            else:
                break
        if last is not None:
            nodes[-1] = last
        if nodes and isinstance(nodes[0], exp.Distinct):
            self.distinct = True
            nodes = [*nodes[0].expressions, *nodes[1:]]
        self.nodes = nodes

    def plain_only(self, call: Call) -> None:
        """Refuse what only ARRAY_AGG and STRING_AGG take."""
        if self.order or self.limit is not None or self.nulls:
            raise unsupported(f"ORDER BY, LIMIT or IGNORE NULLS in {call.name}")


def aggregate(*names: str) -> Callable[[Callable[[Call, Argument, list[Expr]], Expr]], Any]:
    """Register an aggregate; it returns SQL in which the window, if any, belongs at each mark."""

    def register(bind: Callable[[Call, Argument, list[Expr]], Expr]) -> Any:
        def bound(call: Call) -> Expr:
            _allowed(call)
            if call.safe:
                raise unsupported(f"Function SAFE.{call.name}")
            argument = Argument(call)
            nested = call.over is not None and call.scope.allow_aggregate
            inner = call.scope.at(f"an argument of {call.name}", aggregate=nested)
            args = [
                Expr("*", INT64) if isinstance(node, exp.Star) else call.binder.expr(node, inner)
                for node in argument.nodes
            ]
            found = bind(call, argument, args)
            sql = found.sql.replace(_OVER, f" OVER {call.over}" if call.over else "")
            return Expr(
                sql,
                found.type,
                aggregate=not call.over or any(a.aggregate for a in args),
                window=bool(call.over),
            )

        for name in names:
            FUNCTIONS[name] = bound
        return bind

    return register


def _allowed(call: Call) -> None:
    if call.over is None and not call.scope.allow_aggregate:
        if call.scope.clause.startswith("an argument of"):
            raise invalid_query("Aggregations of aggregations are not allowed")
        raise invalid_query(f"Aggregate function {call.name} not allowed in {call.scope.clause}")
    if call.over is not None and not call.scope.allow_window:
        raise invalid_query(f"Analytic function not allowed in {call.scope.clause}")


def _one(call: Call, args: list[Expr]) -> Expr:
    if len(args) != 1:
        raise invalid_query(
            f"No matching signature for aggregate function {call.name} for {len(args)} arguments"
        )
    return args[0]


@aggregate("COUNT")
def _count(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    value = _one(call, args)
    if value.sql == "*":
        return Expr(f"count(*){_OVER}", INT64)
    if argument.distinct:
        groupable(value, "COUNT(DISTINCT)")
        return Expr(f"count(DISTINCT {value.sql}){_OVER}", INT64)
    return Expr(f"count({value.sql}){_OVER}", INT64)


def groupable(value: Expr, what: str) -> None:
    """Refuse types whose values this server cannot tell apart as BigQuery does."""
    if value.type.kind in {"JSON", "ARRAY", "BIGNUMERIC", "STRUCT"}:
        raise unsupported(f"{what} of {value.type}")


@aggregate("APPROX_COUNT_DISTINCT")
def _approximate_count(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    value = _one(call, args)
    groupable(value, "APPROX_COUNT_DISTINCT")
    return Expr(f"count(DISTINCT {value.sql}){_OVER}", INT64)


@aggregate("COUNTIF")
def _countif(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    condition = convert(_one(call, args), BOOL)
    if argument.distinct:
        raise unsupported("COUNTIF(DISTINCT)")
    return Expr(f"count(CASE WHEN {condition.sql} THEN 1 END){_OVER}", INT64)


@aggregate("SUM", "AVG")
def _sum(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    value = _one(call, args)
    if value.type == NULL:
        value = convert(value, INT64)
    if value.type == BIGNUMERIC:
        return _big(call, argument, value)
    if value.type not in (INT64, FLOAT64, NUMERIC):
        raise mismatch(f"aggregate function {call.name}", value)
    inner = f"DISTINCT {value.sql}" if argument.distinct else value.sql
    total = f"sum({inner}){_OVER}"
    if call.name == "SUM":
        sql = f"bq_finite({total})" if value.type == FLOAT64 else f"CAST({total} AS {value.type.duck})"
        return Expr(sql, value.type)
    if value.type == NUMERIC:
        return Expr(f"bq_numeric_avg({total}, count({inner}){_OVER})", NUMERIC)
    return Expr(f"avg({inner}){_OVER}", FLOAT64)


def _big(call: Call, argument: Argument, value: Expr) -> Expr:
    """Aggregate BIGNUMERIC values, which DuckDB keeps as texts."""
    distinct = "DISTINCT " if argument.distinct else ""
    values = f"list({distinct}{value.sql}) FILTER (WHERE {value.sql} IS NOT NULL){_OVER}"
    return Expr(f"bq_big_{call.name.lower()}({values})", BIGNUMERIC)


@aggregate("MIN", "MAX")
def _extreme(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    value = _one(call, args)
    if value.type == BIGNUMERIC:
        return _big(call, argument, value)
    groupable(value, call.name)
    plain = f"{call.name.lower()}({value.sql}){_OVER}"
    if value.type == FLOAT64:
        nan = f"coalesce(bool_or(isnan({value.sql})){_OVER}, false)"
        return Expr(f"CASE WHEN {nan} THEN CAST('nan' AS DOUBLE) ELSE {plain} END", FLOAT64)
    return Expr(plain, convert(value, INT64).type if value.type == NULL else value.type)


@aggregate("ANY_VALUE")
def _any(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    value = _one(call, args)
    if argument.having is not None:
        from sluice.local.bigquery.sql.top_values import chosen  # noqa: PLC0415 - the two modules need each other

        by = call.binder.expr(argument.having.expression, call.scope.at("an argument of ANY_VALUE"))
        return chosen(value, by, greatest=bool(argument.having.args.get("max")))
    return Expr(f"any_value({value.sql}){_OVER}", value.type)


@aggregate("LOGICAL_AND", "LOGICAL_OR")
def _logical(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    value = convert(_one(call, args), BOOL)
    duck = "bool_and" if call.name == "LOGICAL_AND" else "bool_or"
    return Expr(f"{duck}({value.sql}){_OVER}", BOOL)


@aggregate("STDDEV", "STDDEV_SAMP", "STDDEV_POP", "VARIANCE", "VAR_SAMP", "VAR_POP")
def _spread(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    value = _one(call, args)
    if argument.distinct or value.type == NUMERIC:
        raise unsupported(f"{call.name} of DISTINCT or NUMERIC values")
    name = {"STDDEV": "stddev_samp", "VARIANCE": "var_samp"}.get(call.name, call.name.lower())
    return Expr(f"{name}({convert(value, FLOAT64).sql}){_OVER}", FLOAT64)


@aggregate("CORR")
def _correlation(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    if len(args) != 2:  # noqa: PLR2004 - pairs of values
        raise invalid_query(f"No matching signature for aggregate function CORR for {len(args)} arguments")
    if argument.distinct or call.over or any(arg.type == NUMERIC for arg in args):
        raise unsupported("CORR of DISTINCT or NUMERIC values or over a window")
    first, second = (convert(arg, FLOAT64).sql for arg in args)
    pairs = f"count(*) FILTER (WHERE {first} IS NOT NULL AND {second} IS NOT NULL)"
    return Expr(f"CASE WHEN {pairs} < 2 THEN NULL ELSE corr({first}, {second}) END", FLOAT64)


@aggregate("APPROX_QUANTILES")
def _quantiles(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    argument.plain_only(call)
    if len(args) != 2 or call.over:  # noqa: PLR2004 - a value and a number
        raise unsupported("This form of APPROX_QUANTILES")
    value, number = args
    count = literals.int_value(number, "A number of APPROX_QUANTILES")
    if count < 1:
        raise invalid_query("The second argument of APPROX_QUANTILES must be positive")
    groupable(value, "APPROX_QUANTILES")
    inner = f"DISTINCT {value.sql}" if argument.distinct else value.sql
    return Expr(
        f"bq_quantiles(list_sort(list({inner}) FILTER (WHERE {value.sql} IS NOT NULL)), {count})",
        array_of(value.type),
    )


def _ordered(call: Call, argument: Argument, value: Expr) -> str:
    if not argument.order:
        return ""
    inner = call.scope.at(f"an argument of {call.name}")
    terms = order_terms(call.binder, argument.order, inner)
    if argument.distinct and (len(argument.order) > 1 or value.sql not in terms or value.type == FLOAT64):
        raise unsupported(f"{call.name}(DISTINCT) ordered by anything but its argument")
    return f" ORDER BY {terms}"


@aggregate("ARRAY_AGG")
def _array_agg(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    value = _one(call, args)
    if call.over:
        raise unsupported("ARRAY_AGG over a window")
    if value.type.item is not None:
        raise invalid_query("The argument to ARRAY_AGG must not be an array type")
    if argument.distinct:
        groupable(value, "ARRAY_AGG(DISTINCT)")
    distinct = "DISTINCT " if argument.distinct else ""
    skip = f" FILTER (WHERE {value.sql} IS NOT NULL)" if argument.nulls == "IGNORE" else ""
    listed = f"list({distinct}{value.sql}{_ordered(call, argument, value)}){skip}"
    return Expr(_first(listed, argument), array_of(value.type))


def _first(listed: str, argument: Argument) -> str:
    return listed if argument.limit is None else f"list_slice({listed}, 1, {argument.limit})"


@aggregate("STRING_AGG")
def _string_agg(call: Call, argument: Argument, args: list[Expr]) -> Expr:
    if call.over or argument.nulls:
        raise unsupported("STRING_AGG over a window or with IGNORE NULLS")
    if not 1 <= len(args) <= 2:  # noqa: PLR2004 - a value and a delimiter
        raise invalid_query(
            f"No matching signature for aggregate function STRING_AGG for {len(args)} arguments"
        )
    value = convert(args[0], STRING)
    delimiter = literals.string_value(args[1], "A delimiter of STRING_AGG") if len(args) > 1 else ","
    distinct = "DISTINCT " if argument.distinct else ""
    listed = (
        f"list({distinct}{value.sql}{_ordered(call, argument, value)}) FILTER (WHERE {value.sql} IS NOT NULL)"
    )
    return Expr(f"array_to_string({_first(listed, argument)}, {literals.text(delimiter)})", STRING)
