"""What the strings in one place look like: timestamps, dates, numbers, or just text."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

import msgspec

from sluice.discover.distinct import Choices

Look = Callable[[str], Any]
"""Whether a string has this look."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,37})(?:\.[0-9]{1,38})?\Z")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?\Z")
_OTHER_TIME = re.compile(
    r"[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4}|[0-9]{4}/[0-9]{2}/[0-9]{2}|[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:"
    r"|(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? |[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}"
)
_DIGITS = re.compile(r"[0-9]+\Z")
_FINE = re.compile(r"[.][0-9]{7}")
"""More digits than a microsecond has."""

_zoned: Any = Annotated[datetime, msgspec.Meta(tz=True)]


def _timestamp(text: str) -> bool:
    """Whether a contract's `datetime` takes the text: msgspec itself is asked, and the years in UTC."""
    try:
        msgspec.convert(text, _zoned).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return False
    return True


def _date(text: str) -> bool:
    try:
        msgspec.convert(text, date)
    except msgspec.ValidationError:
        return False
    return True


LOOKS: Mapping[str, Look] = {
    "timestamp": _timestamp,
    "date": _date,
    "number": _NUMBER.match,
    "digits": _DIGITS.match,
    "local time": _LOCAL.match,
    "other time": _OTHER_TIME.match,
}
"""`local time` lacks its zone; `other time` is a time that RFC 3339 does not know."""


class Texts:
    """The strings of one place."""

    __slots__ = ("choices", "count", "digits", "empty", "fine", "held", "longest", "looks", "scale")

    def __init__(self) -> None:
        self.count = 0
        self.empty = 0
        self.longest = 0
        self.digits = 0
        """Most digits before the point, of those that look like numbers."""
        self.scale = 0
        """Most digits after it."""
        self.fine = False
        """Whether a timestamp says more than microseconds."""
        self.looks = dict(LOOKS)
        """What all of them look like, the empty ones aside."""
        self.held: dict[str, int] = {}
        """How many had a look before the first that had it not."""
        self.choices = Choices()

    def see(self, text: str) -> None:
        """Take in one."""
        self.count += 1
        self.choices.see(text)
        if not text:
            self.empty += 1
            return
        self.longest = max(self.longest, len(text))
        if self.looks:
            self._look(text)

    def _look(self, text: str) -> None:
        lost = [name for name, look in self.looks.items() if not look(text)]
        for name in lost:
            self.held[name] = self.count - self.empty - 1
            del self.looks[name]
        if "number" in self.looks:
            whole, _, fraction = text.lstrip("-").partition(".")
            self.digits, self.scale = max(self.digits, len(whole)), max(self.scale, len(fraction))
        elif "timestamp" in self.looks and not self.fine:
            self.fine = _FINE.search(text) is not None

    def all_look(self, name: str) -> bool:
        """Whether there are some that are not empty, and each has this look."""
        return name in self.looks and self.count > self.empty
