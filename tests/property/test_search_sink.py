"""Whatever a cluster answers, what the search sink says of each event is true of the cluster."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.deadline import Deadline
from sluice.delivery import Delivered, Rejected, Retry
from sluice.sinks.answers import Answer, NoAnswer
from sluice.sinks.opensearch.bulk import BulkWriter, Limits, Operation
from tests.unit.delivery.builders import Time

MAPPING = {"type": "mapper_parsing_exception", "reason": "failed to parse field [n] of type [long]"}
ODD = {"type": "never_seen_exception", "reason": "what"}

OF_AN_ITEM = ["take", "take", "take", "full", "odd", "closed"]
OF_A_REQUEST = ["answer", "answer", "answer", "answer", "lost", "cut", "garbled", "short", "busy", "large"]


class RandomCluster:
    """Holds documents as OpenSearch does; draws how each request, and each event in it, fares."""

    def __init__(self, chance: Random, unmapped: set[str]) -> None:
        self.held: dict[tuple[str, str], tuple[int, str]] = {}
        self._chance = chance
        self._unmapped = unmapped

    def bulk(self, body: bytes, deadline: Deadline, attempt: int) -> Answer:
        assert deadline
        assert attempt
        trouble = self._chance.choice(OF_A_REQUEST)
        if trouble == "lost":
            raise NoAnswer("lost")
        if trouble == "busy":
            return Answer(429, b"")
        lines = [json.loads(line) for line in body.split(b"\n")[:-1]]
        if trouble == "large" and len(lines) > 2:
            return Answer(413, b"")
        items = list(self._taken(lines))
        if trouble == "cut":
            raise NoAnswer("cut")
        if trouble == "garbled":
            return Answer(200, json.dumps({"items": items})[:-3])
        if trouble == "short":
            return Answer(200, json.dumps({"items": items[:-1]}))
        return Answer(200, json.dumps({"errors": True, "items": items}))

    def _taken(self, lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            ((kind, where),) = action.items()
            yield {kind: self._take(kind, where, document)}

    def _take(self, kind: str, where: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        key, version = (where["_index"], where["_id"]), where.get("version", 1)
        if document["tag"] in self._unmapped:
            return {"status": 400, "error": MAPPING}
        trouble = self._chance.choice(OF_AN_ITEM)
        if trouble == "full":
            return {"status": 429, "error": {"type": "rejected_execution_exception", "reason": "full"}}
        if trouble == "odd":
            return {"status": 400, "error": ODD}
        if trouble == "closed":
            return {"status": 400, "error": {"type": "index_closed_exception", "reason": "closed"}}
        if key in self.held and (kind == "create" or version <= self.held[key][0]):
            conflict = {"type": "version_conflict_engine_exception", "reason": "conflict"}
            return {"status": 409, "error": conflict}
        self.held[key] = version, document["tag"]
        return {"status": 201}


def operation(tag: str, index: str, name: str, version: int | None) -> Operation:
    where: dict[str, Any] = {"_index": index, "_id": name}
    if version is not None:
        where |= {"version": version, "version_type": "external"}
    action = {"index" if version is not None else "create": where}
    document = {"tag": tag}
    return Operation(
        index, name, json.dumps(action).encode(), json.dumps(document).encode(), version is not None
    )


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    events=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("1234"), st.integers(0, 3), st.booleans()),
        min_size=1,
        max_size=14,
    ),
    versioned=st.booleans(),
    limits=st.builds(
        Limits, concurrency=st.just(1), documents=st.integers(1, 6), bytes=st.integers(50, 1000)
    ),
)
def test_what_is_called_delivered_is_held_and_what_is_rejected_is_at_fault(
    *, seed: int, events: list[tuple[str, str, int, bool]], versioned: bool, limits: Limits
) -> None:
    tags = [str(number) for number in range(len(events))]
    unmapped = {tag for tag, event in zip(tags, events, strict=True) if event[3]}
    cluster: Any = RandomCluster(Random(seed), unmapped)  # noqa: S311 - a draw that can be repeated, no secret
    operations = [
        operation(tag, index, name, version if versioned else None)
        for tag, (index, name, version, _) in zip(tags, events, strict=True)
    ]
    outcomes = BulkWriter(cluster, limits).write(operations, Time().deadline(8))
    assert len(outcomes) == len(operations)
    taking = {index for index, _ in cluster.held}
    for (index, name, version, bad), outcome in zip(events, outcomes, strict=True):
        held = cluster.held.get((index, name))
        if isinstance(outcome, Delivered):
            assert held is not None
            assert not versioned or held[0] >= version
        elif isinstance(outcome, Rejected):
            assert bad or index in taking or "larger" in outcome.reason
        else:
            assert isinstance(outcome, Retry)
    if not versioned:
        for (index, name), (_, tag) in cluster.held.items():
            earlier = [
                outcome
                for other, event, outcome in zip(tags, events, outcomes, strict=True)
                if event[:2] == (index, name) and int(other) < int(tag)
            ]
            assert all(isinstance(outcome, Rejected) for outcome in earlier)
