"""Whatever fails and however batches are cut: each event ends in exactly one state, and the books say which.

A model of Lambda's loop over one shard hands random records, some of them aggregates, to the real processor,
over the ledger in moto. A tape of numbers decides what goes wrong; when it is used up nothing does any more,
and everything must end.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, SKIPPED, Accepted, Outcome, Rejected, Retry
from sluice.delivery.entries import DELIVERY, lane_of
from sluice.errors import DeliveryError
from sluice.records import Record
from sluice.records.aggregate import Aggregate
from tests.unit.delivery.aws import TABLE, Aws, refusal, running
from tests.unit.delivery.builders import Killed, event_of, record, sequence, visit
from tests.unit.delivery.rig import Rig

NATURES = ("good", "good", "good", "good", "poison", "rejected", "skipped", "killer", "deadly")
EXPECTED = {"poison": "contract", "rejected": "rejected", "killer": "crash", "deadly": "crash"}
"""The dead letters' kinds. A killer kills whoever reads it, a deadly record whoever delivers it."""

CALM = 1000
MOST_INVOCATIONS = 600

shards = count()


class Tape:
    """Decides what goes wrong, until it is used up."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = list(numbers)

    def next(self) -> int:
        return self._numbers.pop() if self._numbers else CALM


class Letterbox:
    """A queue that may fail, before or after it took the letters."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.held: dict[str, DeadLetter] = {}

    def send(self, letters: Sequence[DeadLetter], deadline: Deadline) -> dict[str, str]:  # noqa: ARG002 - the protocol's
        failed: dict[str, str] = {}
        for letter in letters:
            fault = self.tape.next()
            if fault == 0:
                raise Killed
            if fault not in (1, 2):
                self.held[letter.id] = letter
            if fault in (1, 2, 3):
                failed[letter.id] = "no"
            if fault == 4:
                raise Killed
        return failed


class World:
    """One shard, its records and everything that they pass through.

    Events are numbered from 0, one for each nature. `sizes` says how many of them a Kinesis record holds, 0
    for a plain one; what is left over comes in plain ones.
    """

    def __init__(
        self, aws: Aws, natures: Sequence[str], tape: Tape, *, bisects: bool, sizes: Sequence[int] = ()
    ) -> None:
        self.aws = aws
        self.places: list[tuple[int, int | None]] = []
        for index, size in enumerate([*sizes, *([0] * len(natures))]):
            self.places += [(index, None)] if not size else [(index, sub) for sub in range(size)]
        del self.places[len(natures) :]
        self.kinesis = self.places[-1][0] + 1
        self.shard = f"shardId-{next(shards):012d}"
        self.natures = natures
        self.tape = tape
        self.bisects = bisects
        self.letterbox = Letterbox(tape)
        self.sink: dict[str, Accepted] = {}
        self.blamed: set[str] = set()
        self.queue: list[list[int]] = []
        self.next = 0
        self.invocations = 0
        self.runtime: Rig | None = None
        self.silence = 0

    def data(self, number: int) -> bytes:
        return b"not json" if self.natures[number] == "poison" else visit(number)

    def record(self, index: int) -> Record:
        """Return a Kinesis record: an aggregate, or a plain one."""
        inside = [number for number, (at, _) in enumerate(self.places) if at == index]
        if self.places[inside[0]][1] is None:
            return record(index, self.data(inside[0]), self.shard)
        aggregate = Aggregate()
        for number in inside:
            aggregate.add(f"user-{number}", self.data(number))
        return record(index, aggregate.encode(), self.shard)

    def position(self, number: int) -> str:
        index, sub = self.places[number]
        return sequence(index) if sub is None else f"{sequence(index)}:{sub}"

    def number(self, accepted: Accepted) -> int:
        return int(accepted.event.id[1:])  # type: ignore[attr-defined] # a Visit

    def hook(self, step: str, about: Any) -> None:
        if step in ("decode", "prepare"):
            if step == "decode" and about in self.deadly("killer"):
                raise Killed
            if self.tape.next() == 0:
                raise Killed
            return
        if step == "deliver" and any(self.natures[self.number(each)] == "deadly" for each in about):
            raise Killed
        ledger = step.startswith(("query", "update_item"))
        if ledger and self.silence:
            self.silence -= 1
            raise refusal()
        fault = self.tape.next()
        if fault == 0:
            raise Killed
        if fault == 3 and ledger:
            self.silence = 25  # longer than an invocation keeps asking
        if fault in (1, 2, 3):
            raise refusal() if ledger else RuntimeError(step)

    def deadly(self, nature: str) -> set[bytes]:
        return {visit(number) for number, each in enumerate(self.natures) if each == nature}

    def decide(self, accepted: Accepted) -> Outcome:
        if self.tape.next() < 4:
            return Retry("busy")
        match self.natures[self.number(accepted)]:
            case "rejected":
                return Rejected("no")
            case "skipped":
                return SKIPPED
            case _:
                return DELIVERED

    def run(self) -> None:
        """Hand over the shard's records as Lambda does, until all have passed."""
        while (batch := self.next_batch()) and self.invocations < MOST_INVOCATIONS:
            self.invocations += 1
            answer = self.invoke(batch)
            if answer is None and self.bisects and len(batch) > 1:
                middle = len(batch) // 2
                self.queue[:0] = [batch[:middle], batch[middle:]]
            elif answer is None:
                self.queue.insert(0, batch)
            elif answer:
                self.queue.insert(0, [n for n in batch if int(sequence(n)) >= int(answer)])
        assert self.invocations < MOST_INVOCATIONS

    def next_batch(self) -> list[int]:
        fault = self.tape.next()
        if fault == 0:
            self.queue, self.next = [], 0  # a mapping made anew, from the stream's beginning on
        elif fault == 1 and self.queue:
            self.next = self.queue[0][0]  # the rest of a batch may come in another cut
            self.queue = []
        if self.queue:
            return self.queue.pop(0)
        size = 1 + self.tape.next() % 7
        batch = list(range(self.next, min(self.next + size, self.kinesis)))
        self.next += len(batch)
        return batch

    def invoke(self, batch: list[int]) -> str | None:
        """Return the first failure, "" for none, None for a function error."""
        if self.runtime is None:
            self.runtime = Rig(self.aws, hook=self.hook, decide=self.decide, letterbox=self.letterbox)
            self.runtime.sink.held = self.sink
        time = self.runtime.time
        started = time.now
        try:
            answer = self.runtime.invoke(event_of(self.record(index) for index in batch))
        except Killed:
            self.runtime = None
            self.blame()
            return None
        except DeliveryError:
            if self.tape.next() < 10:
                self.runtime = (
                    None  # the next attempt comes to another runtime, for which this one is as good as dead
                )
                self.blame()
            return None
        assert time.now - started <= 20
        failures = answer["batchItemFailures"]
        assert len(failures) <= 1
        return failures[0]["itemIdentifier"] if failures else ""

    def blame(self) -> None:
        """Note which records an attempt that never ended had in hand: they become dead letters."""
        items = self.aws.dynamodb.query(
            TableName=TABLE,
            KeyConditionExpression="lane = :lane",
            ExpressionAttributeValues={":lane": {"S": lane_of("bigquery", self.shard)}},
        )["Items"]
        self.blamed |= {
            item["suspect"]["S"]
            for item in items
            if "suspect" in item and item["suspect"]["S"] != DELIVERY and "-" not in item["suspect"]["S"]
        }

    def letters(self) -> dict[int, str]:
        known = {f"bigquery/{self.shard}/{self.position(n)}": n for n in range(len(self.natures))}
        return {known[id_]: letter.kind for id_, letter in self.letterbox.held.items()}


def check_states(world: World) -> None:
    """Each record is where it belongs; one that was in hand when the function died may be put aside."""
    letters = world.letters()
    held = {world.number(accepted) for accepted in world.sink.values()}
    for number, nature in enumerate(world.natures):
        if nature in ("killer", "deadly"):
            assert letters[number] == "crash"
            assert number not in held
        elif world.position(number) in world.blamed:
            assert number in letters or number in held or nature == "skipped"
        else:
            assert letters.get(number) == EXPECTED.get(nature), (number, nature)
            assert (number in held) == (nature == "good"), (number, nature)


def check_books(world: World) -> None:
    """The closed entries hold each record once, and their counts are the truth."""
    closed = Rig(world.aws).closed(world.shard)
    assert all(before.last < after.first for before, after in pairwise(closed))
    for number in range(len(world.natures)):
        place = int(sequence(world.places[number][0]))
        assert sum(entry.first <= place <= entry.last for entry in closed) == 1
    totals = Counter(
        delivered=sum(entry.delivered for entry in closed),
        dead_lettered=sum(entry.dead_lettered for entry in closed),
        skipped=sum(entry.skipped for entry in closed),
    )
    assert totals.total() == len(world.natures)
    assert sum(entry.records for entry in closed) == world.kinesis
    assert sum(sum(entry.latency.values()) for entry in closed) == len(world.natures)
    innocent = {
        world.position(n) for n, nature in enumerate(world.natures) if nature not in ("killer", "deadly")
    }
    if not world.blamed & innocent:
        natures = Counter(world.natures)
        assert totals["delivered"] == natures["good"]
        assert totals["skipped"] == natures["skipped"]
        assert totals["dead_lettered"] == len(world.letters())


def check_calm(world: World) -> None:
    """What comes after is handled as if nothing had been."""
    rig = Rig(world.aws)
    number = len(world.natures)
    assert rig.invoke(event_of([record(world.kinesis, visit(number), world.shard)])) == {
        "batchItemFailures": []
    }
    assert rig.marks == []


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    natures=st.lists(st.sampled_from(NATURES), min_size=1, max_size=14),
    tape=st.lists(st.integers(0, 60), max_size=250),
    bisects=st.booleans(),
    sizes=st.lists(st.integers(0, 5), max_size=6),
)
def check(aws: Aws, natures: list[str], tape: list[int], sizes: list[int], *, bisects: bool) -> None:
    world = World(aws, natures, Tape(tape), bisects=bisects, sizes=sizes)
    world.run()
    check_states(world)
    check_books(world)
    check_calm(world)


def test_each_event_ends_in_one_state_and_the_books_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    for groups in ("GROUPS", "DELIVERED_GROUPS"):  # so that small aggregates, too, are searched in steps
        monkeypatch.setattr(f"sluice.delivery.attempt.{groups}", 2)
    with running() as aws:
        check(aws)
