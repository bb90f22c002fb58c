"""The records that `demo` and `produce` send, as their options describe them."""

import random
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sluice.cli.flow import Item, KeyOf, Outgoing, Strays, fakes, from_lines, key_by, mixed
from sluice.cli.lines import check_input, open_input, read_lines

if TYPE_CHECKING:
    from sluice.contract import Contract

COUNTED_BYTES = 512 * 1024 * 1024
"""Up to this size a file is read once before, to know how much there is to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Lines of `source` (a file, or - for stdin), or `count` fake events without one.

    With a source, `count` is the most lines to take, and `strays` tells of those that are no events. Fake
    events happen as they are sent if there is a `rate`, in events a second. `poison` and `duplicates` are per
    cent of the records, and come on top.
    """

    contract: "Contract"
    source: str | None
    count: int | None
    rate: float | None = None
    rebase_time: bool = False
    key: str | None = None
    seed: int | None = None
    poison: float = 0
    duplicates: float = 0
    strays: Strays = field(default_factory=Strays)

    def check(self) -> None:
        """Find out before anything is started that the input cannot be read; raises UsageError."""
        key_by(self.contract, self.key)
        if self.source is not None:
            check_input(self.source)

    @property
    def is_fake(self) -> bool:
        """Whether it makes events up."""
        return self.source is None and bool(self.count)

    def total(self) -> int | None:
        """Return how many records there will be, or None when only the end of the input tells."""
        count = self.count
        if self.source is not None:
            if self.source == "-" or Path(self.source).stat().st_size > COUNTED_BYTES:
                return None
            with open_input(self.source) as file:
                lines = sum(line is not None for line in read_lines(file, self.source))
            count = lines if count is None else min(count, lines)
        if count is None:
            return None
        return count + int(count * self.poison / 100) + int(count * self.duplicates / 100)

    def records(self) -> Iterator[Outgoing | None]:
        """Yield the records, as a producer takes them."""
        from sluice.contract.poison import poison_stream

        seed = random.SystemRandom().getrandbits(32) if self.seed is None else self.seed
        rng = random.Random(seed)  # noqa: S311 - a demo that can be repeated, no secret
        key_of = key_by(self.contract, self.key)
        with ExitStack() as stack:
            items: Iterable[Item | None]
            if self.source is None:
                items = fakes(self.contract, self.count or 0, seed=seed, key_of=key_of, rate=self.rate)
            else:
                items = self._from_input(stack, self.source, key_of)
            yield from mixed(
                items,
                poison=self.poison,
                duplicates=self.duplicates,
                bad=poison_stream(self.contract, rng),
                rng=rng,
            )

    def _from_input(self, stack: ExitStack, source: str, key_of: KeyOf) -> Iterator[Item | None]:
        lines = _first(read_lines(stack.enter_context(open_input(source)), source), self.count)
        if self.rebase_time:
            lines = self._rebased(lines, source)
        return from_lines(lines, self.contract, key_of=key_of, strays=self.strays)

    def _rebased(self, lines: Iterator[bytes | None], source: str) -> Iterator[bytes | None]:
        """Shift the event times; a pipe is kept in memory for it, a file is read twice."""
        from sluice.contract.rebase import newest_time, rebase

        if source == "-":
            kept = [line for line in lines if line is not None]
            return iter(rebase(self.contract, kept, newest_time(self.contract, kept)))
        with open_input(source) as file:
            newest = newest_time(
                self.contract, (line for line in _first(read_lines(file, source), self.count) if line)
            )
        return rebase(self.contract, (line for line in lines if line), newest)


def _first(lines: Iterator[bytes | None], count: int | None) -> Iterator[bytes | None]:
    left = sys.maxsize if count is None else count
    if left <= 0:
        return
    for line in lines:
        yield line
        left -= line is not None
        if left <= 0:
            return
