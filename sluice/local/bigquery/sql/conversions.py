"""DATE(), TIME(), DATETIME(), TIMESTAMP() and STRING(), and formatting and parsing of times."""

import re
from typing import Final

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Call, function
from sluice.local.bigquery.sql.casts import cast
from sluice.local.bigquery.sql.coercion import convert, mismatch
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.sql.temporal import BY_NAME, from_local, to_local, zone_name
from sluice.local.bigquery.types import DATE, DATETIME, INT64, STRING, TIME, TIMESTAMP

# Format elements: those that mean the same to DuckDB, and those that it can spell otherwise.
_SAME: Final = frozenset("YmdHMSyjBbaAIpUWGVu%w")
_SPELLED: Final = {
    "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "h": "%b", "n": "\n", "t": "\t",
}  # fmt: skip
_COMPUTED: Final = {
    "e": "lpad(CAST(day({0}) AS VARCHAR), 2, ' ')",
    "s": "CAST(epoch_us({0}) // 1000000 AS VARCHAR)",
    "Q": "CAST(quarter({0}) AS VARCHAR)",
    "E*S": (
        "(strftime({0}, '%S') || CASE WHEN microsecond({0}) % 1000000 = 0 THEN '' "
        "ELSE '.' || rtrim(strftime({0}, '%f'), '0') END)"
    ),
}
_PARSED: Final = frozenset("YmdHMSF T%-/:.,_")


def _zone(call: Call, index: int) -> str:
    return zone_name(call.arg(index)) if len(call.nodes) > index else "UTC"


@function("DATE")
def _date(call: Call) -> Expr:
    call.count(1, 3)
    value = call.arg(0)
    if len(call.nodes) == 3:  # noqa: PLR2004 - hour, minute, second
        parts = [convert(arg, INT64) for arg in call.args()]
        return computed(f"make_date({', '.join(part.sql for part in parts)})", DATE, *parts)
    zone = _zone(call, 1)
    if value.type == TIMESTAMP:
        return computed(f"CAST({to_local(value.sql, zone)} AS DATE)", DATE, value, plain=True)
    if len(call.nodes) == 1 and value.type in (DATETIME, DATE, STRING):
        return cast(value, DATE, safe=call.safe)
    raise mismatch("function DATE", *call.args())


@function("DATETIME")
def _datetime(call: Call) -> Expr:
    call.count(1, 6)
    args = call.args()
    if len(args) == 6:  # noqa: PLR2004 - year to second
        parts = [convert(arg, INT64) for arg in args]
        return computed(f"make_timestamp({', '.join(part.sql for part in parts)})", DATETIME, *parts)
    value = args[0]
    if value.type == TIMESTAMP and len(args) <= 2:  # noqa: PLR2004 - a zone may follow
        return computed(to_local(value.sql, _zone(call, 1)), DATETIME, value, plain=True)
    if value.type == DATE and len(args) == 2 and args[1].type == TIME:  # noqa: PLR2004 - a date and a time
        return computed(f"({value.sql} + {args[1].sql})", DATETIME, *args, plain=True)
    if len(args) == 1 and value.type in (DATE, DATETIME, STRING):
        return cast(value, DATETIME, safe=call.safe)
    raise mismatch("function DATETIME", *args)


@function("TIMESTAMP")
def _timestamp(call: Call) -> Expr:
    call.count(1, 2)
    value = call.arg(0)
    zone = _zone(call, 1)
    if value.type == TIMESTAMP and len(call.nodes) == 1:
        return value
    if value.type in (DATE, DATETIME):
        return computed(from_local(f"CAST({value.sql} AS TIMESTAMP)", zone), TIMESTAMP, value, plain=True)
    if value.type == STRING and zone == "UTC":
        return cast(value, TIMESTAMP, safe=call.safe)
    raise (
        mismatch("function TIMESTAMP", *call.args())
        if zone == "UTC"
        else unsupported("TIMESTAMP(text, zone)")
    )


@function("TIME")
def _time(call: Call) -> Expr:
    call.count(1, 3)
    value = call.arg(0)
    if len(call.nodes) == 3:  # noqa: PLR2004 - hour, minute, second
        parts = [convert(arg, INT64) for arg in call.args()]
        return computed(f"make_time({', '.join(part.sql for part in parts)})", TIME, *parts)
    if value.type == TIMESTAMP:
        return computed(f"CAST({to_local(value.sql, _zone(call, 1))} AS TIME)", TIME, value, plain=True)
    if value.type in (DATETIME, STRING) and len(call.nodes) == 1:
        return cast(value, TIME, safe=call.safe)
    raise mismatch("function TIME", *call.args())


@function("STRING")
def _string(call: Call) -> Expr:
    call.count(1, 2)
    value = call.arg(0)
    if value.type.kind == "JSON":
        from sluice.local.bigquery.sql.json_functions import from_json  # noqa: PLC0415 - the two modules need each other

        return from_json(call, value, STRING)
    if value.type.kind not in BY_NAME or (len(call.nodes) > 1 and _zone(call, 1) != "UTC"):
        raise unsupported("This form of STRING()")
    return cast(value, STRING, safe=False)


def _pieces(pattern: str) -> list[tuple[bool, str]]:
    """Split a format into elements (True, without the percent sign) and plain text."""
    out: list[tuple[bool, str]] = []
    position = 0
    while position < len(pattern):
        if pattern[position] != "%":
            out.append((False, pattern[position]))
            position += 1
            continue
        rest = pattern[position + 1 :]
        size = 3 if rest[:1] == "E" and rest[2:3] == "S" else 1
        if not rest:
            raise unsupported("A format that ends in %")
        out.append((True, rest[:size]))
        position += 1 + size
    return out


@function("FORMAT_TIMESTAMP", "FORMAT_DATE", "FORMAT_DATETIME", "FORMAT_TIME")
def _format(call: Call) -> Expr:
    call.count(2, 3 if call.name == "FORMAT_TIMESTAMP" else 2)
    kind = BY_NAME[call.name.removeprefix("FORMAT_")]
    pattern = literals.string_value(call.arg(0), f"A format of {call.name}")
    value = convert(call.arg(1), kind)
    local = to_local(value.sql, _zone(call, 2))
    if kind == TIME:
        local = f"(DATE '2000-01-01' + {local})"
    parts: list[str] = []
    for element, piece in _pieces(pattern):
        parts.append(_formatted(local, piece, call.name, kind.kind) if element else literals.text(piece))
    joined = " || ".join(parts) or "''"
    return computed(f"CASE WHEN {value.sql} IS NULL THEN NULL ELSE {joined} END", STRING, value, plain=True)


def _formatted(local: str, element: str, what: str, kind: str) -> str:
    clock = element in {*"HMSTRIp", "E*S"} or element[1:2].isdigit()
    if (kind == "DATE" and clock) or (kind == "TIME" and not clock and element != "%"):
        raise unsupported(f"%{element} in a format of {what}")
    if element in _SAME:
        return f"strftime({local}, '%{element}')"
    if element in _SPELLED:
        return f"strftime({local}, {literals.text(_SPELLED[element])})"
    if element in _COMPUTED and (element != "s" or kind == "TIMESTAMP"):
        return _COMPUTED[element].format(local)
    if len(element) == 3 and element[1] in "123456":  # noqa: PLR2004 - %E1S to %E6S
        return f"(strftime({local}, '%S') || '.' || left(strftime({local}, '%f'), {element[1]}))"
    raise unsupported(f"%{element} in a format of {what}")


@function("PARSE_TIMESTAMP", "PARSE_DATE", "PARSE_DATETIME")
def _parse(call: Call) -> Expr:
    call.count(2)
    kind = BY_NAME[call.name.removeprefix("PARSE_")]
    pattern = literals.string_value(call.arg(0), f"A format of {call.name}")
    value = convert(call.arg(1), STRING)
    spelled = ""
    for element, piece in _pieces(pattern):
        if piece not in _PARSED or (element and piece in " -/:.,_"):
            raise unsupported(f"{'%' if element else ''}{piece} in a format of {call.name}")
        spelled += (_SPELLED.get(piece) or f"%{piece}") if element else piece
    if not {"%Y", "%m", "%d"} <= {spelled[i : i + 2] for i in range(len(spelled))}:
        raise unsupported(f"A format of {call.name} without year, month and day")
    if kind == DATE and any(f"%{each}" in spelled for each in "HMS"):
        raise invalid_query(f"A format of {call.name} must not have parts of a time")
    if call.safe:
        return computed(f"CAST({_parsed_or_null(value.sql, spelled, call.name)} AS {kind.duck})", kind, value)
    parsed = f"CAST(strptime({value.sql}, {literals.text(spelled)}) AS {kind.duck})"
    return computed(parsed, kind, value)


def _parsed_or_null(text: str, spelled: str, name: str) -> str:
    """Parse text, NULL where BigQuery cannot; text of which that is not known is refused."""
    digits = {"Y": r"\d{4}", "S": r"[0-5]\d"}
    strict = loose = ""
    for element, piece in _pieces(spelled):
        if element and piece != "%":
            strict += digits.get(piece, r"\d{2}")
            loose += r"\s*[+-]?\d+"
        else:
            strict += re.escape(piece)
            loose += re.escape(piece) if piece != " " else r"\s*"
    anywhere = rf"(?s)\s*{loose}\s*"
    found = f"try_strptime({text}, {literals.text(spelled)})"
    refusal = f"error('SAFE.{name} of the text ''' || {text} || ''' is not supported by the local BigQuery')"
    return (
        f"CASE WHEN {text} IS NULL THEN NULL WHEN {found} IS NOT NULL THEN {found} "
        f"WHEN regexp_full_match({text}, {literals.text(strict)}) "
        f"OR NOT regexp_full_match({text}, {literals.text(anywhere)}) "
        f"THEN NULL ELSE {refusal} END"
    )
