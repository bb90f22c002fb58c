"""A filtered mapping hands over all that matches and counts all that does not, whatever fails on the way."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_simulation import MemoryStream, Simulation
from sluice.local.mapping_types import Invocation, MappingConfig, ShardInfo, StreamRecord, Verdict
from sluice.records.aggregate import Aggregate

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
FIRST = 10**20
SHARD = "s0"

RECORDS = st.lists(st.lists(st.booleans(), max_size=4), min_size=1, max_size=12)
"""Which events of each record match; none: the record is no JSON, several: it is an aggregate."""

FATES = st.lists(st.sampled_from(["answers", "fails", "fails in part", "is restored"]), max_size=12)


class World:
    """A mapping over records that know which of their events match."""

    def __init__(self, records: list[list[bool]], fates: list[str], config: MappingConfig) -> None:
        self.clock, self.machine = FakeClock(), Mapping(config)
        self.stream = MemoryStream([ShardInfo(SHARD)])
        self.simulation = Simulation(self.machine, self.stream, self._handle, self.clock)
        self.delivered: list[str] = []
        self.batches: list[list[str]] = []
        self._fates = iter(fates)
        self.matching = [
            f"{place}.{sub}"
            for place, events in enumerate(records)
            for sub, matches in enumerate(events)
            if matches
        ]
        self.stream.put(SHARD, list(self._records(records)))

    def _records(self, records: list[list[bool]]) -> Iterator[StreamRecord]:
        for place, events in enumerate(records):
            bodies = [
                json.dumps({"id": f"{place}.{sub}", "wanted": matches}).encode()
                for sub, matches in enumerate(events)
            ]
            data = bodies[0] if len(bodies) == 1 else b"no json"
            if len(bodies) > 1:
                packed = Aggregate()
                for sub, body in enumerate(bodies):
                    packed.add(str(sub), body)
                data = packed.encode()
            yield StreamRecord(str(FIRST + place), self.clock.now(), b64encode(data).decode(), str(place % 3))

    def _handle(self, payload: bytes) -> tuple[Invocation, float]:
        entries = [one["kinesis"] for one in json.loads(payload)["Records"]]
        ids = [json.loads(b64decode(one["data"]))["id"] for one in entries]
        self.batches.append(ids)
        fate = next(self._fates, "answers")
        answer: dict[str, Any] = {}
        if fate == "fails":
            return Invocation(Verdict.FAILED, error="broken"), 0.1
        if fate == "fails in part":
            lowest = entries[len(entries) // 2]["sequenceNumber"]
            answer = {"batchItemFailures": [{"itemIdentifier": lowest}]}
            ids = ids[: [one["sequenceNumber"] for one in entries].index(lowest)]
        if fate == "is restored":
            checkpoint = self.machine.checkpoint(SHARD)
            assert checkpoint is not None
            self.machine.restore(SHARD, checkpoint)
        self.delivered += ids
        return Invocation(Verdict.ANSWERED, json.dumps(answer).encode()), 0.1


@settings(max_examples=150, deadline=None)
@given(
    records=RECORDS,
    fates=FATES,
    size=st.integers(1, 5),
    lanes=st.sampled_from([1, 3]),
    bisect=st.booleans(),
)
def test_all_that_matches_is_handed_over_and_all_else_is_counted(
    records: list[list[bool]],
    fates: list[str],
    size: int,
    lanes: int,
    bisect: bool,  # noqa: FBT001 - hypothesis gives it by name
) -> None:
    config = MappingConfig(
        uuid="u",
        function="f",
        source_arn=STREAM + "/consumer/route:1",
        stream_arn=STREAM,
        filters=('{"data": {"wanted": [true]}}',),
        batch_size=size,
        parallelization=lanes,
        bisect=bisect,
        poll_seconds=10,
        report_failures=True,
    )
    world = World(records, fates, config)
    world.simulation.run(world.clock.now() + 600)
    assert set(world.delivered) == set(world.matching)
    if "is restored" not in fates:
        assert sorted(world.delivered) == sorted(world.matching)
    if lanes == 1:
        firsts = list(dict.fromkeys(world.delivered))
        assert firsts == world.matching
    for batch in world.batches:
        for place in {name.partition(".")[0] for name in batch}:
            mine = [name for name in batch if name.partition(".")[0] == place]
            assert mine == [name for name in world.matching if name.partition(".")[0] == place]
    dropped = sum((not events) + sum(not matches for matches in events) for events in records)
    unpacked = [events for events in records if len(events) > 1]
    tally = world.machine.tally
    assert (tally.filtered, tally.aggregates) == (dropped, len(unpacked))
    assert tally.unpacked == sum(map(len, unpacked))
    assert world.machine.settled >= len(records)
    checkpoint = world.machine.checkpoint(SHARD)
    assert checkpoint is not None
    assert checkpoint.sequence == str(FIRST + len(records) - 1)
