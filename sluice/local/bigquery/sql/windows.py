"""Window functions and the OVER clause."""

from typing import Any, Final

from sqlglot import exp

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import FUNCTIONS, Binder, Call, binds
from sluice.local.bigquery.sql.coercion import comparable, convert, unify
from sluice.local.bigquery.sql.expr import Expr, Scope
from sluice.local.bigquery.sql.ordering import order_terms
from sluice.local.bigquery.sql.parse import only
from sluice.local.bigquery.types import BIGNUMERIC, FLOAT64, INT64, NUMERIC, Type

_NUMBERING: Final[dict[str, Type]] = {
    "ROW_NUMBER": INT64, "RANK": INT64, "DENSE_RANK": INT64, "PERCENT_RANK": FLOAT64, "CUME_DIST": FLOAT64,
}  # fmt: skip
_NEED_ORDER: Final = frozenset({"RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST", "NTILE", "LAG", "LEAD"})
_NAVIGATION: Final = frozenset({"FIRST_VALUE", "LAST_VALUE", "NTH_VALUE", "LAG", "LEAD"})
_AGGREGATES: Final = frozenset({
    "COUNT", "COUNTIF", "SUM", "AVG", "MIN", "MAX", "LOGICAL_AND", "LOGICAL_OR", "STDDEV", "STDDEV_SAMP",
    "STDDEV_POP", "VARIANCE", "VAR_SAMP", "VAR_POP", "ANY_VALUE",
})  # fmt: skip


@binds(exp.Window)
def _window(binder: Binder, node: exp.Window, scope: Scope) -> Expr:
    only(node, "this", "partition_by", "order", "spec", "alias", "over")
    if not scope.allow_window:
        raise invalid_query(f"Analytic function not allowed in {scope.clause}")
    called = node.this
    if not isinstance(called, exp.Anonymous):
        raise unsupported(f"{type(called).__name__} over a window")
    inner = scope.at(scope.clause, aggregate=scope.allow_aggregate)
    over, ordered, framed = _over(binder, node, inner)
    call = Call(binder, str(called.this).upper(), called.expressions, inner, over=over)
    _check(call.name, ordered=ordered, framed=framed)
    if call.name in _AGGREGATES:
        # The aggregate itself looks through the window; its arguments may aggregate, but not look again.
        names = scope.at(scope.clause, aggregate=scope.allow_aggregate, window=True)
        return FUNCTIONS[call.name](Call(binder, call.name, called.expressions, names, over=over))
    return _numbered(call, ordered=ordered)


def _check(name: str, *, ordered: bool, framed: bool) -> None:
    if name in _NEED_ORDER and not ordered:
        raise invalid_query(f"Window ORDER BY is required for analytic function {name}")
    if framed and (name in _NUMBERING or name in {"NTILE", "LAG", "LEAD"}):
        raise invalid_query(f"Window framing clause is not allowed for analytic function {name}")


def _numbered(call: Call, *, ordered: bool) -> Expr:
    if call.name in _NUMBERING:
        call.count(0)
        return Expr(f"{call.name.lower()}() OVER {call.over}", _NUMBERING[call.name], window=True)
    if call.name == "NTILE":
        call.count(1)
        return Expr(f"ntile({convert(call.arg(0), INT64).sql}) OVER {call.over}", INT64, window=True)
    if call.name in _NAVIGATION:
        return _navigation(call)
    if call.name in {"PERCENTILE_CONT", "PERCENTILE_DISC"}:
        return _percentile(call, ordered=ordered)
    raise unsupported(f"Function {call.name} over a window")


def _over(binder: Binder, node: exp.Window, scope: Scope) -> tuple[str, bool, bool]:
    """Return the window's SQL, whether it is ordered and whether it has a frame."""
    partition, order, spec = node.args.get("partition_by"), node.args.get("order"), node.args.get("spec")
    name = node.args.get("alias")
    seen: set[str] = set()
    while name is not None:
        base = scope.windows.get(name.name.lower())
        if base is None or name.name.lower() in seen:
            raise invalid_query(f"Unrecognized window alias {name.name}")
        seen.add(name.name.lower())
        partition = partition or base.args.get("partition_by")
        order = order or base.args.get("order")
        spec = spec or base.args.get("spec")
        name = base.args.get("alias")
    parts: list[str] = []
    if partition:
        keys = [binder.expr(each, scope) for each in partition]
        for key in keys:
            comparable(key, "PARTITION BY")
            if key.type == FLOAT64:
                raise invalid_query("Partitioning by expressions of type FLOAT64 is not allowed")
        parts.append("PARTITION BY " + ", ".join(key.sql for key in keys))
    if order:
        parts.append("ORDER BY " + order_terms(binder, order.expressions, scope))
    if spec:
        types = [binder.expr(each.this, scope).type for each in order.expressions] if order else []
        parts.append(_frame(spec, ranged=len(types) == 1 and types[0] in (INT64, NUMERIC)))
    return f"({' '.join(parts)})", bool(order), bool(spec)


def _frame(spec: exp.WindowSpec, *, ranged: bool) -> str:
    only(spec, "kind", "start", "start_side", "end", "end_side")
    kind = str(spec.args["kind"]).upper()
    counted = kind == "ROWS" or (kind == "RANGE" and ranged)
    start = _bound(kind, spec.args.get("start"), spec.args.get("start_side"), counted=counted)
    if spec.args.get("end") is None:
        return f"{kind} {start}"
    end = _bound(kind, spec.args.get("end"), spec.args.get("end_side"), counted=counted)
    return f"{kind} BETWEEN {start} AND {end}"


def _bound(kind: str, bound: Any, side: str | None, *, counted: bool) -> str:
    words = f"{bound if isinstance(bound, str) else ''} {side or ''}".strip().upper()
    if words in {"CURRENT ROW", "UNBOUNDED PRECEDING", "UNBOUNDED FOLLOWING"}:
        return words
    if counted and isinstance(bound, exp.Literal) and bound.this.isdigit():
        return f"{bound.this} {str(side).upper()}"
    if kind == "RANGE" and not counted:
        raise unsupported("A RANGE frame by a distance that is not ordered by one INT64 or NUMERIC")
    raise unsupported(f"A {kind} frame by anything but a whole number")


def _navigation(call: Call) -> Expr:
    nodes = list(call.nodes)
    nulls = ""
    if nodes and isinstance(nodes[-1], exp.IgnoreNulls | exp.RespectNulls):
        if call.name in {"LAG", "LEAD"}:
            raise unsupported(f"IGNORE NULLS in {call.name}")
        nulls = " IGNORE NULLS" if isinstance(nodes[-1], exp.IgnoreNulls) else ""
        nodes[-1] = nodes[-1].this
    plain = Call(call.binder, call.name, nodes, call.scope)
    plain.count({"NTH_VALUE": 2}.get(call.name, 1), {"LAG": 3, "LEAD": 3, "NTH_VALUE": 2}.get(call.name, 1))
    args = plain.args()
    value = args[0]
    listed = [value.sql]
    if call.name == "NTH_VALUE" or len(args) > 1:
        distance = literals.int_value(args[1], f"The second argument of {call.name}")
        if distance < (1 if call.name == "NTH_VALUE" else 0):
            raise invalid_query(f"The second argument of {call.name} must not be negative")
        listed.append(str(distance))
    if len(args) > 2:  # noqa: PLR2004 - a default may be given
        value, default = unify([args[0], args[2]], f"function {call.name}")
        listed = [value.sql, listed[1], default.sql]
    return Expr(f"{call.name.lower()}({', '.join(listed)}{nulls}) OVER {call.over}", value.type, window=True)


def _percentile(call: Call, *, ordered: bool) -> Expr:
    call.count(2)
    if ordered:
        raise invalid_query(f"Window ORDER BY is not allowed for analytic function {call.name}")
    value, fraction = call.args()
    if not fraction.literal or not isinstance(fraction.value, int | float) or not 0 <= fraction.value <= 1:
        raise unsupported(f"{call.name} with a fraction that is not a literal between 0 and 1")
    if call.name == "PERCENTILE_CONT":
        return Expr(
            f"quantile_cont({convert(value, FLOAT64).sql}, {fraction.value}) OVER {call.over}",
            FLOAT64,
            window=True,
        )
    comparable(value, call.name)
    if value.type == BIGNUMERIC:
        raise unsupported(f"{call.name} of a BIGNUMERIC")
    return Expr(f"quantile_disc({value.sql}, {fraction.value}) OVER {call.over}", value.type, window=True)
