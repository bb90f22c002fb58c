"""Metric math, as far as alarms here use it: read once when an alarm is made, refused where it is unknown.

By CloudWatch's guide ("Using math expressions with CloudWatch metrics"). A series is one number per period,
None where it is missing. What is combined must be there on both sides; a function over several series takes
those that are there. Anything that the guide has and this has not (SEARCH, ANOMALY_DETECTION_BAND, SORT, ...)
is refused by name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sluice.local.watch.functions import (
    COMPARISONS,
    FUNCTIONS,
    Argument,
    Computation,
    Series,
    combined,
    lifted,
)

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^(),<>\[\]]))"
)
_WORDS: Final = {"AND": "&&", "OR": "||"}
_LEVELS: Final = (("||",), ("&&",), tuple(COMPARISONS), ("+", "-"), ("*", "/"))
"""Operators from the loosest to the tightest; `^` and a sign in front bind tighter still."""


class ExpressionError(ValueError):
    """An expression that this does not compute; its text says what it is about it."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that can be computed, and the ids that it names."""

    text: str
    names: frozenset[str]
    _computation: Computation

    @classmethod
    def parse(cls, text: str) -> "Expression":
        """Read an expression.

        Raises:
            ExpressionError: it is none, or has something in it that is not computed here.
        """
        reader = _Reader(text)
        computation = reader.whole()
        return cls(text, frozenset(reader.names), computation)

    def series(self, known: Mapping[str, Series], length: int, period: int) -> Series:
        """Its value per period, given those of the ids that it names; `period` in seconds.

        Raises:
            ExpressionError: it does not come to one series, of which alone an alarm can be made.
        """
        try:
            found = self._computation(Argument(known, length, period))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise ExpressionError(f"metric math {self.text!r}: {error}") from None
        if not isinstance(found, tuple):
            kind = "several series" if isinstance(found, list) else "one value"
            raise ExpressionError(f"metric math {self.text!r} comes to {kind}: an alarm needs a time series")
        return found


class _Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._place = 0
        self.names: set[str] = set()

    def whole(self) -> Computation:
        """All of it."""
        found = self._level(0)
        if self._peek() is not None:
            raise self._error(f"{self._peek()} comes unexpectedly")
        return found

    def _level(self, level: int) -> Computation:
        if level == len(_LEVELS):
            return self._power()
        found = self._level(level + 1)
        while self._peek() in _LEVELS[level]:
            found = combined(self._next(), found, self._level(level + 1))
        return found

    def _power(self) -> Computation:
        if self._peek() == "-":
            self._next()
            return lifted(lambda value: -value, self._power())
        base = self._single()
        if self._peek() == "^":
            self._next()
            return combined("^", base, self._power())
        return base

    def _single(self) -> Computation:
        token = self._next()
        if token == "(":  # noqa: S105 - a bracket
            found = self._level(0)
            self._expect(")")
            return found
        if token == "[":  # noqa: S105 - a bracket
            return self._array()
        return self._call(token) if self._peek() == "(" else self._word(token)

    def _word(self, token: str) -> Computation:
        if token[0] in "\"'":
            return lambda _: token[1:-1]
        if token[0].isdigit() or token[0] == ".":
            return lambda _: float(token)
        if token in ("REPEAT", "LINEAR"):
            return lambda _: token
        if not (token[0].isalpha() and token[0].islower()):
            raise self._error(f"{token} is not known here")
        self.names.add(token)
        return lambda argument: argument.named(token)

    def _array(self) -> Computation:
        members = self._list("]")
        return lambda argument: [each for member in members for each in argument.several(member(argument))]

    def _call(self, name: str) -> Computation:
        function = FUNCTIONS.get(name)
        if function is None:
            raise self._error(f"{name} is not computed here; what is: {', '.join(sorted(FUNCTIONS))}")
        self._expect("(")
        arguments = self._list(")")
        if len(arguments) not in function.takes:
            raise self._error(f"{name} takes {' or '.join(map(str, function.takes))} arguments")
        return lambda argument: function.computed(argument, [each(argument) for each in arguments])

    def _list(self, end: str) -> list[Computation]:
        found: list[Computation] = []
        while self._peek() != end:
            found.append(self._level(0))
            if self._peek() != end:
                self._expect(",")
        self._expect(end)
        return found

    def _peek(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise self._error("it ends too early")
        self._place += 1
        return token

    def _expect(self, sign: str) -> None:
        found = self._peek()
        if found != sign:
            raise self._error(f"{sign} is missing before {found or 'its end'}")
        self._place += 1

    def _error(self, what: str) -> ExpressionError:
        return ExpressionError(f"metric math {self._text!r}: {what}")


def _tokens(text: str) -> Iterator[str]:
    place, text = 0, text.rstrip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ExpressionError(
                f"metric math {text!r}: {text[place : place + 20].strip()!r} cannot be read"
            )
        token = found.group().strip()
        yield _WORDS.get(token, token)
        place = found.end()
