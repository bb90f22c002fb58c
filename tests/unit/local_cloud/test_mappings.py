"""Mappings as declared, mappings on a table's stream, and when all that was put is dealt with."""

import json
from typing import Any

import pytest

from sluice.errors import SettingsError
from sluice.local.clock import FakeClock
from sluice.local.deploy_result import mapping
from sluice.local.drain import Drain, behind
from sluice.local.mapping import Mapping
from sluice.local.mapping_simulation import MemoryStream, Simulation
from sluice.local.mapping_types import Invocation, ShardInfo, StreamRecord, Verdict

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/windows/stream/2025-01-01T00:00:00.000"
FILTER = {"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "segments#"}]}}}}
DECLARED: dict[str, Any] = {
    "uuid": "u",
    "functionName": "arn:aws:lambda:eu-west-1:123456789012:function:publisher",
    "eventSourceArn": TABLE,
    "startingPosition": "TRIM_HORIZON",
    "filterCriteria": {"filters": [{"pattern": json.dumps(FILTER)}]},
}


def test_a_declared_tumbling_window_is_run() -> None:
    declared = {**DECLARED, "eventSourceArn": STREAM, "filterCriteria": None, "tumblingWindowInSeconds": 30}
    found = mapping(declared)
    assert (found.tumbling_seconds, found.parallelization, found.reads_table) == (30, 1, False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tumblingWindowInSeconds": 901}, "0 to 900"),
        ({"tumblingWindowInSeconds": 30, "parallelizationFactor": 2}, "it must be 1"),
        ({"eventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:queue"}, "Kinesis and DynamoDB streams only"),
        ({"eventSourceArn": STREAM}, "data alone"),
        ({"startingPosition": "AT_TIMESTAMP"}, "TRIM_HORIZON or LATEST"),
        ({"filterCriteria": {"filters": [{"pattern": '{"a": [1]}'}]}}, "compared with the number 1"),
        ({"destinationConfig": {"onFailure": {"destinationArn": "arn:aws:sns:x:y:z"}}}, "SQS queues only"),
    ],
)
def test_what_a_mapping_cannot_do_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        mapping(DECLARED | changes)


def change(place: int, key: str, name: str, arrived: float) -> StreamRecord:
    keys = {"pk": {"S": key}, "sk": {"S": str(place)}}
    data = {
        "eventID": str(place),
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": {"Keys": keys, "SequenceNumber": str(10**20 + place), "StreamViewType": "KEYS_ONLY"},
    }
    return StreamRecord(str(10**20 + place), arrived, json.dumps(data), json.dumps(keys))


def test_a_table_wakes_its_function_for_what_passes_the_filter_and_retries_it() -> None:
    clock, events = FakeClock(), list[dict[str, Any]]()
    stream = MemoryStream([ShardInfo("s0")])
    answers = iter([Invocation(Verdict.FAILED, error="broken")])

    def handle(payload: bytes) -> tuple[Invocation, float]:
        events.append(json.loads(payload))
        return next(answers, Invocation(Verdict.ANSWERED, b"null")), 0.1

    machine = Mapping(mapping({**DECLARED, "maximumBatchingWindowInSeconds": 1}))
    simulation = Simulation(machine, stream, handle, clock)
    names = ["INSERT", "MODIFY", "REMOVE", "INSERT"]
    keys = ["segments#a", "segments#a", "segments#a", "window#m#2025-01-01"]
    stream.put(
        "s0", [change(n, k, name, clock.now()) for n, (k, name) in enumerate(zip(keys, names, strict=True))]
    )
    simulation.run(clock.now() + 30)
    assert [[one["eventName"] for one in event["Records"]] for event in events] == [["INSERT", "MODIFY"]] * 2
    assert all(one["eventSourceARN"] == TABLE for event in events for one in event["Records"])
    assert set(events[0]) == {"Records"}
    (shard,) = machine.status()
    assert (shard["read"], shard["filtered"]) == (4, 2)
    assert machine.settled == 4
    assert machine.caught_up_at is not None


def test_a_given_up_batch_of_a_table_names_its_records() -> None:
    clock = FakeClock()
    stream = MemoryStream([ShardInfo("s0")])
    queue = {"onFailure": {"destinationArn": "arn:aws:sqs:eu-west-1:123456789012:letters"}}
    declared = {**DECLARED, "maximumRetryAttempts": 1, "destinationConfig": queue, "filterCriteria": None}
    simulation = Simulation(
        Mapping(mapping(declared)), stream, lambda _payload: (Invocation(Verdict.FAILED), 0.1), clock
    )
    stream.put("s0", [change(n, "k", "INSERT", clock.now()) for n in range(3)])
    simulation.run(clock.now() + 30)
    (report,) = simulation.reports
    assert report["DDBStreamBatchInfo"]["batchSize"] == 3
    assert report["DDBStreamBatchInfo"]["streamArn"] == TABLE


def status(source: str, caught_up_at: float | None, **more: Any) -> dict[str, Any]:
    return {"source": source, "caught_up_at": caught_up_at, "settled": 0, **more}


def test_tables_are_waited_for_from_when_the_streams_were_done() -> None:
    drain = Drain(60)
    assert drain.done([status(STREAM, 90), status(TABLE, 200)], 100) is None
    assert drain.done([status(STREAM, 105), status(TABLE, 105)], 110) is None
    assert drain.done([status(STREAM, 111), status(TABLE, 109)], 112) is None
    assert drain.done([status(STREAM, None), status(TABLE, 110)], 113) is True


def test_a_stream_that_routes_write_to_is_waited_for_from_when_the_others_were_done() -> None:
    drain, other = Drain(60), STREAM + "-of-a-route/consumer/x:1"
    assert drain.done([status(STREAM, 90), status(other, 101)], 100) is None
    assert drain.done([status(STREAM, 105), status(other, 104)], 106) is None
    assert drain.done([status(STREAM, 107), status(other, 105)], 108) is None
    assert drain.done([status(STREAM, 107), status(other, 107)], 109) is True


def test_paused_mappings_are_not_waited_for() -> None:
    drain, paused = Drain(60), status(STREAM, None, state="Disabled", settled=2)
    assert drain.done([status(STREAM, 100), paused], 100) is True
    assert behind([paused], {STREAM: 100}) == 0


def test_nothing_moves_any_more_unless_a_window_is_still_to_end() -> None:
    opened = [status(STREAM, None, shards=[{"window": {"start": 100, "end": 200}}])]
    patient, impatient, progress = Drain(60), Drain(0), Drain(60)
    assert [patient.done(opened, now) for now in (110, 180, 199, 250)] == [None] * 4
    assert patient.done(opened, 260) is False
    assert [impatient.done(opened, now) for now in (110, 110.1, 110.3)] == [None, None, False]
    assert progress.done([status(STREAM, None)], 1000) is None
    assert progress.done([status(STREAM, None) | {"settled": 5}], 1050) is None
    assert progress.done([status(STREAM, None) | {"settled": 5}], 1109) is None
    assert progress.done([status(STREAM, None) | {"settled": 5}], 1111) is False


def test_progress_counts_what_streams_took_and_not_what_tables_changed() -> None:
    consumer = status(STREAM + "/consumer/sink:1", None) | {"settled": 40}
    mappings = [consumer, status(TABLE, None), {"mapping": "u", "error": "silent"}]
    assert behind(mappings, {STREAM: 100}) == 60
