"""Athena's SQL as DuckDB's: what means the same stays, what differs is rewritten, all else is refused.

A list of what is known to be right, not of what is known to be wrong: a wrong answer is worse than none.
Trino's meanings are those of trino.io/docs/current (functions, language/types; read 2026-11).
"""

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp
from sqlglot.errors import ErrorLevel, UnsupportedError

from sluice.local.athena import casts, moments, rewritten, texts
from sluice.local.athena.refusals import unsupported

JSON_COLUMN: Final = "json"
"""Meta data of a projection that `CAST(... AS JSON)` stood around: the answer writes it as JSON."""

_SAME: Final[frozenset[type[exp.Expr]]] = frozenset(
    {
        # the frame of a query
        *(exp.Select, exp.From, exp.Join, exp.Where, exp.Having, exp.Order, exp.Ordered),
        *(exp.Limit, exp.Offset, exp.With, exp.CTE, exp.Subquery, exp.Union, exp.Intersect, exp.Except),
        *(exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Star, exp.Paren, exp.Values),
        *(exp.Tuple, exp.Distinct, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Exists, exp.Fetch),
        exp.LimitOptions,
        # values and conditions
        *(exp.Null, exp.Boolean, exp.And, exp.Or, exp.Not, exp.Is, exp.Like, exp.Escape),
        *(exp.Mul, exp.Neg, exp.Mod, exp.Var, exp.Dot),
        *(exp.DataType, exp.DataTypeParam, exp.CurrentDate, exp.CurrentTimestamp, exp.Array, exp.Lambda),
        # aggregates and windows
        *(exp.Count, exp.Min, exp.Max, exp.ArrayAgg, exp.LogicalAnd, exp.LogicalOr),
        *(exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop),
        *(exp.AnyValue, exp.Filter, exp.Window, exp.WindowSpec, exp.RowNumber, exp.Rank, exp.DenseRank),
        *(exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue),
        # functions
        *(exp.Lower, exp.Upper, exp.Length, exp.StartsWith),
        *(exp.Abs, exp.Sqrt, exp.Ln, exp.Exp, exp.Pow),
        *(exp.ArraySize, exp.RegexpLike, exp.Transform, exp.ArrayFilter),
    }
)
"""What DuckDB means as Trino does, as sqlglot writes it."""

_REWRITTEN: Final[Mapping[type[exp.Expr], Callable[..., exp.Expr]]] = {
    exp.Div: rewritten.division,
    exp.Sum: rewritten.total,
    exp.CountIf: rewritten.counted,
    exp.Avg: rewritten.average,
    exp.Cast: casts.cast,
    exp.TryCast: casts.cast,
    exp.DateDiff: moments.elapsed,
    exp.DateAdd: moments.later,
    exp.TimestampTrunc: moments.truncated,
    exp.DateTrunc: moments.truncated,
    exp.Extract: moments.extracted,
    exp.Date: moments.day,
    exp.TimeToUnix: moments.epoch,
    exp.AtTimeZone: moments.zoned,
    exp.Bracket: rewritten.element,
    exp.ArrayContains: rewritten.contained,
    exp.ArgMax: rewritten.extreme,
    exp.ArgMin: rewritten.extreme,
    exp.JSONExtractScalar: texts.json_scalar,
    exp.RegexpExtract: texts.matched,
    exp.Substring: texts.part,
    exp.SplitPart: texts.piece,
    exp.Unnest: rewritten.unnested,
    exp.Split: texts.pieces,
    exp.StrPosition: texts.found,
    exp.Replace: texts.replaced,
    exp.Round: rewritten.rounded,
    **dict.fromkeys((exp.Ceil, exp.Floor), rewritten.edged),
    exp.Literal: rewritten.number,
    exp.Group: rewritten.grouped,
    exp.ApproxDistinct: rewritten.distinct,
    exp.Interval: moments.interval,
    **dict.fromkeys((exp.Add, exp.Sub), moments.shifted),
    **dict.fromkeys((exp.DPipe, exp.Concat), texts.joined),
    **dict.fromkeys((exp.In, exp.Between), rewritten.among),
    **dict.fromkeys((exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.Case, exp.If), rewritten.chosen),
    **dict.fromkeys(
        (exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Quarter, exp.DayOfWeekIso),
        moments.part,
    ),
    **dict.fromkeys((exp.DayOfYear, exp.WeekOfYear), moments.part),
    **dict.fromkeys(
        (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ),
        rewritten.compared,
    ),
}

_BY_NAME: Final = {"every": exp.LogicalAnd}


def translate(query: exp.Query) -> tuple[str, list[bool]]:
    """Return DuckDB's SQL for a resolved query, and which of its columns are to be written as JSON.

    Raises:
        QueryRefused: it has something that is not known to mean the same.
    """
    as_json = [_is_json(column) for column in query.selects]
    for column in query.selects:
        if _is_json(column):
            column.unalias().replace(column.unalias().this)
    try:
        return _checked(query).sql(dialect="duckdb", unsupported_level=ErrorLevel.RAISE), as_json
    except UnsupportedError as error:
        raise unsupported(" ".join(str(error).split())) from None


def _is_json(column: exp.Expr) -> bool:
    inner = column.unalias()
    return isinstance(inner, exp.Cast) and inner.to.is_type(exp.DataType.Type.JSON)


def _checked(query: exp.Expr) -> exp.Expr:
    """Check every node, and rewrite from the inside out."""
    for node in reversed(list(query.walk(bfs=True))):
        if isinstance(node, exp.Anonymous) and node.name.lower() in _BY_NAME:
            node.replace(_BY_NAME[node.name.lower()](this=node.expressions[0]))
            continue
        rewrite = _REWRITTEN.get(type(node))
        if rewrite is not None:
            put = rewrite(node)
            if put is not node:
                put.type = put.type or node.type
                node.replace(put)
        elif type(node) not in _SAME and not isinstance(node, exp.JSONPath | exp.JSONPathPart):
            raise unsupported(_words(node))
        _options(node)
    for node in [each for each in query.walk() if each.meta.get(rewritten.WHOLE)]:
        node.replace(exp.cast(node.copy(), "bigint"))
    return query


def _options(node: exp.Expr) -> None:
    """Refuse what stands beside a known word and changes it."""
    if isinstance(node, exp.With) and node.args.get("recursive"):
        raise unsupported("WITH RECURSIVE")
    if (
        isinstance(node, exp.Fetch)
        and node.args.get("limit_options")
        and node.sql().upper().endswith("WITH TIES")
    ):
        raise unsupported("FETCH ... WITH TIES")


def _words(node: exp.Expr) -> str:
    """Name what is refused as Athena writes it: sqlglot knows `date_format` by another name."""
    text = node.sql("athena")
    called = node.name if isinstance(node, exp.Anonymous) else text.partition("(")[0]
    return f"{called.lower()}()" if isinstance(node, exp.Func) and called.isidentifier() else f"`{text[:60]}`"
