"""How one field of one document is looked into: terms, ranges, whole phrases."""

import fnmatch
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sluice.local.opensearch.errors import Refused, unsupported
from sluice.local.opensearch.mapping import leaves
from sluice.local.opensearch.values import indexed, moment, tokens

Hit = Callable[["Found"], bool]
"""Whether a document matches."""

LINEAGE_ID: Final = "_id"


@dataclass(slots=True)
class Found:
    """A document under search, with the values of its fields as they were asked for."""

    id: str
    source: dict[str, Any]
    fields: Mapping[str, dict[str, Any]]
    _values: dict[str, list[Any]] = field(default_factory=dict)
    _tokens: dict[str, list[list[str]]] = field(default_factory=dict)

    def values(self, path: str) -> list[Any]:
        """What the index holds of a field; nothing for one that it does not map."""
        if path not in self._values:
            described = self.fields.get(path)
            self._values[path] = [] if described is None else list(self._read(path, described))
        return self._values[path]

    def tokens(self, path: str) -> list[list[str]]:
        """The terms of a text field, by value."""
        if path not in self._tokens:
            self._tokens[path] = [list(tokens(value)) for value in self.values(path)]
        return self._tokens[path]

    def _read(self, path: str, described: Mapping[str, Any]) -> Iterator[Any]:
        parts = path.split(".")
        raw = list(_walk(self.source, parts))
        if not raw and len(parts) > 1 and ".".join(parts[:-1]) in self.fields:
            raw = list(_walk(self.source, parts[:-1]))  # a multi-field holds what its field does
        longest = described.get("ignore_above")
        for each in raw:
            value = indexed(described["type"], each, described.get("format"))
            if value is None or (longest is not None and len(value.encode("utf-16-le")) // 2 > longest):
                continue
            yield value


def fields_of(properties: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Every field of a mapping that can be searched, by its path."""
    return dict(leaves(dict(properties)))


def _walk(value: Any, parts: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _walk(each, parts)
    elif parts:
        if isinstance(value, dict) and parts[0] in value:
            yield from _walk(value[parts[0]], parts[1:])
    elif value is not None:
        yield value


def kind_of(found: Found, path: str) -> str | None:
    """The type of a field; None for one that is not mapped."""
    return found.fields[path]["type"] if path in found.fields else None


def exists(path: str) -> Hit:
    """Whether a field, or one below it, has a value."""

    def hit(found: Found) -> bool:
        below = [each for each in found.fields if each == path or each.startswith(f"{path}.")]
        return any(found.values(each) for each in below)

    return hit


def term(path: str, value: Any) -> Hit:
    """Whether a field holds this very term (not analysed); raises Refused for what its type cannot hold."""

    def hit(found: Found) -> bool:
        kind = kind_of(found, path)
        if path == LINEAGE_ID:
            return bool(found.id == value)
        if kind is None:
            return False
        if kind == "text":
            return any(str(value) in words for words in found.tokens(path))
        if kind == "date":
            first, last = moment(value, found.fields[path].get("format"))
            return any(first <= each <= last for each in found.values(path))
        if kind == "long" and isinstance(value, float | str) and _fraction(value):
            return False
        return bool(indexed(kind, value) in found.values(path))

    return hit


def _fraction(value: float | str) -> bool:
    try:
        return float(value) % 1 != 0
    except ValueError:
        return False


def within(path: str, bounds: Mapping[str, Any]) -> Hit:
    """Whether a field lies within bounds `gte`, `gt`, `lte`, `lt`; those of dates may be a day or a month."""

    def hit(found: Found) -> bool:
        kind = kind_of(found, path)
        if kind is None:
            return False
        if kind in ("text", "boolean"):
            raise unsupported(f"a range over {path}, which is {kind}")
        form = found.fields[path].get("format")
        return any(
            all(_compare(each, name, bound, kind, form) for name, bound in bounds.items())
            for each in found.values(path)
        )

    return hit


def _compare(value: Any, name: str, bound: Any, kind: str, form: str | None) -> bool:
    limit: Any
    if kind == "date":
        if isinstance(bound, str) and ("now" in bound or "||" in bound):
            raise unsupported(f"date arithmetic ({bound})")
        first, last = moment(bound, form)
        limit = first if name in ("gte", "lt") else last
    elif kind == "keyword":
        value, limit = value.encode(), str(bound).encode()
    else:
        limit = _number(bound)
    return _within(value, name, limit)


def _within(value: Any, name: str, limit: Any) -> bool:
    if name == "gte":
        return bool(value >= limit)
    if name == "gt":
        return bool(value > limit)
    return bool(value <= limit) if name == "lte" else bool(value < limit)


def _number(bound: Any) -> float:
    if isinstance(bound, int | float) and not isinstance(bound, bool):
        return bound
    try:
        return int(bound)
    except (ValueError, TypeError):
        return float(indexed("double", bound) or 0)


def words(path: str, text: str, *, every: bool, phrase: bool) -> Hit:
    """Whether a field matches a text, analysed as for that field; a type that cannot hold it does not."""

    def hit(found: Found) -> bool:
        kind = kind_of(found, path)
        if kind is None:
            return False
        if kind != "text":
            try:
                return term(path, text)(found)
            except Refused as refused:
                if refused.error["type"] == "unsupported_by_the_stand_in":
                    raise
                return False  # lenient
        wanted = list(tokens(text))
        if not wanted:
            return False
        if phrase:
            return any(_has_phrase(each, wanted) for each in found.tokens(path))
        among = {word for each in found.tokens(path) for word in each}
        return (all if every else any)(word in among for word in wanted)

    return hit


def _has_phrase(among: list[str], wanted: list[str]) -> bool:
    length = len(wanted)
    return any(among[at : at + length] == wanted for at in range(len(among) - length + 1))


def like(path: str, pattern: str) -> Hit:
    """Whether a term of a field matches a pattern of `*` and `?`."""

    def hit(found: Found) -> bool:
        kind = kind_of(found, path)
        if kind == "text":
            matches = re.compile(_regex(pattern.lower())).fullmatch
            return any(matches(word) for words_ in found.tokens(path) for word in words_)
        if kind == "keyword":
            matches = re.compile(_regex(pattern)).fullmatch
            return any(matches(value) for value in found.values(path))
        return False

    return hit


def _regex(pattern: str) -> str:
    return fnmatch.translate(pattern.replace("[", "[[]"))
