"""Whether a key stands twice in one object.

msgspec keeps the last value without a word, other parsers the first: such a record means different things to
different readers, so it is refused.
"""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode

CountKeys: TypeAlias = Callable[[Any], int]
"""Counts the keys of a parsed object and of all objects within it."""

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
    """What counts the keys of an object with these columns, looking only where objects can be."""
    inner: list[tuple[str, bool, CountKeys]] = []
    for column in columns:
        if column.kind is Kind.JSON:
            inner.append((column.name, False, count_keys))
        elif column.columns:
            inner.append((column.name, column.mode is Mode.REPEATED, key_counter(column.columns)))
    if not inner:
        return len

    def count(found: Any) -> int:
        keys = len(found)
        for name, repeated, count_inner in inner:
            value = found.get(name)
            if repeated and value:
                keys += sum(map(count_inner, value))
            elif value:
                keys += count_inner(value)
        return keys

    return count


def count_keys(document: Any) -> int:
    """Count the keys of every object in a parsed document."""
    if document.__class__ not in (dict, list):
        return 0
    count = 0
    todo: list[Any] = [document]
    while todo:
        value = todo.pop()
        if value.__class__ is dict:
            count += len(value)
            value = value.values()
        for item in value:
            if item.__class__ is dict or item.__class__ is list:
                todo.append(item)  # noqa: PERF401 - a comprehension is slower where nothing is appended
    return count


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
