"""Few values and unique values, both counted in bounded memory."""

from typing import Any

MOST_CHOICES = 20
"""More different values than that are no short list of choices."""

LONGEST_CHOICE = 40
"""Characters of a value that may be one of a list of choices."""

MOST_IDENTITIES = 20_000
"""Values of one field that are remembered to find one that comes twice (about 2 MB)."""


class Choices:
    """The different values seen in a place, as long as they are few."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[Any, int] | None = {}
        """How often each came; None when there were too many, or they were too long."""

    def see(self, value: Any) -> None:
        """Count one."""
        counts = self.counts
        if counts is None:
            return
        known = counts.get(value)
        if known is not None:
            counts[value] = known + 1
        elif len(counts) < MOST_CHOICES and not (value.__class__ is str and len(value) > LONGEST_CHOICE):
            counts[value] = 1
        else:
            self.counts = None


class Identity:
    """Whether each value of a field belongs to one event alone.

    The same line again is no second event: producers repeat themselves. Of more values than are remembered,
    those beyond are compared with the remembered ones only.
    """

    __slots__ = ("clashes", "seen")

    def __init__(self) -> None:
        self.seen: dict[int, int] | None = {}
        """A value's hash, and that of the first line with it; None when it is given up."""
        self.clashes = 0
        """How many events had another one's value."""

    def see(self, value: Any, line: int) -> None:
        """Take in the value of an event, and the hash of its line."""
        if self.seen is None:
            return
        key = hash(value)
        first = self.seen.get(key)
        if first is None:
            if len(self.seen) < MOST_IDENTITIES:
                self.seen[key] = line
        elif first != line:
            self.clashes += 1
            if self.clashes > len(self.seen) // 50 + 1:
                self.seen = None
