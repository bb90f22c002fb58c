"""A record as EventBridge's matcher sees it: a list of values per dotted name, each as text.

Nested names are joined with dots, so `{"a.b": 1}` and `{"a": {"b": 1}}` look alike; a list stands for each
of its elements; a name that is there twice has both values. A value in an object within a list knows in which
element, so that a pattern's fields are found together in one element or not at all.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any, TypeAlias

Place: TypeAlias = Mapping[int, int]
"""Which element (index) of which lists (number within the record) a value lies in."""

Fields: TypeAlias = Mapping[str, list[tuple[str, Place]]]
"""Values by name. Strings are in double quotes, as written otherwise; numbers stay as they were written."""

Node: TypeAlias = Any
"""Parsed JSON: an object is a tuple of pairs, a number a `Number`."""

NOWHERE: Place = {}
_WORDS = {None: "null", True: "true", False: "false"}


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_float=Number, parse_int=Number, parse_constant=_no_constant
)


def parse(text: str) -> Node:
    """JSON with nothing lost: numbers as text, objects as pairs; raises ValueError."""
    return _DECODER.decode(text)


class Wanted:
    """The names that patterns ask for: nothing else of a record is looked at."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._above = frozenset(
            name[:end] for name in self._names for end, sign in enumerate(name) if sign == "."
        )

    def fields(self, record: Node, root: str = "") -> Fields:
        """The values of a record that lies under `root`."""
        found: dict[str, list[tuple[str, Place]]] = {}
        lists = count()

        def take(value: Node, name: str, place: Place) -> None:
            if type(value) is tuple:
                if name in self._above or not name:
                    for key, inner in value:
                        take(inner, f"{name}.{key}" if name else key, place)
            elif type(value) is list:
                number = next(lists)
                for index, inner in enumerate(value):
                    deeper = type(inner) is tuple or type(inner) is list
                    take(inner, name, {**place, number: index} if deeper else place)
            elif name in self._names:
                found.setdefault(name, []).append((_text(value), place))

        take(record, root, NOWHERE)
        return found


def _text(value: Node) -> str:
    if isinstance(value, Number):
        return value
    return f'"{value}"' if isinstance(value, str) else _WORDS[value]


def joined(place: Place, other: Place) -> Place | None:
    """Both places at once; None when they lie in different elements of one list."""
    if not other or not place:
        return other or place
    if any(place.get(number, index) != index for number, index in other.items()):
        return None
    return {**place, **other}
