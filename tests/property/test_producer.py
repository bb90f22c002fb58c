"""A producer over a stream that throttles, breaks, answers late, takes in without answering, and reshards.

Whatever happens, in whatever order requests come back: each event is confirmed once or given up and told;
what is confirmed is in the stream; where order is asked for, events of a key arrive in it, repetitions apart;
and a reader that drops what is outside its shard's range, as those with the Kinesis Client Library do, misses
nothing.
"""

import hashlib
from collections import defaultdict
from threading import Condition
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.producer.destinations import HASHES, Answer, Placed
from sluice.producer.failures import Failure, Why
from sluice.producer.receipts import Parcel, Receipt
from sluice.producer.settings import Settings
from sluice.producer.shards import Shards
from sluice.producer.work import Work
from sluice.records.aggregate import is_aggregate, unpack

SLOW = Failure(Why.PASSING, "ProvisionedThroughputExceededException", "Rate exceeded for shard")
LOST = Failure(Why.PASSING, "ReadTimeoutError")
BAD = Failure(Why.RECORD, "ValidationException")

ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5)),
        st.tuples(st.just("send"), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.floats(0, 3)),
        st.tuples(st.just("split"), st.integers(0, 3)),
        st.tuples(st.just("merge"), st.integers(0, 3)),
    ),
    max_size=70,
)
FATES = st.lists(st.sampled_from(["take", "take", "take", "slow", "lost", "unanswered", "half"]), max_size=60)


def hashed(key: str) -> int:
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")


class World:
    """A stream whose shards split and merge, and the producer's work on it."""

    def __init__(self, chosen: Settings) -> None:
        self.now = 0.0
        self.named = 2
        self.ranges = {"s0": (0, HASHES // 2 - 1), "s1": (HASHES // 2, HASHES - 1)}
        self.open = ["s0", "s1"]
        self.version = 1
        self.log: list[tuple[str, tuple[str, bytes, str | None]]] = []
        self.flying: list[tuple[list[Parcel], list[Answer]]] = []
        self.receipts: list[Receipt] = []
        self.datas: list[tuple[str, bytes]] = []
        self.settled: list[Receipt] = []
        self.aggregate = chosen.aggregate
        self.work = Work(chosen, self.shards() if chosen.aggregate else None, jitter=lambda: 0.5)

    def shards(self) -> Shards:
        opened = tuple(sorted((self.ranges[name][0], name) for name in self.open))
        return Shards(self.version, opened, dict(self.ranges))

    def put(self, key: int) -> None:
        data = b"%d:%d" % (key, len(self.receipts))
        receipt = Receipt(f"key-{key}", data, None, len(data) + 64, Condition())
        if self.work.has_room(receipt.size):
            self.receipts.append(receipt)
            self.datas.append((receipt.key, data))
            self.work.add(receipt, self.now)

    def reshard(self, kind: str, which: int) -> None:
        names = sorted(self.open, key=lambda name: self.ranges[name])
        name = names[which % len(names)]
        first, last = self.ranges[name]
        if kind == "split" and len(names) < 6:
            middle = first + (last - first) // 2
            self._replace([name], [(first, middle), (middle + 1, last)])
        elif kind == "merge" and name != names[-1]:
            other = names[names.index(name) + 1]
            self._replace([name, other], [(first, self.ranges[other][1])])

    def _replace(self, old: list[str], new: list[tuple[int, int]]) -> None:
        self.open = [name for name in self.open if name not in old]
        for span in new:
            name = f"s{self.named}"
            self.named += 1
            self.ranges[name] = span
            self.open.append(name)

    def answer(self, row: tuple[str, bytes, str | None], fate: str) -> Answer:
        if fate in ("slow", "lost"):
            return SLOW if fate == "slow" else LOST
        place = hashed(row[0]) if row[2] is None else int(row[2])
        shard = next(name for name in self.open if self.ranges[name][0] <= place <= self.ranges[name][1])
        self.log.append((shard, row))
        return LOST if fate == "unanswered" else Placed(shard, str(len(self.log)))

    def send(self, fate: str, *, urgent: bool = False) -> bool:
        """Let a request go; it takes effect now, and its answer comes some time later."""
        taken = self.work.take(self.now, all_at_once=urgent)
        if not isinstance(taken, list):
            return False
        lanes = [parcel.lane for parcel in taken if parcel.lane is not None]
        assert len(set(lanes)) == len(lanes)
        fates = [
            "take" if fate == "half" and n % 2 else "slow" if fate == "half" else fate for n in range(500)
        ]
        answers = [self.answer(parcel.row, one) for parcel, one in zip(taken, fates, strict=False)]
        self.flying.append((taken, answers))
        return True

    def land(self, which: int) -> None:
        if not self.flying:
            return
        parcels, answers = self.flying.pop(which % len(self.flying))
        if self.work.outdated(parcels, answers) is not None:
            self.version += 1
            self.work.renew(self.shards(), self.now)
        self.settled += self.work.settle(parcels, answers, self.now)

    def finish(self) -> None:
        for _ in range(2000):
            if not self.work.pending:
                return
            self.now += 0.5
            while self.send("take", urgent=True):
                pass
            self.land(0)
        raise AssertionError("the producer hangs")

    def seen(self, *, drops: bool) -> list[bytes]:
        """What a reader finds, in order within each shard; one that `drops` heeds its shard's range."""
        found: list[bytes] = []
        for shard, (key, data, _) in self.log:
            users = unpack(data) if is_aggregate(data) else []
            first, last = self.ranges[shard]
            found += [u.data for u in users if not drops or first <= hashed(u.partition_key) <= last]
            if not users:
                assert first <= hashed(key) <= last
                found.append(data)
        return found


def go_through(world: World, actions: list[tuple[str, Any]], fates: list[str]) -> None:
    turn = iter(fates)
    for action, value in actions:
        if action == "put":
            world.put(value)
        elif action == "send":
            world.send(next(turn, "take"))
            if value:
                world.land(value)
        elif action == "wait":
            world.now += value
        else:
            world.reshard(action, value)
    world.finish()


def check(world: World, *, ordered: bool) -> None:
    assert len(world.settled) == len(world.receipts) == len({id(each) for each in world.settled})
    assert all(receipt.placed is not None and receipt.failure is None for receipt in world.receipts)
    everything = [data for _, data in world.datas]
    assert set(world.seen(drops=False)) == set(everything)
    assert set(world.seen(drops=True)) == set(everything)
    report = world.work.report()
    assert (report.accepted, report.pending, report.undelivered) == (len(everything), 0, 0)
    if ordered:
        arrived, put = defaultdict(list), defaultdict(list)
        for data in dict.fromkeys(world.seen(drops=True)):
            arrived[data.partition(b":")[0]].append(data)
        for data in everything:
            put[data.partition(b":")[0]].append(data)
        assert arrived == put


@settings(deadline=None, max_examples=100)
@given(
    actions=ACTIONS,
    fates=FATES,
    ordered=st.booleans(),
    aggregate=st.booleans(),
    batch=st.sampled_from([1, 3, 500]),
    rate=st.sampled_from([None, 5.0]),
)
def test_nothing_is_lost_disordered_or_put_where_no_reader_sees_it(
    actions: list[tuple[str, Any]], fates: list[str], batch: int, rate: float | None, **modes: Any
) -> None:
    world = World(Settings(max_batch_records=batch, rate=rate, max_pending_records=40, **modes))
    go_through(world, actions, fates)
    check(world, ordered=modes["ordered"])


@settings(deadline=None, max_examples=200)
@given(
    actions=st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.integers(0, 3)),
            st.tuples(st.just("put"), st.integers(0, 3)),
            st.tuples(st.just("send"), st.integers(0, 2)),
            st.tuples(st.sampled_from(["split", "merge"]), st.integers(0, 3)),
        ),
        min_size=10,
        max_size=60,
    ),
    fates=FATES,
)
def test_aggregates_keep_the_order_of_keys_through_reshards(
    actions: list[tuple[str, Any]], fates: list[str]
) -> None:
    world = World(Settings(ordered=True, aggregate=True, linger=0, max_batch_records=1))
    go_through(world, actions, fates)
    check(world, ordered=True)


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(1, 60),
    fates=st.lists(st.sampled_from(["take", "bad", "lost"]), max_size=40),
    ordered=st.booleans(),
    aggregate=st.booleans(),
)
def test_each_event_is_confirmed_or_given_up_and_never_both(
    count: int, fates: list[str], **modes: Any
) -> None:
    world = World(Settings(max_batch_records=7, retry_for=2, linger=0, **modes))
    for number in range(count):
        world.put(number % 4)
    turn = iter(fates)
    for _ in range(400):
        taken = world.work.take(world.now, all_at_once=True)
        if isinstance(taken, list):
            fated = [next(turn, "lost") for _ in taken]
            answers = [
                BAD if fate == "bad" else world.answer(parcel.row, fate)
                for parcel, fate in zip(taken, fated, strict=True)
            ]
            world.settled += world.work.settle(taken, answers, world.now)
        world.now += 0.3
    assert not world.work.pending
    assert len(world.settled) == count == len({id(receipt) for receipt in world.settled})
    assert all((each.placed is None) != (each.failure is None) for each in world.receipts)
    confirmed = {b"%d:%d" % (n % 4, n) for n, each in enumerate(world.receipts) if each.placed}
    assert set(world.seen(drops=False)) == confirmed
    assert all(each.data for each in world.receipts if each.failure)
    report = world.work.report()
    assert report.accepted + report.undelivered == count


def test_a_shard_newer_than_the_map_is_asked_about_even_when_the_map_was_just_read() -> None:
    world = World(Settings(aggregate=True, linger=0, max_batch_records=1))
    for number in range(40):
        world.put(number % 6)
    packed = {}
    while isinstance(taken := world.work.take(world.now, all_at_once=True), list):
        packed[taken[0].shard] = taken
    assert set(packed) == {"s0", "s1"}
    world.reshard("split", 1)
    world.flying.append((packed["s1"], [world.answer(packed["s1"][0].row, "take")]))
    world.land(0)
    world.reshard("split", 0)  # after its aggregate was packed by the first map and the second was read
    world.flying.append((packed["s0"], [world.answer(packed["s0"][0].row, "take")]))
    world.land(0)
    world.finish()
    check(world, ordered=False)
