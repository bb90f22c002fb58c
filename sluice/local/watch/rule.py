"""Composite alarms' rules: `ALARM("a") AND NOT (OK("b") OR TRUE)`.

By CloudWatch's API reference (PutCompositeAlarm, AlarmRule): functions ALARM, OK and INSUFFICIENT_DATA of an
alarm's name or ARN, with or without quotes; TRUE and FALSE; AND, OR, NOT and brackets; AT_LEAST(M, STATE,
(alarms)), with M a number or a percentage. NOT binds tightest, then AND, then OR.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sluice.local.watch.evaluation import State

LONGEST: Final = 10_240
"""Characters of a rule (PutCompositeAlarm)."""

_TOKEN: Final = re.compile(r"\s*(?:([()])|(,)|\"([^\"]*)\"|'([^']*)'|([^\s()\",']+))")
States = Mapping[str, State]
Test = Callable[[States], bool]


class RuleError(ValueError):
    """A rule that cannot be read; its text says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be asked, and the names of the alarms in it."""

    text: str
    alarms: tuple[str, ...]
    _test: Test

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read a rule; raises RuleError."""
        if len(text) > LONGEST:
            raise RuleError(f"an alarm rule of {len(text)} characters: CloudWatch takes {LONGEST}")
        reader = _Reader(text)
        test = reader.whole()
        return cls(text, tuple(dict.fromkeys(reader.alarms)), test)

    def holds(self, states: States) -> bool:
        """Whether it holds, given the states of its alarms."""
        return self._test(states)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._place = 0
        self.alarms: list[str] = []

    def whole(self) -> Test:
        found = self._either()
        if self._place < len(self._tokens):
            raise self._error(f"{self._tokens[self._place]} comes unexpectedly")
        return found

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("OR"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda states: any(test(states) for test in tests)

    def _both(self) -> Test:
        tests = [self._not()]
        while self._take("AND"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda states: all(test(states) for test in tests)

    def _not(self) -> Test:
        if self._take("NOT"):
            inner = self._not()
            return lambda states: not inner(states)
        return self._single()

    def _single(self) -> Test:
        token = self._next()
        if token == "(":  # noqa: S105 - a bracket
            found = self._either()
            self._expect(")")
            return found
        if token in ("TRUE", "FALSE"):
            return lambda _: token == "TRUE"  # noqa: S105 - a word of the rule
        if token == "AT_LEAST":  # noqa: S105 - a word of the rule
            return self._at_least()
        if token not in State.__members__:
            raise self._error(f"{token} is not known: ALARM, OK and INSUFFICIENT_DATA of an alarm are")
        self._expect("(")
        name = self._alarm()
        self._expect(")")
        return lambda states: states.get(name) == token

    def _at_least(self) -> Test:
        """`AT_LEAST(M, STATE, (a, b, c))`; the state may be negated."""
        self._expect("(")
        wanted = self._next()
        self._expect(",")
        negated = self._take("NOT")
        state = self._next()
        if state not in State.__members__:
            raise self._error(f"{state} is no state of an alarm")
        self._expect(",")
        self._expect("(")
        names = [self._alarm()]
        while self._take(","):
            names.append(self._alarm())
        self._expect(")")
        self._expect(")")
        number = re.fullmatch(r"(\d+)(%?)", wanted)
        if number is None:
            raise self._error(f"{wanted} is neither a number nor a percentage")
        least = math.ceil(len(names) * int(number[1]) / 100) if number[2] else int(number[1])
        return lambda states: sum((states.get(name) == state) != negated for name in names) >= least

    def _alarm(self) -> str:
        name = self._next()
        if name.startswith("arn:"):
            name = name.partition(":alarm:")[2]
        self.alarms.append(name)
        return name

    def _take(self, word: str) -> bool:
        if self._place < len(self._tokens) and self._tokens[self._place] == word:
            self._place += 1
            return True
        return False

    def _next(self) -> str:
        if self._place == len(self._tokens):
            raise self._error("it ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            found = self._tokens[self._place] if self._place < len(self._tokens) else "its end"
            raise self._error(f"{sign} is missing before {found}")

    def _error(self, what: str) -> RuleError:
        return RuleError(f"alarm rule {self._text!r}: {what}")


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    place, text = 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise RuleError(f"alarm rule {text!r}: {text[place : place + 20].strip()!r} cannot be read")
        found.append(next(group for group in match.groups() if group is not None))
        place = match.end()
    return found
