"""LIKE patterns: `%` for any text, `_` for one character, a backslash before what is meant as it is.

Matching takes time in proportion to the text and the pattern, whatever the text: between two `%` the first
place that fits is as good as any later one.
"""

import re
from collections.abc import Callable
from typing import TypeAlias

from sluice.errors import ContractError

Pattern: TypeAlias = tuple[tuple[str | None, ...], ...]
"""The parts between the `%`: characters, None for any single one."""


def parse_pattern(pattern: str) -> Pattern:
    """The parts of a pattern.

    Raises:
        ContractError: it ends with a backslash.
    """
    parts: list[list[str | None]] = [[]]
    letters = iter(pattern)
    for letter in letters:
        if letter == "%":
            parts.append([])
        elif letter == "_":
            parts[-1].append(None)
        elif letter == "\\":
            escaped = next(letters, None)
            if escaped is None:
                raise ContractError(f"the pattern {pattern!r} ends with a backslash, which escapes nothing")
            parts[-1].append(escaped)
        else:
            parts[-1].append(letter)
    return tuple(map(tuple, parts))


def matcher(pattern: Pattern) -> Callable[[str], bool]:
    """What tells whether a text matches."""
    first, *middle = pattern
    if not middle:
        return _whole(first)
    last = middle.pop()
    starts, ends = _expression(first), _expression(last)
    searches = [_expression(part) for part in middle if part]
    shortest, tail = len(first) + len(last), len(last)

    def matches(text: str) -> bool:
        end = len(text) - tail
        if len(text) < shortest or not starts.match(text) or not ends.match(text, end):
            return False
        at = len(first)
        for search in searches:
            found = search.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return True

    return matches


def _whole(part: tuple[str | None, ...]) -> Callable[[str], bool]:
    expression = _expression(part)
    return lambda text: expression.fullmatch(text) is not None


def _expression(part: tuple[str | None, ...]) -> re.Pattern[str]:
    return re.compile("".join("." if letter is None else re.escape(letter) for letter in part), re.DOTALL)
