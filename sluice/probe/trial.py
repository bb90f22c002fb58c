"""One trial at work: it sends records to one shard, and looks at what the function noted of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sluice.probe.orders import OTHER, Order, Record, Seen
from sluice.records.aggregate import Aggregate

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

    from sluice.probe.given_up import GivenUp
    from sluice.probe.ground import Ground, Patience
    from sluice.probe.journal import Journal

_MOST_TRIES: Final = 60
_PAUSE_SECONDS: Final = 0.5


class Silence(Exception):  # noqa: N818 - what the trial ends with
    """Nothing at all came of what was sent: whether the mapping, the function or the journal is to blame."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that records can be sent to, by a hash key of its own."""

    id: str
    hash_key: str


@dataclass(kw_only=True)
class Trial:
    """A case's way to its mapping's stream, on one shard; `sent` has sequence numbers by the records' own."""

    case: str
    mapping: str
    run: str
    stream: str
    shard: Shard
    kinesis: "KinesisClient"
    journal: "Journal"
    queue: "GivenUp"
    ground: "Ground"
    patience: "Patience"
    sleep: Callable[[float], None]
    clock: Callable[[], float] = time.time
    sent: dict[int, int] = field(default_factory=dict)

    def order(self, n: int, **more: Any) -> Order:
        """Make an order for the trial's mapping."""
        return Order(to=self.mapping, run=self.run, case=self.case, n=n, **more)

    def send(self, *orders: Order, key: str | None = None) -> None:
        """Send orders one after the other, in their order."""
        for order in orders:
            self._put(order.n, msgspec.json.encode(order), key or f"key-{order.n}")

    def send_no_json(self, n: int) -> None:
        """Send a record that is no JSON, nor UTF-8."""
        self._put(n, b"%b%b %b %d \xff\xfe" % (OTHER, self.run.encode(), self.case.encode(), n), "other")

    def send_aggregate(self, *orders: Order) -> None:
        """Send one record that the Kinesis Producer Library would make of the orders.

        Readers drop what does not hash to the shard that they found it on, so each order says that it does.
        """
        aggregate = Aggregate()
        for order in orders:
            aggregate.add(f"key-{order.n}", msgspec.json.encode(order), self.shard.hash_key)
        self._put(orders[0].n, aggregate.encode(), "aggregate")

    def seen(self) -> list[Seen]:
        """Return what the function noted of the case until now."""
        return self.journal.read(self.case)

    def until(self, done: Callable[[list[Seen]], object], seconds: float | None = None) -> list[Seen]:
        """Return what was seen once that is enough, or after so long.

        Raises:
            Silence: nothing was seen.
        """
        limit = self.clock() + (self.patience.seconds if seconds is None else seconds)
        while not done(seen := self.seen()) and self.clock() < limit:
            self.sleep(self.patience.poll_seconds)
        if not seen:
            raise Silence(f"nothing reached the mapping {self.mapping}")
        return seen

    def until_seen(self, *numbers: int) -> list[Seen]:
        """Return what was seen once each of these records was."""
        return self.until(lambda seen: set(numbers) <= {n for each in seen for n in each.numbers})

    def until_given_up(self, seconds: float | None = None) -> list[dict[str, Any]]:
        """Return Lambda's messages about the case's records, once there is one, or none after so long."""
        limit = self.clock() + (self.patience.seconds if seconds is None else seconds)
        while not (found := self.queue.about(self.sent.values())) and self.clock() < limit:
            self.sleep(self.patience.poll_seconds)
        return found

    def _put(self, n: int, data: bytes, key: str) -> None:
        for _ in range(_MOST_TRIES):
            try:
                answer = self.kinesis.put_record(
                    StreamName=self.stream, Data=data, PartitionKey=key, ExplicitHashKey=self.shard.hash_key
                )
            except self.kinesis.exceptions.ProvisionedThroughputExceededException:
                self.sleep(_PAUSE_SECONDS)
                continue
            self.sent[n] = int(answer["SequenceNumber"])
            return
        raise Silence(f"the stream {self.stream} throttled every attempt to send")


def sequences(seen: Seen) -> list[int]:
    """Return the sequence numbers of the case's records in an invocation."""
    return [int(each.sequence) for each in seen.records]


def having(seen: Sequence[Seen], n: int) -> list[Seen]:
    """Return the invocations that had a record."""
    return [each for each in seen if n in each.numbers]


def each_once(seen: Sequence[Seen]) -> list[Record]:
    """Return the records that were seen, each as it came first."""
    found: dict[tuple[str, int], Record] = {}
    for invocation in seen:
        for record in invocation.records:
            found.setdefault((record.sequence, record.n), record)
    return list(found.values())
