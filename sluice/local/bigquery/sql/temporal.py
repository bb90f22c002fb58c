"""Dates and times: parts, arithmetic, truncation, differences, conversions."""

import datetime as dt
import re
import zoneinfo
from typing import Final

from sqlglot import exp

from sluice.local.bigquery.errors import ApiError, invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Binder, Call, binds, function
from sluice.local.bigquery.sql.coercion import convert, mismatch, try_convert
from sluice.local.bigquery.sql.expr import Expr, Scope, computed
from sluice.local.bigquery.types import DATE, DATETIME, INT64, TIME, TIMESTAMP, Type

BY_NAME: Final = {"DATE": DATE, "DATETIME": DATETIME, "TIME": TIME, "TIMESTAMP": TIMESTAMP}
_DAY_US: Final = 86_400_000_000
MICROS: Final = {
    "MICROSECOND": 1, "MILLISECOND": 1000, "SECOND": 1_000_000, "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000, "DAY": _DAY_US,
}  # fmt: skip
_DATE_PARTS: Final = ("DAY", "WEEK", "ISOWEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR")
_CLOCK: Final = ("MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR")
# Days from a weekday before 1970-01-01 (a Thursday) to it.
_SHIFTS: Final = {
    "SUNDAY": 4, "MONDAY": 3, "TUESDAY": 2, "WEDNESDAY": 1, "THURSDAY": 0, "FRIDAY": 6, "SATURDAY": 5,
}  # fmt: skip
_EXTRACT: Final = {
    "MICROSECOND": "(microsecond({0}) % 1000000)", "MILLISECOND": "(millisecond({0}) % 1000)",
    "SECOND": "second({0})", "MINUTE": "minute({0})", "HOUR": "hour({0})", "DAY": "day({0})",
    "DAYOFWEEK": "(dayofweek({0}) + 1)", "DAYOFYEAR": "dayofyear({0})", "ISOWEEK": "week({0})",
    "MONTH": "month({0})", "QUARTER": "quarter({0})", "YEAR": "year({0})", "ISOYEAR": "isoyear({0})",
    "WEEK": "strftime({0}, '%U')",
}  # fmt: skip
_OFFSET: Final = re.compile(r"[+-]\d{1,2}(:\d{2})?", re.ASCII)


def part_of(node: exp.Expr) -> str:
    """Return a date part's name, `WEEK(MONDAY)` included."""
    if isinstance(node, exp.Anonymous) and len(node.expressions) == 1:
        return f"{str(node.this).upper()}({node.expressions[0].name.upper()})"
    return (
        node.name.upper() if isinstance(node, exp.Column | exp.Var | exp.Identifier) else node.sql().upper()
    )


def week_shift(part: str) -> int | None:
    """Return how a kind of week is counted, None for what is no week."""
    if part == "WEEK":
        return _SHIFTS["SUNDAY"]
    if part == "ISOWEEK":
        return _SHIFTS["MONDAY"]
    if part.startswith("WEEK(") and part[5:-1] in _SHIFTS:
        return _SHIFTS[part[5:-1]]
    return None


def bad_part(part: str, what: str) -> ApiError:
    """Refuse a date part."""
    return invalid_query(f"{what} does not support the {part} date part")


def zone_name(expr: Expr) -> str:
    """Return a time zone that this server knows, `UTC` for no shift at all."""
    name = literals.string_value(expr, "A time zone")
    if name.upper() in {"UTC", "Z", "+00", "+00:00", "+0"}:
        return "UTC"
    if _OFFSET.fullmatch(name):
        raise unsupported(f"A time zone by offset ({name})")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid_query(f"Invalid time zone: {name}") from None
    return name


def to_local(sql: str, zone: str) -> str:
    """Return a TIMESTAMP's wall clock in a zone."""
    return sql if zone == "UTC" else f"timezone({literals.text(zone)}, timezone('UTC', {sql}))"


def from_local(sql: str, zone: str) -> str:
    """Return the TIMESTAMP at which a zone's clocks show this."""
    return sql if zone == "UTC" else f"timezone('UTC', timezone({literals.text(zone)}, {sql}))"


@function("CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME")
def _current(call: Call) -> Expr:
    call.count(0, 0 if call.name == "CURRENT_TIMESTAMP" else 1)
    moment = call.binder.now
    if call.nodes:
        zone = zone_name(call.arg(0))
        moment = moment.astimezone(dt.UTC if zone == "UTC" else zoneinfo.ZoneInfo(zone))
    local = moment.replace(tzinfo=None)
    kind = BY_NAME[call.name.removeprefix("CURRENT_")]
    value = {"DATE": local.date(), "TIME": local.time()}.get(kind.kind, local)
    return Expr(literals.constant(value, kind).sql, kind, plain=True)


@binds(exp.Extract)
def _extract(binder: Binder, node: exp.Extract, scope: Scope) -> Expr:
    part = part_of(node.this)
    source = node.expression
    zone = "UTC"
    if isinstance(source, exp.AtTimeZone):
        zone = zone_name(binder.expr(source.args["zone"], scope))
        source = source.this
    value = binder.expr(source, scope)
    if value.type.kind not in BY_NAME or (zone != "UTC" and value.type != TIMESTAMP):
        raise mismatch("function EXTRACT", value)
    local = to_local(value.sql, zone)
    if part in {"DATE", "TIME"} and value.type in (DATETIME, TIMESTAMP):
        return computed(f"CAST({local} AS {part})", BY_NAME[part], value, plain=True)
    if part == "DATETIME" and value.type == TIMESTAMP:
        return computed(local, DATETIME, value, plain=True)
    if (value.type == DATE and part in _CLOCK) or (value.type == TIME and part not in _CLOCK):
        raise bad_part(part, f"EXTRACT from {value.type}")
    shift = week_shift(part)
    if part.startswith("WEEK(") and shift is not None:
        into_week = f"(bq_days({local}) - bq_days(bq_week_start({local}, {shift})))"
        sql = f"((dayofyear({local}) + 6 - {into_week}) // 7)"
    elif part in _EXTRACT:
        sql = _EXTRACT[part].format(local)
    else:
        raise bad_part(part, "EXTRACT")
    return computed(f"CAST({sql} AS BIGINT)", INT64, value, plain=True)


def _interval(binder: Binder, node: exp.Expr, scope: Scope) -> tuple[Expr, str]:
    if not isinstance(node, exp.Interval) or node.args.get("unit") is None:
        raise unsupported("An INTERVAL that is not INTERVAL number part")
    amount = node.this
    if isinstance(amount, exp.Literal):
        try:
            count = literals.constant(int(amount.this), INT64)
        except ValueError:
            raise unsupported(f"INTERVAL {amount.sql()}") from None
    else:
        count = convert(binder.expr(amount, scope), INT64)
    return count, part_of(node.args["unit"])


def shift(
    binder: Binder, moment: Expr, node: exp.Expr, scope: Scope, *, sign: str, what: str = "An INTERVAL"
) -> Expr:
    """Add an INTERVAL to a moment, or subtract it."""
    count, part = _interval(binder, node, scope)
    kind = moment.type.kind
    signed = f"(- {count.sql})" if sign == "-" else count.sql
    if kind == "TIME" or kind not in BY_NAME:
        raise unsupported(f"{what} with {moment.type}")
    if kind == "DATE" and part not in _DATE_PARTS:
        raise (
            bad_part(part, what) if what.startswith("DATE_") else unsupported(f"{what} of {part} with a DATE")
        )
    if kind == "TIMESTAMP" and part not in MICROS:
        raise bad_part(part, what)
    if part in MICROS:
        if kind == "DATE":
            return computed(f"({moment.sql} + CAST({signed} AS INTEGER))", DATE, moment, count)
        return computed(
            f"({moment.sql} + to_microseconds({signed} * {MICROS[part]}))", moment.type, moment, count
        )
    if part == "WEEK":
        moved = f"{moment.sql} + to_days(CAST({signed} * 7 AS INTEGER))"
    elif part in {"MONTH", "QUARTER", "YEAR"}:
        months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[part]
        moved = f"{moment.sql} + to_months(CAST({signed} * {months} AS INTEGER))"
    else:
        raise bad_part(part, what)
    return computed(f"CAST(({moved}) AS {moment.type.duck})", moment.type, moment, count)


@function(*(f"{kind}_{verb}" for kind in ("DATE", "DATETIME", "TIMESTAMP") for verb in ("ADD", "SUB")))
def _add(call: Call) -> Expr:
    call.count(2)
    kind, verb = call.name.split("_")
    if call.safe:
        raise unsupported(f"Function SAFE.{call.name}")
    moment = convert(call.arg(0), BY_NAME[kind])
    return shift(
        call.binder, moment, call.nodes[1], call.scope, sign="+" if verb == "ADD" else "-", what=call.name
    )


@function("DATE_DIFF", "DATETIME_DIFF", "TIMESTAMP_DIFF", "TIME_DIFF")
def _diff(call: Call) -> Expr:
    call.count(3)
    kind = BY_NAME[call.name.removesuffix("_DIFF")]
    first, second = call.arg(0), call.arg(1)
    part = part_of(call.nodes[2])
    if call.name in {"DATE_DIFF", "TIMESTAMP_DIFF"} and try_convert(first, kind) is None:
        kind = first.type  # either name takes any of the three types
    left, right = convert(first, kind), convert(second, kind)
    if kind in (TIMESTAMP, TIME):
        if part not in MICROS or (kind == TIME and part == "DAY"):
            raise bad_part(part, call.name)
        # Whole units that have passed, the rest cut off.
        return computed(
            f"((epoch_us({left.sql}) - epoch_us({right.sql})) // {MICROS[part]})", INT64, left, right
        )
    week = week_shift(part)
    if week is not None:
        return computed(
            f"(bq_week({left.sql}, {week}) - bq_week({right.sql}, {week}))", INT64, left, right, plain=True
        )
    if part == "ISOYEAR":
        return computed(f"(isoyear({left.sql}) - isoyear({right.sql}))", INT64, left, right, plain=True)
    if part not in (*_DATE_PARTS, *(_CLOCK if kind == DATETIME else ())):
        raise bad_part(part, call.name)
    # Boundaries that lie between the two.
    return computed(f"date_diff('{part.lower()}', {right.sql}, {left.sql})", INT64, left, right, plain=True)


@function("DATE_TRUNC", "DATETIME_TRUNC", "TIMESTAMP_TRUNC")
def _trunc(call: Call) -> Expr:
    call.count(2, 3)
    value = call.arg(0)
    kind = BY_NAME[call.name.removesuffix("_TRUNC")]
    converted = try_convert(value, kind)
    if converted is None and value.type not in (DATE, DATETIME, TIMESTAMP):
        raise mismatch(f"function {call.name}", value)
    moment = converted or value
    part = part_of(call.nodes[1])
    zone = zone_name(call.arg(2)) if len(call.nodes) == 3 else "UTC"  # noqa: PLR2004 - the zone may be left out
    if len(call.nodes) == 3 and moment.type != TIMESTAMP:  # noqa: PLR2004 - as above
        raise mismatch(f"function {call.name}", value)
    if moment.type == DATE and part in _CLOCK:
        raise bad_part(part, call.name)
    if zone != "UTC" and part in _CLOCK:
        raise unsupported(f"{call.name} to {part} in a time zone")
    local = to_local(moment.sql, zone)
    return computed(
        from_local(_truncated(local, part, moment.type, call.name), zone), moment.type, moment, plain=True
    )


def _truncated(local: str, part: str, type_: Type, what: str) -> str:
    week = week_shift(part)
    if week is not None:
        return f"CAST(bq_week_start({local}, {week}) AS {type_.duck})"
    if part == "ISOYEAR":
        return f"CAST(bq_week_start(make_date(isoyear({local}), 1, 4), 3) AS {type_.duck})"
    if part not in (*_CLOCK, *_DATE_PARTS):
        raise bad_part(part, what)
    return f"CAST(date_trunc('{part.lower()}', {local}) AS {type_.duck})"


@function("LAST_DAY")
def _last_day(call: Call) -> Expr:
    call.count(1, 2)
    value = call.arg(0)
    if value.type not in (DATE, DATETIME):
        raise mismatch("function LAST_DAY", value)
    part = part_of(call.nodes[1]) if len(call.nodes) > 1 else "MONTH"
    if part == "MONTH":
        return computed(f"last_day({value.sql})", DATE, value, plain=True)
    week = week_shift(part)
    if week is not None:
        return computed(f"(bq_week_start({value.sql}, {week}) + 6)", DATE, value, plain=True)
    if part in {"QUARTER", "YEAR"}:
        months = 3 if part == "QUARTER" else 12
        start = f"date_trunc('{part.lower()}', {value.sql})"
        return computed(f"CAST({start} + to_months({months}) - to_days(1) AS DATE)", DATE, value, plain=True)
    raise bad_part(part, "LAST_DAY")


@function("UNIX_SECONDS", "UNIX_MILLIS", "UNIX_MICROS", "UNIX_DATE")
def _unix(call: Call) -> Expr:
    call.count(1)
    if call.name == "UNIX_DATE":
        day = convert(call.arg(0), DATE)
        return computed(f"bq_days({day.sql})", INT64, day, plain=True)
    moment = convert(call.arg(0), TIMESTAMP)
    unit = {"UNIX_SECONDS": 1_000_000, "UNIX_MILLIS": 1000, "UNIX_MICROS": 1}[call.name]
    # Rounded towards the past, as BigQuery truncates to the unit below.
    floor = f"CASE WHEN epoch_us({moment.sql}) % {unit} < 0 THEN 1 ELSE 0 END"
    return computed(f"(epoch_us({moment.sql}) // {unit} - {floor})", INT64, moment, plain=True)


@function("TIMESTAMP_SECONDS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "DATE_FROM_UNIX_DATE")
def _from_unix(call: Call) -> Expr:
    call.count(1)
    count = convert(call.arg(0), INT64)
    if call.name == "DATE_FROM_UNIX_DATE":
        return computed(f"(DATE '1970-01-01' + CAST({count.sql} AS INTEGER))", DATE, count)
    unit = {"TIMESTAMP_SECONDS": 1_000_000, "TIMESTAMP_MILLIS": 1000, "TIMESTAMP_MICROS": 1}[call.name]
    return computed(f"make_timestamp({count.sql} * {unit})", TIMESTAMP, count)
