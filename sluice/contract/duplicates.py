"""Whether a key stands twice in one object.

msgspec keeps the last value without a word, other parsers the first: such a record means different things to
different readers, so it is refused.
"""

import json
from typing import Any

import msgspec

_untyped = msgspec.json.Decoder()


class _Twice(Exception):  # noqa: N818 - carries an answer out of a parser, and never leaves this module
    """A key that stands twice."""


def has_duplicate_keys(data: bytes) -> bool:
    """Whether any object in `data`, which msgspec has already accepted, has a key twice.

    Every key is followed by a colon outside of strings, so there are as many such colons as keys; a parsed
    document has each key once. Comparing the two counts is exact, escapes and whitespace included, and far
    faster than a parser that hands out pairs.
    """
    text = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    colons = b"".join(text.split(b'"')[::2]).count(b":")
    return colons != _count_keys(_untyped.decode(data))


def _count_keys(document: Any) -> int:
    count = 0
    todo = [document]
    while todo:
        value = todo.pop()
        if value.__class__ is dict:
            count += len(value)
            value = value.values()
        todo += [item for item in value if item.__class__ is dict or item.__class__ is list]
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
