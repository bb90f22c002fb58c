"""FORMAT, with the specifiers of whole numbers, fixed decimals and text."""

import re
from typing import Final

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.binder import Call, function
from sluice.local.bigquery.sql.coercion import mismatch
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.types import BOOL, DATE, FLOAT64, INT64, NULL, NUMERIC, STRING

_SPECIFIER: Final = re.compile(
    r"%(?P<whole>(?:'|0?[1-9]\d?)?[di])|%(?:\.(?P<digits>\d))f|%(?P<text>[st])|%(?P<percent>%)"
)
_PRINTED: Final = (STRING, INT64, BOOL, DATE)


@function("FORMAT")
def _format(call: Call) -> Expr:
    call.count(1, 1000)
    if call.safe:
        raise unsupported("Function SAFE.FORMAT")
    pattern = literals.string_value(call.arg(0), "A format of FORMAT")
    args = call.args()[1:]
    waiting = list(args)
    parts: list[str] = []
    strict: list[Expr] = []
    position = 0
    while position < len(pattern):
        if pattern[position] != "%":
            end = pattern.find("%", position)
            end = len(pattern) if end < 0 else end
            parts.append(literals.text(pattern[position:end]))
            position = end
            continue
        found = _SPECIFIER.match(pattern, position)
        if found is None:
            raise unsupported(f"The specifier {pattern[position : position + 6]!r} in a format of FORMAT")
        position = found.end()
        if found["percent"]:
            parts.append("'%'")
            continue
        if not waiting:
            raise invalid_query(f"Too few arguments to FORMAT for pattern {pattern!r}")
        value = waiting.pop(0)
        parts.append(_written(found, value))
        if found["text"] != "t":
            strict.append(value)
    if waiting:
        raise invalid_query(f"Too many arguments to FORMAT for pattern {pattern!r}")
    missing = " OR ".join(f"{value.sql} IS NULL" for value in strict) or "false"
    joined = " || ".join(parts) or "''"
    return computed(f"CASE WHEN {missing} THEN NULL ELSE {joined} END", STRING, *args, plain=True)


def _written(found: re.Match[str], value: Expr) -> str:
    if value.type == NULL:
        raise unsupported("A NULL literal in FORMAT")
    if found["whole"]:
        return _whole(found["whole"], value)
    if found["text"]:
        return _text(found["text"], value)
    if value.type == FLOAT64:
        return f"CASE WHEN isnan({value.sql}) THEN 'nan' ELSE printf('%.{found['digits']}f', {value.sql}) END"
    if value.type == NUMERIC:
        digits = found["digits"]
        return f"CAST(CAST(round({value.sql}, {digits}) AS DECIMAL(38,{digits})) AS VARCHAR)"
    raise unsupported(f"%f of {value.type} in FORMAT")


def _whole(specifier: str, value: Expr) -> str:
    if value.type != INT64:
        raise mismatch(f"a specifier %{specifier} of FORMAT", value)
    if specifier.startswith("'"):
        return f"format('{{:,}}', {value.sql})"
    return f"printf('%{specifier[:-1]}d', {value.sql})"


def _text(specifier: str, value: Expr) -> str:
    if specifier == "s" and value.type != STRING:
        raise mismatch("a specifier %s of FORMAT", value)
    if value.type not in _PRINTED:
        raise unsupported(f"%t of {value.type} in FORMAT")
    return value.sql if specifier == "s" else f"coalesce(CAST({value.sql} AS VARCHAR), 'NULL')"
