"""What a producing command sends: fake events or lines of a file, with poison and duplicates mixed in."""

import heapq
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sluice.errors import UsageError
from sluice.producer.keys import digest, fitting

if TYPE_CHECKING:
    from sluice.contract import Contract
    from sluice.contract.contract import EventType
    from sluice.contract.events import Event

Outgoing = tuple[str, bytes]
"""A partition key and a record's data."""

APART = 3_000
"""A duplicate follows its first within so many records: in the same batch, a later one, or far behind."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record to send. `known`: it is an event with an id, by which a second one is seen as the same."""

    key: str
    data: bytes
    known: bool


@dataclass(slots=True)
class Strays:
    """How many lines are no events of the contract, and what is wrong with the first of them."""

    count: int = 0
    first: str = ""

    def add(self, reason: str) -> None:
        """Take in one more."""
        self.first = self.first or reason
        self.count += 1


KeyOf = Callable[["EventType", "Event"], str | None]


def key_by(contract: "Contract", field: str | None) -> KeyOf:
    """Return what chooses an event's partition key: a field of it, or by default its id.

    Raises:
        UsageError: no event type has such a field.
    """
    if field is None:
        return lambda kind, event: fitting(kind.event_id(event))
    fields = {column.name: column.attribute for kind in contract.types.values() for column in kind.columns}
    if field not in fields:
        raise UsageError(
            f"--key {field}: no event type has this field; there are {', '.join(sorted(fields))}"
        )
    attribute = fields[field]

    def key_of(_: "EventType", event: "Event") -> str | None:
        value = getattr(event, attribute, None)
        return None if value is None else fitting(str(value))

    return key_of


def fakes(
    contract: "Contract", count: int, *, seed: int, key_of: KeyOf, rate: float | None = None
) -> Iterator[Item]:
    """Yield `count` fake events as records.

    The last of them happens now. Those that are sent at a `rate`, in events a second, happen as they are
    sent.
    """
    from sluice.contract.fake import STEP, fake_events

    start, step = (None, STEP) if rate is None else (datetime.now(UTC), 1 / rate)
    for event in fake_events(contract, seed=seed, count=count, start=start, step=step):
        kind = contract.type_of(event)
        data = contract.encode(event)
        yield Item(key_of(kind, event) or digest(data), data, kind.id_field is not None)


def from_lines(
    lines: Iterable[bytes | None], contract: "Contract", *, key_of: KeyOf, strays: Strays
) -> Iterator[Item | None]:
    """Yield each line as a record, whatever it holds: `strays` become dead letters further on."""
    from sluice.contract import ContractViolation

    for line in lines:
        if line is None:
            yield None
            continue
        try:
            event = contract.decode(line)
        except ContractViolation as violation:
            strays.add(str(violation))
            yield Item(digest(line), line, known=False)
            continue
        kind = contract.type_of(event)
        yield Item(key_of(kind, event) or digest(line), line, kind.id_field is not None)


def mixed(
    items: Iterable[Item | None],
    *,
    poison: float,
    duplicates: float,
    bad: Iterator[tuple[str, bytes]],
    rng: random.Random,
) -> Iterator[Outgoing | None]:
    """Yield the records, and on top `poison` per cent of bad ones and `duplicates` per cent sent twice.

    The shares are exact: 5 per cent of 1,000 records are 50, wherever they fall. Only events with an id are
    sent twice; without one each record is an event of its own.
    """
    sent = poisoned = doubled = 0
    later: list[tuple[int, int, str, bytes]] = []
    for item in items:
        if item is None:
            yield None
            continue
        yield item.key, item.data
        sent += 1
        while poisoned < _due(sent, poison):
            poisoned += 1
            _, data = next(bad)
            yield f"poison-{rng.getrandbits(40):010x}", data
        if item.known and doubled < _due(sent, duplicates):
            doubled += 1
            heapq.heappush(later, (sent + rng.randrange(APART), doubled, item.key, item.data))
        while later and later[0][0] <= sent:
            _, _, key, data = heapq.heappop(later)
            yield key, data
    while later:
        _, _, key, data = heapq.heappop(later)
        yield key, data


def _due(sent: int, percent: float) -> int:
    return int(sent * percent / 100 + 1e-9)
