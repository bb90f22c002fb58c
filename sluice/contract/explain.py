"""Turns what msgspec says about a record into a sentence that a person understands.

The sentence never repeats a value of the record: dead letters are listed where payloads must not leak.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from sluice.contract.columns import Column
from sluice.contract.violations import ContractViolation

_WANTED = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "decimal": "a decimal number",
    "datetime": "a timestamp",
    "date": "a date",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_GOT = _WANTED | {"bool": "a boolean", "float": "a number with a fraction or exponent"}
_COMPARED = {">=": "at least", ">": "greater than", "<=": "at most", "<": "less than"}
_BAD_SURROGATE = re.compile(rb"\\u[dD][89abABcdefCDEF]")
_PLACE = re.compile(r"\(byte (\d+)\)")
_NO_NUMBER = re.compile(rb'"([A-Za-z]\w{0,59})"\s*:\s*-?(?:NaN|nan|Infinity|inf)')
MAX_SHOWN = 60
"""Characters of a name from the record that a reason repeats."""
MAX_CHOICES = 20


Build: TypeAlias = Callable[[re.Match[str], str, Column | None], tuple[str, str]]
"""Takes the match of msgspec's words, the path and the column; returns the reason and the field."""


class _Tagged(msgspec.Struct):
    """Reads the tag alone."""

    type: str | None = None


_tag = msgspec.json.Decoder(_Tagged)
_any = msgspec.json.Decoder(msgspec.Raw)


def explain(data: bytes, error: Exception, types: Mapping[str, tuple[Column, ...]]) -> ContractViolation:
    """The violation that `error`, raised by msgspec for `data`, stands for."""
    broken = _not_text(data)
    if broken is not None:
        return ContractViolation(broken)
    if not isinstance(error, msgspec.ValidationError):
        return _not_json(data, error)
    try:
        tag = _tag.decode(data).type
    except Exception:  # noqa: BLE001 - whatever a hostile record provokes, the answer is that its type is not known
        tag = None
    known = tag if tag in types else None
    text, _, path = str(error).partition(" - at `")
    if not path and text.startswith("Expected `object`"):
        try:
            _any.decode(data)
        except (msgspec.DecodeError, RecursionError) as whole:  # a line of CSV begins with a number
            return _not_json(data, whole)
    path = path.rstrip("`").removeprefix("$").removeprefix(".")
    path = path if known is None or len(path) <= MAX_SHOWN * 5 else f"{path[: MAX_SHOWN * 5]}…"
    return _explain(text, path, known, types)


def _explain(
    text: str, path: str, known: str | None, types: Mapping[str, tuple[Column, ...]]
) -> ContractViolation:
    if path == "type":
        names = ", ".join(types)
        if text.startswith("Invalid value"):
            return ContractViolation(f"unknown event type; the contract has {names}", "type")
        return ContractViolation(f"`type` must be a string, one of {names}", "type")
    for pattern, build in _RULES:
        match = pattern.match(text)
        if match:
            column = _find(types.get(known or "", ()), path)
            reason, where = build(match, path, column)
            return ContractViolation(reason, where or None, known)
    return ContractViolation(f"{_subject(path)} is not accepted", path or None, known)


def _not_text(data: bytes) -> str | None:
    """Why `data` is no text at all, whatever else is wrong with it."""
    if not data.strip(b" \t\r\n"):
        return "the record is empty"
    if data.startswith(b"\xef\xbb\xbf"):
        return "the record starts with a byte order mark; send plain UTF-8"
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        return f"the record is not UTF-8: byte {bad.start} is not valid there"
    return None


def _not_json(data: bytes, error: Exception) -> ContractViolation:
    if isinstance(error, RecursionError):
        return ContractViolation("the record is nested too deeply")
    if not isinstance(error, msgspec.DecodeError):
        return ContractViolation("the record holds a number that cannot be read")
    why = str(error).removeprefix("JSON is malformed: ")
    truncated = "truncated" in why
    if (truncated or "surrogate" in why) and _BAD_SURROGATE.search(data):
        return ContractViolation(
            "the record has half of a surrogate pair (\\ud800 to \\udfff), which is no character"
        )
    place = _PLACE.search(why)
    start = max(0, int(place[1]) - MAX_SHOWN - 10) if place else 0
    number = _NO_NUMBER.search(data[start : start + MAX_SHOWN + 30]) if place else None
    if number is not None:
        name = number[1].decode()
        return ContractViolation(f"`{name}` is NaN or Infinity, which JSON has no number for", name)
    return ContractViolation(f"the record is not JSON: {'it ends too early' if truncated else why}")


def _find(columns: tuple[Column, ...], path: str) -> Column | None:
    """The column at a path such as `items[2].price`."""
    found = None
    for step in re.sub(r"\[[^\]]*\]", "", path).split("."):
        found = next((column for column in columns if column.name == step), None)
        if found is None:
            return None
        columns = found.columns
    return found


def _subject(path: str) -> str:
    return f"`{path}`" if path else "the record"


def _join(path: str, name: str) -> str:
    shown = "".join(char if char.isprintable() and char != "`" else "�" for char in name[:MAX_SHOWN])
    shown += "…" if len(name) > MAX_SHOWN else ""
    return f"{path}.{shown}" if path else shown


def _missing(match: re.Match[str], path: str, _: Column | None) -> tuple[str, str]:
    where = _join(path, match[1])
    more = ", which names the event's type," if where == "type" else ""
    return f"the required field `{where}`{more} is missing", where


def _unknown(match: re.Match[str], path: str, _: Column | None) -> tuple[str, str]:
    where = _join(path, match[1])
    return f"the field `{where}` is not in the contract", where


def _expected(match: re.Match[str], path: str, column: Column | None) -> tuple[str, str]:
    wanted = [one for one in match[1].split(" | ") if one != "null"]
    got = match[2]
    if got == "null":
        return f"{_subject(path)} must not be null", path
    words = " or ".join(_WANTED.get(one, one) for one in wanted)
    if column is not None and column.choices and path.count("[") == 0:
        words = _choices(column)
    if wanted == ["int"] and got == "float":
        return f"{_subject(path)} must be an integer without fraction or exponent", path
    return f"{_subject(path)} must be {words}, but is {_GOT.get(got, got)}", path


def _choices(column: Column | None) -> str:
    shown = [str(choice) for choice in column.wire_choices] if column is not None else []
    more = ", …" if len(shown) > MAX_CHOICES else ""
    return f"one of {', '.join(shown[:MAX_CHOICES])}{more}" if shown else "one of the accepted values"


def _enum(_: re.Match[str], path: str, column: Column | None) -> tuple[str, str]:
    return f"{_subject(path)} must be {_choices(column)}", path


def _length(match: re.Match[str], path: str, _: Column | None) -> tuple[str, str]:
    unit = ("character" if match[1] == "str" else "item") + "s" * (match[3] != "1")
    return f"{_subject(path)} must have {_COMPARED[match[2]]} {match[3]} {unit}", path


def _range(match: re.Match[str], path: str, _: Column | None) -> tuple[str, str]:
    if match[3] in ("9223372036854775807", "-9223372036854775808"):
        return f"{_subject(path)} is an integer beyond 64 bits", path
    return f"{_subject(path)} must be {_COMPARED[match[2]]} {match[3]}", path


def _fixed(words: str) -> Build:
    return lambda match, path, _: (f"{_subject(path)} {match.expand(words)}", path)


_RULES: tuple[tuple[re.Pattern[str], Build], ...] = (
    (re.compile(r"Object missing required field `(.*)`", re.DOTALL), _missing),
    (re.compile(r"Object contains unknown field `(.*)`", re.DOTALL), _unknown),
    (re.compile(r"Expected `([^`]+)`, got `(\w+)`"), _expected),
    (re.compile(r"Expected `(str|array)` of length (<=|>=|<|>) (\d+)"), _length),
    (re.compile(r"Expected `(int|float)` (<=|>=|<|>) (\S+)"), _range),
    (re.compile(r"Expected `(?:int|float)` that's a multiple of (\S+)"), _fixed(r"must be a multiple of \1")),
    (re.compile(r"Expected `str` matching regex (.*)", re.DOTALL), _fixed(r"must match the pattern \1")),
    (re.compile(r"Expected `datetime` with a timezone"), _fixed("must carry its zone: Z, or such as +02:00")),
    (re.compile(r"Invalid RFC3339 enc.* datetime"), _fixed("must be a timestamp like 2025-05-17T10:05:03Z")),
    (re.compile(r"Invalid RFC3339 encoded date"), _fixed("must be a date like 2025-05-17")),
    (re.compile(r"Invalid decimal string"), _fixed("must be a decimal number like 12.50")),
    (re.compile(r"Invalid enum value", re.DOTALL), _enum),
    (re.compile(r"Integer value out of range"), _fixed("is an integer beyond 64 bits")),
    (re.compile(r"Number out of range"), _fixed("is a number too large for a 64-bit float")),
)  # fmt: skip
