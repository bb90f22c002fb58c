"""Strings that match a regular expression, for fake data."""

import importlib
import random
import re
import string
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_parser: Any = importlib.import_module("re._parser")
"""Python's own parser of regular expressions. It is not public, so what it yields is tried on `re` itself."""

_PRINTABLE = string.ascii_letters + string.digits + " -_.,"
_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_NOT_DIGIT": string.ascii_letters,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": string.ascii_letters + string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_NOT_WORD": " -.,",
}
_STRETCHES = (6, 3, 1, 0, 12, 24, 64, 256, 1024)
"""How many times more than it must an open-ended repeat runs, tried in turn until the length fits."""
_TRIES = 400


def matching(pattern: str, rng: random.Random, *, least: int = 0, most: int | None = None) -> str | None:
    """A string of `least` to `most` characters in which `pattern` is found; None when none was found."""
    expression, tree = _parsed(pattern)
    for attempt in range(_TRIES):
        made = _Writer(rng, _STRETCHES[attempt % len(_STRETCHES)]).write(tree)
        missing = max(0, least - len(made))
        filler = "".join(rng.choices(string.ascii_lowercase + string.digits, k=missing))
        for text in (made, made + filler, filler + made) if missing else (made,):
            if len(text) >= least and (most is None or len(text) <= most) and expression.search(text):
                return text
    return None


def _nothing(_: Any) -> str:
    return ""


@lru_cache(maxsize=256)
def _members(members: tuple[Any, ...]) -> str:
    """The characters that a class such as `[A-Z_]` stands for; of a large range the first 500."""
    found: set[str] = set()
    negated = False
    for code, argument in members:
        match str(code):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found.add(chr(argument))
            case "RANGE":
                low, high = argument
                found.update(chr(number) for number in range(low, min(high, low + 500) + 1))
            case "CATEGORY":
                found.update(_CATEGORIES.get(str(argument), ""))
    return "".join(sorted(set(_PRINTABLE) - found if negated else found)) or " "


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> tuple[re.Pattern[str], Any]:
    return re.compile(pattern), _parser.parse(pattern)


class _Writer:
    """Writes one string along the parsed expression; anchors and look-arounds are left to the final check."""

    def __init__(self, rng: random.Random, stretch: int) -> None:
        self._rng = rng
        self._stretch = stretch
        self._groups: dict[int, str] = {}
        self._writers: dict[str, Callable[[Any], str]] = {
            "LITERAL": chr,
            "NOT_LITERAL": lambda code: self._pick(set(_PRINTABLE) - {chr(code)}),
            "ANY": lambda _: self._pick(set(_PRINTABLE)),
            "IN": self._in,
            "BRANCH": lambda branch: self.write(self._rng.choice(branch[1])),
            "SUBPATTERN": self._group,
            "ATOMIC_GROUP": self.write,
            "MAX_REPEAT": self._repeat,
            "MIN_REPEAT": self._repeat,
            "POSSESSIVE_REPEAT": self._repeat,
            "GROUPREF": lambda number: self._groups.get(number, ""),
        }

    def write(self, tree: Any) -> str:
        return "".join(self._writers.get(str(code), _nothing)(argument) for code, argument in tree)

    def _pick(self, characters: set[str]) -> str:
        return self._rng.choice(sorted(characters)) if characters else ""

    def _in(self, members: Any) -> str:
        return self._rng.choice(_members(tuple(members)))

    def _group(self, argument: Any) -> str:
        number, _, _, tree = argument
        text = self.write(tree)
        if number is not None:
            self._groups[number] = text
        return text

    def _repeat(self, argument: Any) -> str:
        low, high, tree = argument
        most = min(int(high), int(low) + self._stretch)
        return "".join(self.write(tree) for _ in range(self._rng.randint(int(low), most)))
