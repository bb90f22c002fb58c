"""Dates, moments and intervals: what DuckDB counts, cuts off or takes for one in its own way."""

from typing import Final

from sqlglot import exp

from sluice.local.athena.casts import as_day
from sluice.local.athena.refusals import unsupported
from sluice.local.athena.typed import INTEGERS, MOMENTS, TEXTS, Type, kind, said

_DAYS: Final = {"day", "week", "month", "quarter", "year"}
_UNITS: Final = {"second", "minute", "hour", *_DAYS}
_FIXED: Final = {"millisecond", "second", "minute", "hour", "day", "week"}
"""Units that are always equally long: of the others DuckDB counts a month's last days in its own way."""

_CLOCK: Final = {"hour", "minute", "second"}
_PARTS: Final = {"year", "quarter", "month", "week", "day", *_CLOCK}


def elapsed(node: exp.DateDiff) -> exp.Expr:
    """date_diff: whole units that have passed, of moments cut off to milliseconds (DateDiff.java of Trino).

    DuckDB's own counts the boundaries between.
    """
    unit, kinds = _unit(node), {kind(node.this), kind(node.expression)}
    if unit not in _FIXED or not kinds <= MOMENTS or (kinds == {Type.DATE} and unit not in _DAYS):
        raise unsupported(f"`{said(node)}`", f"count in {', '.join(sorted(_FIXED))} between moments or dates")
    ends = [_cut(each) for each in (node.expression, node.this)]
    return exp.Anonymous(this="date_sub", expressions=[exp.Literal.string(unit), *ends])


def later(node: exp.DateAdd) -> exp.Expr:
    """date_add: as many units later."""
    unit = _unit(node)
    if not _suits(unit, node.this) or kind(node.expression) not in INTEGERS:
        raise unsupported(f"`{said(node)}`", f"add {', '.join(sorted(_UNITS))} to a moment")
    step = exp.Anonymous(
        this=f"to_{unit}s", expressions=[exp.cast(exp.Paren(this=node.expression.copy()), "integer")]
    )
    return _still_a_date(node.this, exp.Paren(this=exp.Add(this=node.this.copy(), expression=step)))


def truncated(node: exp.TimestampTrunc | exp.DateTrunc) -> exp.Expr:
    """date_trunc: a date stays one."""
    unit = _unit(node)
    if not _suits(unit, node.this):
        raise unsupported(f"`{said(node)}`", f"truncate a moment to {', '.join(sorted(_UNITS))}")
    put = exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(unit), node.this.copy()])
    return _still_a_date(node.this, put)


def shifted(node: exp.Add | exp.Sub) -> exp.Expr:
    """A sum or difference: with a moment in it, only a moment and an interval."""
    kinds = [kind(node.left), kind(node.right)]
    if not {*kinds} & MOMENTS:
        return node
    interval = node.right if kinds[0] in MOMENTS else node.left
    if kind(interval) is not Type.INTERVAL:
        raise unsupported(f"`{said(node)}`", "use date_add or date_diff")
    if Type.DATE not in kinds:
        return node
    units = {_unit(each) for each in interval.find_all(exp.Interval)}
    if not units <= _DAYS:
        raise unsupported(f"`{said(node)}`", "add days or longer to a date")
    put = exp.cast(exp.Paren(this=node.copy()), "date")
    put.type = exp.DataType.build("date")
    return put


def interval(node: exp.Interval) -> exp.Expr:
    """INTERVAL: a whole number of one unit."""
    text = node.this.name if isinstance(node.this, exp.Literal) and node.this.is_string else ""
    if not text.lstrip("+-").isdecimal() or _unit(node) not in _UNITS:
        raise unsupported(f"`{said(node)}`", "write INTERVAL '2' HOUR")
    return node


def extracted(node: exp.Extract) -> exp.Expr:
    """EXTRACT: a few parts that mean the same."""
    part = node.name.lower()
    if part not in _PARTS or not _has_clock_for(part, node.expression):
        raise unsupported(f"`{said(node)}`", f"extract {', '.join(sorted(_PARTS))} from a moment")
    put = exp.Anonymous(
        this="date_part", expressions=[exp.Literal.string(part), exp.Paren(this=node.expression.copy())]
    )
    put.type = exp.DataType.build("bigint")
    return put


def part(node: exp.Func) -> exp.Expr:
    """year(x), hour(x) and their like: of moments alone."""
    if not _has_clock_for(node.sql_name().lower(), node.this):
        raise unsupported(f"`{said(node)}`", "take the part of a moment")
    return node


def day(node: exp.Date) -> exp.Expr:
    """date(x): the day of a moment, in UTC."""
    if kind(node.this) not in {*MOMENTS, *TEXTS} or node.args.get("zone") or node.expressions:
        raise unsupported(f"`{said(node)}`")
    put = exp.cast(node.this.copy(), "date")
    return as_day(put) if kind(node.this) in TEXTS else put


def epoch(node: exp.TimeToUnix) -> exp.Expr:
    """to_unixtime: seconds with their fraction."""
    put = exp.Anonymous(this="epoch", expressions=[node.this.copy()])
    put.type = exp.DataType.build("double")
    return put


def zoned(node: exp.AtTimeZone) -> exp.Expr:
    """AT TIME ZONE: in UTC everything is already."""
    if node.args["zone"].name.upper() != "UTC" or kind(node.this) not in MOMENTS - {Type.DATE}:
        raise unsupported(f"`{said(node)}`", "of moments, and no zone other than UTC")
    put = exp.Cast(this=node.this.copy(), to=exp.DataType.build("timestamptz"))
    put.type = put.to
    return put


def _suits(unit: str, moment: exp.Expr) -> bool:
    """Whether a moment has such units: a date has no hours."""
    return kind(moment) in MOMENTS and unit in (_DAYS if kind(moment) is Type.DATE else _UNITS)


def _has_clock_for(part_of: str, moment: exp.Expr) -> bool:
    return kind(moment) in MOMENTS and not (part_of in _CLOCK and kind(moment) is Type.DATE)


def _still_a_date(moment: exp.Expr, put: exp.Expr) -> exp.Expr:
    found = exp.cast(put, "date") if kind(moment) is Type.DATE else put
    found.type = moment.type
    return found


def _cut(moment: exp.Expr) -> exp.Expr:
    """Leave microseconds off."""
    if kind(moment) is Type.DATE:
        return moment.copy()
    return exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string("millisecond"), moment.copy()])


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.name.lower() if unit is not None else "day"
