"""Lambda's tumbling windows over a stream that is resharded, as unkindly as its documentation allows.

Records are handed over at least once: batches come again in another cut, from further back, with the state
of that moment, with an older one or with none; answers get lost; windows end early; mappings are made anew,
and the old one may go on beside the new one, even in the middle of its calls; the function is deployed anew.
"""

import base64
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from sluice.errors import DeliveryError
from sluice.publisher.publisher import Publisher
from sluice.windows.store import WindowTable
from tests.property.aggregator_rig import AFTER, BEFORE, Outside, Runtime, Tape
from tests.property.fake_kinesis import Arrival, FakeKinesis, Shard
from tests.property.fake_warehouse import FakeWarehouse
from tests.unit.delivery.builders import Killed, Time

WINDOW = 10_000
MOST_CALLS = 900


@dataclass(frozen=True)
class Place:
    """How far a mapping is in a shard: the next record, the window that is open, and its state."""

    next: int = 0
    window: int | None = None
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One invocation to make, and where the mapping is when it has succeeded, but for the state."""

    place: Place
    numbers: range
    window: int
    final: bool = False
    early: bool = False


@dataclass
class Poller:
    """A mapping's way through one shard."""

    shard: Shard
    place: Place = field(default_factory=Place)
    history: list[Place] = field(default_factory=list)
    again: Call | None = None


class World:
    """A stream, its mappings and the runtimes of one function."""

    def __init__(self, shards: list[Shard], tape: Tape) -> None:
        self.tape = tape
        start = min(shard.opened for shard in shards)
        self.kinesis = FakeKinesis(shards, start)
        self.outside = Outside(self.kinesis, tape)
        self.outside.meanwhile = self.interrupt
        self.end = max((one.at for shard in shards for one in shard.arrivals), default=start)
        self.mappings: list[dict[str, Poller]] = [{}]
        self.runtimes: list[Runtime | None] = [None, None]
        self.deployed = BEFORE
        self.calls = 0
        self.inside = False
        self.processes = 0
        self.troubled = False
        self.redriven: set[str] = set()
        self.warehouse = FakeWarehouse(tape)

    def run(self) -> None:
        """Let time pass and hand everything over, until all of it has come through; then take the census."""
        while not self.done():
            if self.calls > MOST_CALLS:
                raise AssertionError("this does not end")
            self.something_happens()
            for poller in self.pollers():
                self.advance(poller)
            self.pass_time()
        self.outside.arrive_late()
        self.kinesis.now += 60_000
        self.census()
        self.check_watermark()
        self.publish()

    def done(self) -> bool:
        if self.tape.next() < 1000 or self.kinesis.now <= self.end + 2 * WINDOW:
            return False
        return all(
            poller.again is None
            and poller.place.window is None
            and poller.place.next == len(poller.shard.arrivals)
            for poller in self.pollers()
        )

    def pollers(self) -> list[Poller]:
        """The pollers at work; new shards are found by and by."""
        for mapping in self.mappings:
            for shard in self.kinesis.shards:
                if shard.opened <= self.kinesis.now and shard.name not in mapping:
                    mapping[shard.name] = Poller(shard)
        return [poller for mapping in self.mappings for poller in mapping.values()]

    def pass_time(self) -> None:
        step = self.tape.next()
        self.kinesis.now += 4_000 if step >= 20 else 500 * step

    def something_happens(self) -> None:
        fault = self.tape.next()
        if fault == 0:
            self.mappings = [{}]
        elif fault == 1:
            self.mappings = [self.mappings[-1], {}]
        elif fault == 2:
            self.deployed = AFTER if self.deployed is BEFORE else BEFORE
            self.runtimes = [None, None]
        elif fault in (3, 4):
            self.redrive()
        elif fault == 5:
            self.runtimes[0] = None
        if self.tape.next() % 4 == 0:
            self.census()
        self.check_watermark()
        if self.tape.next() % 4 == 0:
            self.publish()

    def census(self) -> None:
        try:
            self.runtime().invoke({"source": "aws.events"})
        except Killed:
            self.runtimes, self.troubled = [None, None], True
        except DeliveryError:
            pass

    def publish(self) -> None:
        """Copy what is committed to BigQuery, as far as that goes, and see what is called complete there."""
        table = WindowTable(cast("Any", self.outside.dynamodb), "windows")
        publisher = Publisher(table, cast("Any", self.warehouse), now=self.outside.now)
        with suppress(DeliveryError):
            publisher.publish(Time().deadline(20))
        self.warehouse.check(table, self.kinesis.shards)

    def redrive(self) -> None:
        """Drive some of the letters in again, as somebody might at any time."""
        held = [
            letter
            for letter in self.outside.letterbox.held.values()
            if b"deadly" not in (letter.payload or b"")
        ]
        letters = {one.id.partition("/")[2] for one in held[self.tape.next() % 3 :: 2]}
        entries = [entry for shard in self.kinesis.shards for entry in returning(shard, letters)]
        try:
            answer = self.runtime().invoke({"Records": entries, "redrive": True})
        except Killed:
            self.runtimes, self.troubled = [None, None], True
        except DeliveryError:
            pass
        else:
            self.redriven |= {
                one for one, state in answer.get("outcomes", {}).items() if state != "dead_lettered"
            }

    def interrupt(self) -> None:
        """Let another invocation happen in the middle of one."""
        pollers = self.pollers()
        if self.inside or not pollers:
            return
        self.inside = self.troubled = True
        try:
            self.advance(pollers[self.tape.next() % len(pollers)])
        finally:
            self.inside = False

    def advance(self, poller: Poller) -> None:
        """Make the next call of a poller, if there is one, and take up what it answers."""
        call = self.next_call(poller)
        if call is None:
            return
        self.calls += 1
        before, poller.again = poller.place, call
        state = self.invoke(poller.shard, call)
        fault = self.tape.next()
        if poller.place is not before:
            return  # another call of this poller got in between: this one's answer is not waited for any more
        if state is None or fault == 0:
            self.hand_over_again(poller, call, fault)
            return
        poller.again = None
        poller.history.append(poller.place)
        ended = call.final or state is None
        poller.place = Place(call.numbers.stop, None if ended else call.window, {} if ended else state)

    def hand_over_again(self, poller: Poller, call: Call, fault: int) -> None:
        """A failed call comes again, as it was or not."""
        if fault == 1:
            poller.again = replace(call, place=replace(call.place, state={}))
        elif fault == 2 and poller.history:
            back = poller.history[-1 - self.tape.next() % len(poller.history)]
            lost = self.tape.next() < 10
            poller.place, poller.again = replace(back, state={}) if lost else back, None
        elif fault == 3 and len(call.numbers) > 1:
            half = call.numbers[: len(call.numbers) // 2]
            poller.again = replace(call, numbers=half, final=False, early=False)
        elif fault == 4 and poller.history:
            older = poller.history[-1 - self.tape.next() % len(poller.history)].state
            poller.again = replace(call, place=replace(call.place, state=older))

    def next_call(self, poller: Poller) -> Call | None:
        if poller.again is not None:
            return poller.again
        place, there = poller.place, poller.shard.there(self.kinesis.now)
        if place.next >= len(there):
            return self.close(poller)
        window = there[place.next].at // WINDOW
        if place.window not in (None, window):
            return Call(place, range(place.next, place.next), place.window or 0, final=True)
        size, stop = 1 + self.tape.next() % 4, place.next
        while stop < len(there) and stop - place.next < size and there[stop].at // WINDOW == window:
            stop += 1
        ends = self.tape.next()
        over = stop < len(there) and there[stop].at // WINDOW != window
        final = ends < (6 if over else 3)
        return Call(place, range(place.next, stop), window, final=final, early=final and not over)

    def close(self, poller: Poller) -> Call | None:
        """End the window that is open, if it is over, or the shard is, or sometimes before."""
        place, shard = poller.place, poller.shard
        if place.window is None:
            return None
        over = self.kinesis.now >= (place.window + 1) * WINDOW
        closed = shard.closed is not None and shard.closed <= self.kinesis.now
        if not over and not closed and self.tape.next() > 2:
            return None
        return Call(place, range(place.next, place.next), place.window, final=True, early=not over)

    def invoke(self, shard: Shard, call: Call) -> dict[str, Any] | None:
        """Return the state in the answer; None for a failed call."""
        at = int(self.inside)
        runtime = self.runtime(at)
        try:
            answer = runtime.invoke(lambda_event(shard, call))
        except Killed:
            self.runtimes[at], self.troubled = None, True
            return None
        except DeliveryError:
            if self.tape.next() < 10:  # for another process this one is as good as dead
                self.runtimes[at], self.troubled = None, True
            return None
        assert set(answer) == {"state"}
        state: dict[str, Any] = answer["state"]
        return state

    def runtime(self, at: int = 0) -> Runtime:
        found = self.runtimes[at]
        if found is None:
            self.processes += 1
            found = Runtime(self.outside, self.deployed, process=f"process {self.processes}")
            self.runtimes[at] = found
        return found

    def marks(self) -> dict[str, int]:
        items = self.outside.dynamodb.tables["windows"]
        return {
            lane: int(item["mark"]["S"])
            for (pk, lane), item in items.items()
            if pk == "lanes" and "mark" in item
        }

    def check_watermark(self) -> None:
        """All that arrived before the watermark is committed, and nothing will arrive before it any more."""
        item = self.outside.dynamodb.tables["windows"].get(("watermark", "-"))
        if item is None:
            return
        watermark, marks = int(item["through"]["N"]), self.marks()
        assert watermark <= self.kinesis.now
        for shard in self.kinesis.shards:
            for arrival in shard.arrivals:
                if arrival.at < watermark:
                    assert int(arrival.sequence) <= marks.get(shard.name, -1), (shard.name, arrival.number)


def lambda_event(shard: Shard, call: Call) -> dict[str, Any]:
    start = call.window * WINDOW
    return {
        "Records": records_of(shard.name, [shard.arrivals[number] for number in call.numbers]),
        "window": {"start": moment(start), "end": moment(start + WINDOW)},
        "state": call.place.state,
        "shardId": shard.name,
        "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/activity",
        "isFinalInvokeForWindow": call.final,
        "isWindowTerminatedEarly": call.early,
    }


def records_of(shard: str, arrivals: Sequence[Arrival]) -> list[dict[str, Any]]:
    return [
        {
            "kinesis": {
                "partitionKey": "key",
                "sequenceNumber": one.sequence,
                "data": base64.b64encode(one.data).decode(),
                "approximateArrivalTimestamp": one.at / 1000,
            },
            "eventSource": "aws:kinesis",
            "eventID": f"{shard}:{one.sequence}",
            "eventSourceARN": "arn:aws:kinesis:eu-central-1:123456789012:stream/activity/consumer/w:1",
        }
        for one in arrivals
    ]


def returning(shard: Shard, identities: Collection[str]) -> list[dict[str, Any]]:
    """Return the entries of these events, one by one, as a redrive brings them back."""
    found = []
    for arrival in shard.arrivals:
        for position, sub, data in arrival.events():
            if f"{shard.name}/{position}" in identities:
                (entry,) = records_of(shard.name, [Arrival(arrival.number, arrival.at, data)])
                if sub is not None:
                    entry["kinesis"]["subSequenceNumber"] = sub
                found.append(entry)
    return found


def moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
