"""json_extract_scalar in Python: DuckDB's own writes numbers anew, 1.50 as 1.5 and 1E2 as 100.0.

Paths: trino.io/docs/current/functions/json.html and JsonPathTokenizer of Trino (read 2026-11): `$`, then
`.key`, `["key"]` or `[0]`; a number finds an element of an array or a key of an object.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
import pyarrow as pa

SCALAR: Final = "sluice_json_scalar"
"""The function's name in DuckDB."""

_STEP: Final = re.compile(r'\.([\w:$/@|#-]+)|\[(\d+)\]|\["([^"\\]*)"\]', re.ASCII)

_Raw = msgspec.Raw
_OBJECTS: Final = msgspec.json.Decoder(dict[str, _Raw])
_ARRAYS: Final = msgspec.json.Decoder(list[_Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_ANY: Final = msgspec.json.Decoder(_Raw)


@lru_cache(maxsize=256)
def steps(path: str) -> tuple[str, ...] | None:
    """Return the keys and places that a path names, one after another; None for a path of another kind."""
    if not path.startswith("$"):
        return None
    at, found = 1, []
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        found.append(next(group for group in step.groups() if group is not None))
        at = step.end()
    return tuple(found)


def scalar(text: str, path: Sequence[str]) -> str | None:
    """Return the scalar at a path: a string's content, else as it stands in the text; else None."""
    try:
        at = bytes(_ANY.decode(text)).strip()
        for step in path:
            inner = _inner(at, step)
            if inner is None:
                return None
            at = bytes(inner).strip()
        if at[:1] == b'"':
            return _TEXT.decode(at)
    except msgspec.DecodeError:
        return None
    return None if at[:1] in {b"{", b"["} or at == b"null" else at.decode()


def scalars(texts: Any, paths: Any) -> Any:
    """Answer DuckDB for a column of texts and one of paths."""
    each = zip(texts.to_pylist(), paths.to_pylist(), strict=True)
    found = [None if text is None or path is None else scalar(text, steps(path) or ()) for text, path in each]
    return pa.array(found, pa.string())


def _inner(at: bytes, step: str) -> Any:
    if at[:1] == b"{":
        return _OBJECTS.decode(at).get(step)
    if at[:1] == b"[" and step.isdecimal():
        elements = _ARRAYS.decode(at)
        return elements[int(step)] if int(step) < len(elements) else None
    return None
