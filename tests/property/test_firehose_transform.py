"""Whatever Firehose hands over, in whatever order and however often: each recordId gets its answer.

What the answers, the dead letters and the ledger say of a record is the same.

Records of several shards, some out of aggregates, are cut into events at will; ledger and queue fail now and
then, and an event that was not answered comes again as a whole. In the end nothing fails any more.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, pairwise

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.errors import DeliveryError
from sluice.records import Record
from sluice.sinks.firehose import answers as answering
from sluice.sinks.firehose.event import told_apart
from tests.unit.delivery.aws import Aws, refusal, running
from tests.unit.delivery.builders import Killed, record, visit
from tests.unit.sinks.firehose.rig import Rig, direct, event_of, row_of

PING = b'{"type": "ping", "at": "2026-11-01T12:00:00Z"}'
NATURES = st.sampled_from(["good", "good", "big", "poison", "other"])
worlds = count()

drawn = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 6), st.none() | st.integers(1, 3), NATURES),
    min_size=1,
    max_size=12,
)
"""Shard, place, place within an aggregate, nature. The same place may be drawn twice."""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with running() as found:
        yield found


class Letterbox:
    """A queue that fails as the tape says."""

    def __init__(self, tape: list[int]) -> None:
        self.tape = tape
        self.held: dict[str, DeadLetter] = {}

    def send(self, letters: Sequence[DeadLetter], deadline: Deadline) -> dict[str, str]:  # noqa: ARG002 - the protocol's
        failed = {letter.id: "no" for letter in letters if self.tape and self.tape.pop() == 1}
        self.held.update({letter.id: letter for letter in letters if letter.id not in failed})
        return failed


def made(world: int, shard: int, place: int, sub: int | None, nature: str) -> Record:
    data = {
        "good": visit(place),
        "big": visit(place, page="x" * 1500),
        "poison": b"junk",
        "other": PING,
    }[nature]
    one = record(place, data, f"shardId-{world:06d}{shard:06d}")
    return msgspec.structs.replace(one, sub_sequence=sub)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn, st.lists(st.integers(1, 12), max_size=4), st.lists(st.integers(0, 12), max_size=12))
def test_every_mixture_is_answered_whole_and_the_books_say_what_the_answers_say(
    aws: Aws, draw: list[tuple[int, int, int | None, str]], cuts: list[int], tape: list[int]
) -> None:
    world = next(worlds)
    found = [made(world, *one) for one in draw]
    letterbox = Letterbox(tape)

    def hook(step: str) -> None:
        fault = tape.pop() if tape else 12
        if fault == 0:
            raise Killed
        if fault == 1 and step.startswith(("query", "update_item")):
            tape.extend([12] * 3)
            raise refusal("ResourceNotFoundException")

    rig = Rig(aws, types=["visit"], hook=hook, letterbox=letterbox)
    events = [found[start:stop] for start, stop in _pieces(len(found), cuts)]
    expected: dict[str, Counter[str]] = {}
    for event in events:
        answers = _answered(rig, aws, event, tape)
        rig = answers[0]
        for record_id, one in zip((f"r{n}" for n in range(len(event))), told_apart(event), strict=True):
            result = answers[1][record_id]
            if one is None:
                assert result["result"] == "Dropped"
                continue
            state = _state(result, one, letterbox)
            expected.setdefault(one.shard, Counter())[state] += 1
            if result["result"] == "Ok":
                assert row_of(result)["_sequence"] == one.position
    for shard, states in expected.items():
        entries = [each for each in rig.entries(shard) if each.state == "closed"]
        if len(entries) == sum(any(one.shard == shard for one in event) for event in events):
            booked = Counter(
                delivered=sum(each.delivered for each in entries),
                dead_lettered=sum(each.dead_lettered for each in entries),
                skipped=sum(each.skipped for each in entries),
            )
            assert +booked == +states


def _answered(
    rig: Rig, aws: Aws, event: list[Record], tape: list[int]
) -> tuple[Rig, dict[str, dict[str, str]]]:
    """Hand an event over until it is answered, by a new runtime after each death."""
    for _ in range(100):
        try:
            return rig, rig.ask(event_of(event), seconds=30.0)
        except DeliveryError:
            continue
        except Killed:
            letterbox, hook = rig.letterbox, rig.hook
            put, rig = rig.put, Rig(aws, types=["visit"], hook=hook, letterbox=letterbox)
            rig.put = put
    raise AssertionError(f"never answered; the tape still holds {tape}")


def _state(result: dict[str, str], one: Record, letterbox: Letterbox) -> str:
    """Return what an answer says of a record, seen from outside."""
    if result["result"] != "Dropped":
        return "delivered"
    letter = letterbox.held.get(f"lake/{one.identity}")
    if letter is not None:
        return "dead_lettered"
    assert one.data == PING, "a record was dropped without a dead letter"
    return "skipped"


def _pieces(size: int, cuts: list[int]) -> list[tuple[int, int]]:
    bounds = sorted({0, size, *(cut for cut in cuts if cut < size)})
    return list(pairwise(bounds))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn)
def test_what_is_redriven_comes_out_as_the_row_that_the_stream_would_have_given(
    aws: Aws, draw: list[tuple[int, int, int | None, str]]
) -> None:
    world = next(worlds)
    found = [made(world, *one) for one in draw]
    whole = Rig(aws)
    rows = {
        row["_sequence"] + row["_shard"]: row
        for answer in whole.ask(event_of(found)).values()
        if answer["result"] == "Ok"
        for row in [row_of(answer)]
    }
    narrow = Rig(aws)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(answering, "MOST_BYTES", 4_000)
        first = narrow.ask(event_of(found))
    again = narrow.ask(direct(narrow.put)) if narrow.put else {}
    ok = [row_of(each) for each in (*first.values(), *again.values()) if each["result"] == "Ok"]
    assert {row["_sequence"] + row["_shard"]: row for row in ok} == rows
