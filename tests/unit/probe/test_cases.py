"""Each case tells what it is about: that a service does as assumed, and that it does otherwise."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sluice.local.mapping_lane import Lane
from sluice.local.mapping_queue import BatchQueue
from sluice.probe.assumptions import ASSUMPTIONS, BY_ID
from sluice.probe.case import Case
from sluice.probe.rows import TABLE_ABOUT
from sluice.probe.run import CASES, abouts
from sluice.probe.trial import Silence
from tests.unit.probe.simulated import World, changed, names, verdicts

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_local_mappings_do_as_is_assumed_of_lambda(case: Case) -> None:
    world = World(case)
    found = world.findings()
    assert verdicts(found) == dict.fromkeys(case.about, "agrees"), found


def test_each_assumption_is_told_about_by_one_case_and_each_case_tells_about_some() -> None:
    told = [each for about in abouts(slow=True).values() for each in about]
    assert sorted(told) == sorted(BY_ID)
    assert len(BY_ID) == len(ASSUMPTIONS)
    assert set(told) - {each for about in abouts(slow=False).values() for each in about} == {"age-limit"}
    assert {BY_ID[each].about for each in TABLE_ABOUT} == {"bigquery"}


def _without(key: str) -> Callable[[bytes], bytes]:
    """An event whose records lack a field."""

    def tampered(event: bytes) -> bytes:
        asked = json.loads(event)
        for record in asked["Records"]:
            record.pop(key)
        return json.dumps(asked).encode()

    return tampered


def _from_the_stream(event: bytes) -> bytes:
    asked = json.loads(event)
    for record in asked["Records"]:
        record["eventSourceARN"] = record["eventSourceARN"].partition("/consumer/")[0]
    return json.dumps(asked).encode()


def _shifted(event: bytes) -> bytes:
    asked = json.loads(event)
    asked["window"]["start"] = asked["window"]["start"].replace("0Z", "1Z")
    return json.dumps(asked).encode()


def _stateless(event: bytes) -> bytes:
    return json.dumps({**json.loads(event), "state": {}}).encode()


def _always_with_state(answer: bytes) -> bytes:
    return json.dumps({"state": {}, **json.loads(answer)}).encode()


def _whole_batches(answer: bytes) -> bytes:
    """Lambda that does not know partial answers by their identifiers."""
    said = json.loads(answer)
    return b'{"batchItemFailures": [{"itemIdentifier": "0"}]}' if said.get("batchItemFailures") else answer


def _never_failing(answer: bytes) -> bytes:
    return json.dumps({**json.loads(answer), "batchItemFailures": []}).encode()


def _empty_fails(answer: bytes) -> bytes:
    said = json.loads(answer)
    named = said.get("batchItemFailures", 0)
    return b'{"batchItemFailures": [{"itemIdentifier": ""}]}' if named in ([], None) else answer


@pytest.mark.parametrize(
    ("case", "assumption", "otherwise"),
    [
        ("shape", "event-shape", {"events": _without("invokeIdentityArn")}),
        ("texts", "event-source", {"events": _from_the_stream}),
        ("batching", "batching-window", {"config": changed(window_seconds=0)}),
        ("size", "batch-size", {"config": changed(batch_size=20)}),
        ("partial", "partial-from-lowest", {"answers": _whole_batches}),
        ("partial", "partial-from-lowest", {"answers": _never_failing}),
        ("empty", "partial-empty", {"answers": _empty_fails}),
        ("misnamed", "partial-unknown", {"answers": _never_failing}),
        ("aggregate", "aggregate-identifier", {"answers": _never_failing}),
        ("given-up", "retries-counted", {"config": changed(retry_attempts=4)}),
        ("given-up", "pointer-shape", {"config": changed(on_failure_arn=None)}),
        ("bisect", "bisect-finds", {"config": changed(bisect=False)}),
        ("bisect", "bisect-free", {"config": changed(bisect=False)}),
        ("bisect-partial", "bisect-partial", {"answers": _whole_batches, "config": changed(bisect=False)}),
        ("age", "age-limit", {"config": changed(max_age_seconds=-1)}),
        ("age", "age-limit", {"config": changed(max_age_seconds=-1, retry_attempts=3)}),
        ("keys", "keys-apart", {"config": changed(parallelization=1)}),
        ("window", "window-bounds", {"events": _shifted}),
        ("window", "window-state", {"events": _stateless}),
        ("window", "window-final", {"events": _stateless}),
        ("window-again", "window-final-again", {"config": changed(retry_attempts=0)}),
        ("window-stateless", "window-needs-state", {"answers": _always_with_state}),
        ("no-json", "unfiltered-anything", {"config": changed(filters=('{"data":{"to":["plain"]}}',))}),
        ("numbers", "filter-numbers", {"config": changed(filters=('{"data":{"to":["filtered"]}}',))}),
        ("nothing", "filter-nothing", {"config": changed(filters=('{"data":{"to":["filtered"]}}',))}),
        ("absence", "filter-absence", {"config": changed(filters=('{"data":{"to":["filtered"]}}',))}),
        ("unlike", "filter-unlike", {"config": changed(filters=('{"data":{"to":["filtered"]}}',))}),
        ("texts", "filter-texts", {"config": changed(filters=())}),
        ("texts", "filter-no-json", {"config": changed(filters=())}),
        ("texts", "filter-aggregates", {"config": changed(filters=())}),
        ("shared", "filter-aggregates-shared", {"config": changed(filters=())}),
    ],
)
def test_a_difference_is_found(case: str, assumption: str, otherwise: dict[str, Any]) -> None:
    found = World(BY_NAME[case], **otherwise).findings()
    assert found[assumption].verdict == "differs", found[assumption].saw


def test_a_batch_beyond_six_megabytes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    init = BatchQueue.__init__

    def roomy(self: BatchQueue, *arguments: Any) -> None:
        init(self, *arguments)
        self._room = 100_000_000

    monkeypatch.setattr(BatchQueue, "__init__", roomy)
    found = World(BY_NAME["payload"]).findings()["payload-cut"]
    assert found.verdict == "differs", found.saw


def test_a_window_that_never_ends_early_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.local.mapping_window.STATE_BYTES", 10_000_000)
    assert World(BY_NAME["window-early"]).findings()["window-early"].verdict == "differs"


def test_a_final_call_may_bring_the_last_records_with_it() -> None:
    world = World(BY_NAME["window"], config=changed(final_carries_records=True, window_seconds=60))

    def put_another() -> None:  # a record of the next window shows that a batch is the last of its own
        world.kinesis.put_record(Data=b'{"to":"windows"}', PartitionKey="later")

    for place in range(1, 9):
        world.timeline.at(world.clock.now() + 10 * place, put_another)
    found = world.findings()["window-final"]
    assert found.verdict == "agrees"
    assert "with it" in found.saw


def test_keys_out_of_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    push = Lane.push

    def stacked(self: Lane, record: Any, now: float) -> None:
        push(self, record, now)
        self._queue._records.rotate(1)

    monkeypatch.setattr(Lane, "push", stacked)
    assert World(BY_NAME["keys"]).findings()["keys-in-order"].verdict == "differs"


def test_records_that_do_not_wait_for_one_another_leave_it_open() -> None:
    alone = changed(batch_size=1)
    for case, assumption in (("payload", "payload-cut"), ("size", "batch-size")):
        assert World(BY_NAME[case], config=alone).findings()[assumption].verdict == "unclear"


def test_a_mapping_that_hands_nothing_over_is_no_difference_but_silence() -> None:
    for case in CASES:
        with pytest.raises(Silence):
            World(case, config=lambda config: replace(config, enabled=False)).findings()


def test_a_throttled_put_is_sent_again() -> None:
    world = World(BY_NAME["shape"])
    world.kinesis.throttles = 3
    assert verdicts(world.findings()) == {"event-shape": "agrees"}


def test_a_second_batch_that_came_too_late_for_its_window_leaves_the_state_open() -> None:
    world = World(BY_NAME["window"])
    until_seen = world.trial.until_seen

    def late(*numbers: int) -> Any:
        found = until_seen(*numbers)
        world.sleep(20)
        return found

    world.trial.until_seen = late  # type: ignore[method-assign]  # a slow network
    found = verdicts(world.findings())
    assert found == {"window-bounds": "agrees", "window-state": "unclear", "window-final": "agrees"}


def test_a_batch_that_came_too_late_once_is_tried_again_in_the_next_window() -> None:
    world = World(BY_NAME["window"])
    until_seen, delays = world.trial.until_seen, iter([20.0])

    def late_once(*numbers: int) -> Any:
        found = until_seen(*numbers)
        world.sleep(next(delays, 0.0))
        return found

    world.trial.until_seen = late_once  # type: ignore[method-assign]  # a function that starts cold
    assert verdicts(world.findings())["window-state"] == "agrees"
