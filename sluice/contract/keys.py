"""What is looked up in a record's plain JSON: its keys, what free JSON may hold, numbers written as strings.

msgspec keeps the last value of a key that stands twice without a word, other parsers the first: such a record
means different things to different readers, so it is refused.
"""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from sluice.contract.columns import Column
from sluice.contract.kinds import INT64_MIN, Kind, Mode
from sluice.contract.violations import ContractViolation

CountKeys: TypeAlias = Callable[[Any, str], int]
"""Takes a parsed object and its path, and counts its keys and those of all objects within it."""

JSON_DEPTH = 500
"""Levels of nesting in a JSON column: cloud.google.com/bigquery/docs/json-data#limitations (as of 2025)."""
_UINT64_MAX = 2**64 - 1

parse = msgspec.json.Decoder().decode


class _Twice(Exception):  # noqa: N818 - carries an answer out of a parser, and never leaves this module
    """A key that stands twice."""


def has_duplicate_keys(data: bytes, keys: int) -> bool:
    """Whether `data`, a JSON document that parses to objects of `keys` keys in all, has a key twice.

    Every key is followed by a colon outside of strings, so there are as many of those as keys were written,
    while a parsed document has each key once. Counting each `":` is quick and never too low; where it is too
    high, as the text of a string may look the same, strings are taken out first, which is exact.
    """
    if data.translate(None, b" \t\r\n").count(b'":') == keys:
        return False
    text = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    return b"".join(text.split(b'"')[::2]).count(b":") != keys


def key_counter(columns: tuple[Column, ...]) -> CountKeys:
    """What counts the keys of an object with these columns, looking only where objects can be.

    It looks into free JSON anyway, so it also refuses there what BigQuery's JSON type does not take; and it
    sees how Decimals were written, so it refuses strings where the contract takes numbers only.
    """
    numbers = _unquoted(columns)
    inner = _counters(columns)
    if not inner and not numbers:
        return _count_flat

    def count(found: Any, path: str) -> int:
        keys = len(found)
        if numbers:
            _refuse_quoted(found, numbers, path)
        for name, repeated, count_inner in inner:
            value = found.get(name)
            if not value:
                continue
            where = f"{path}.{name}" if path else name
            if not repeated:
                keys += count_inner(value, where)
            elif count_inner is _count_flat:
                keys += sum(map(len, value))
            else:
                keys += sum(count_inner(item, f"{where}[{index}]") for index, item in enumerate(value))
        return keys

    return count


def _counters(columns: tuple[Column, ...]) -> list[tuple[str, bool, CountKeys]]:
    """Of each column that can hold objects its name, whether it is a list, and what counts its keys."""
    inner: list[tuple[str, bool, CountKeys]] = []
    for column in columns:
        if column.kind is Kind.JSON:
            inner.append((column.name, column.mode is Mode.REPEATED, count_free_json))
        elif column.columns:
            inner.append((column.name, column.mode is Mode.REPEATED, key_counter(column.columns)))
    return inner


def _unquoted(columns: tuple[Column, ...]) -> list[str]:
    return [column.name for column in columns if column.kind is Kind.DECIMAL and not column.spec.strings]


def _refuse_quoted(found: Any, numbers: list[str], path: str) -> None:
    for name in numbers:
        kind = found.get(name).__class__
        if kind is str or (kind is list and str in map(type, found[name])):
            where = f"{path}.{name}" if path else name
            raise ContractViolation(f"`{where}` must be a JSON number, without quotes", where)


def _count_flat(found: Any, _: str) -> int:
    return len(found)


def count_free_json(document: Any, path: str) -> int:
    """Count the keys of a free JSON value.

    Raises:
        ContractViolation: an integer beyond 64 bits, or more levels than BigQuery takes.
    """
    keys, depth = 0, -1
    level: list[Any] = [(document,)]
    while level:
        depth += 1
        inner: list[Any] = []
        for container in level:
            values = container
            if container.__class__ is dict:
                keys += len(container)
                values = container.values()
            for value in values:
                kind = value.__class__
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    inner.append(value)
                elif kind is int and not INT64_MIN <= value <= _UINT64_MAX:
                    raise ContractViolation(f"`{path}` holds an integer beyond 64 bits", path)
        level = inner
    if depth > JSON_DEPTH:
        raise ContractViolation(
            f"`{path}` is nested {depth} deep; BigQuery's JSON takes {JSON_DEPTH} levels", path
        )
    return keys


def first_duplicate_key(data: bytes) -> str:
    """The first key found twice, for the message; `data` is known to have one."""

    def refuse(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)

    try:
        json.loads(data, object_pairs_hook=refuse, parse_int=str, parse_float=str)
    except _Twice as twice:
        return str(twice)
    except (ValueError, RecursionError):
        pass
    return ""
