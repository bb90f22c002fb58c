"""What differs between two values, place by place: objects by key, lists by what they hold, JSON opened."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import msgspec

from sluice.local.declared import ACCOUNT

_KEYS: Final = ("name", "Sid", "key", "id", "logType", "service")
"""What tells the members of a list of objects apart, where all of them have it."""

_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})
_ARN: Final = re.compile(rf"arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:(?:{ACCOUNT})?:")
_WIDTH: Final = 72
_PACKAGE: Final = "package "
_MEMBER: Final = 48
_OPAQUE: Final = 200
"""Characters of a text without a space that says nothing to people: encoded, or a hash."""

_SHOWN: Final = 3
"""Members of a list that come or go, before the rest is counted."""


class Difference(msgspec.Struct, frozen=True):
    """One place where two values differ: dotted path, and None for what is not there."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_words(self.before, self.after)}"


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield where two values differ, as deep as they can be told apart."""
    old, new = _opened(before), _opened(after)
    if old == new or (old in _NOTHING and new in _NOTHING):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        if "archive" in old and "archive" in new:
            yield from differences(_digest(old["archive"]), _digest(new["archive"]), path)
            return
        for key in sorted({*old, *new}):
            yield from differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif (key := _telling(old, new)) is not None:
        olds, news = ({str(each[key]): each for each in some} for some in (old, new))
        for name in dict.fromkeys([*olds, *news]):
            yield from differences(olds.get(name), news.get(name), f"{path}[{name}]")
        if olds == news:
            yield Difference(path, "one order", "another order")
    elif _only_objects(old) and _only_objects(new):
        yield from differences(old[0], new[0], path)
    else:
        yield Difference(path, old, new)


def _only_objects(value: Any) -> bool:
    """Whether a list has one member, which is an object."""
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict)


def short(value: Any, width: int = _WIDTH) -> str:
    """Write a value on one line, as JSON where it is no text, cut where it grows long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = short_arns(" ".join(text.split()))
    return text if len(text) <= width else f"{text[: width - 1]}…"


def short_arns(text: str) -> str:
    """Write ARNs as service and resource; other accounts than the one that graphs make up stay in them."""
    return _ARN.sub(r"\1 ", text)


def _words(before: Any, after: Any) -> str:
    if before is None or after is None:
        return f"+ {short(after)}" if before is None else f"- {short(before)}"
    if isinstance(before, list) and isinstance(after, list):
        if len(before) == len(after) == 1:
            return _words(before[0], after[0])
        return _listed(before, after)
    if isinstance(before, str) and before.startswith(_PACKAGE):
        return "another package"
    if isinstance(before, str) and isinstance(after, str) and max(len(before), len(after)) > _WIDTH // 2:
        return _where(short_arns(before), short_arns(after))
    return f"{short(before)} -> {short(after)}"


def _listed(before: Sequence[Any], after: Sequence[Any]) -> str:
    gone = [f"- {short(each, _MEMBER)}" for each in before if each not in after]
    new = [f"+ {short(each, _MEMBER)}" for each in after if each not in before]
    shown = [*new[:_SHOWN], *gone[:_SHOWN]]
    if more := len(gone) + len(new) - len(shown):
        shown.append(f"and {more} more")
    return ", ".join(shown) or "another order"


def _where(before: str, after: str) -> str:
    """Show long texts from a little before where they begin to differ."""
    if min(len(before), len(after)) > _OPAQUE and not {" ", "\n"} & {*before, *after}:
        return f"another text ({len(before):,} -> {len(after):,} characters)"
    same = next((at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    at = min(len(before), len(after)) if same is None else same
    start = max(at - _WIDTH // 4, 0)
    lead = "…" if start else ""
    return " -> ".join(f"{lead}{short(text[start:], _WIDTH // 2 + 8)}" for text in (before, after))


def _opened(value: Any) -> Any:
    """Open a text that is a JSON document."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _telling(old: Any, new: Any) -> str | None:
    """Find the key that tells the objects of two lists apart; None where they are no such lists."""
    if not (isinstance(old, list) and isinstance(new, list) and (old or new)):
        return None
    objects = [*old, *new]
    for key in _KEYS:
        if all(isinstance(each, dict) and isinstance(each.get(key), str) for each in objects):
            told = [{each[key] for each in some} for some in (old, new)]
            if len(told[0]) == len(old) and len(told[1]) == len(new):
                return key
    return None


def _digest(archive: str) -> str:
    """Return what a package's directory is called: the hash of all that goes into it."""
    return f"{_PACKAGE}{PurePosixPath(archive).name}"
