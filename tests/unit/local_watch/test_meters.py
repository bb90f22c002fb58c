"""What Lambda, EventBridge and Firehose measure, as their guides say it."""

import json
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from sluice.local.clock import FakeClock
from sluice.local.control_faults import LambdaFaults
from sluice.local.lake.engine import Counts
from sluice.local.lake.meter import FirehoseMeter
from sluice.local.mapping import Mapping
from sluice.local.mapping_runner import MappingRunner
from sluice.local.mapping_types import (
    Invocation,
    MappingConfig,
    Page,
    ShardInfo,
    SourceError,
    Start,
    StreamRecord,
    Verdict,
)
from sluice.local.runtime import MAX_WORKERS, Runtime
from sluice.local.runtime_worker import Function
from sluice.local.schedule import Schedule, Ticker
from sluice.local.watch.points import Points

STREAM = "arn:aws:kinesis:eu-west-1:1:stream/events"
QUEUE = "arn:aws:sqs:eu-west-1:1:given-up"
RULE = "arn:aws:events:eu-west-1:1:rule/census"


class Recorder:
    """Keeps what is measured."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str], list[float]] = {}
        self.dimensions: dict[str, dict[str, str]] = {}
        self.points: list[Points] = []
        self._lock = threading.Lock()

    def add(
        self,
        namespace: str,
        name: str,
        dimensions: dict[str, str],
        value: float,
        *,
        unit: str = "Count",
        count: float = 1,
    ) -> None:
        del unit
        with self._lock:
            self.values.setdefault((namespace, name), []).extend([value] * int(count))
            self.dimensions[name] = dimensions

    def take(self, points: list[Points]) -> None:
        with self._lock:
            self.points += points

    def sums(self, namespace: str) -> dict[str, float]:
        return {name: sum(values) for (space, name), values in self.values.items() if space == namespace}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def wait(done: Any) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Stream:
    """One shard of a stream with five records, every other one not for the function."""

    def __init__(self) -> None:
        arrived = time.time() - 2
        self._records = [
            StreamRecord(
                str(number), arrived, b64encode(json.dumps({"n": number % 2}).encode()).decode(), "k"
            )
            for number in range(5)
        ]

    def shards(self) -> list[ShardInfo]:
        return [ShardInfo("s")]

    def open(self, _shard: str, _start: Start) -> str:
        return "0"

    def read(self, _shard: str, cursor: str, _limit: int) -> Page:
        return Page(self._records[int(cursor) :], "5")


class Answers:
    """Answers that the second record failed, then fails, then answers."""

    def __init__(self) -> None:
        self.calls = 0

    def invoke(self, _function: str, _payload: bytes) -> Invocation:
        self.calls += 1
        match self.calls:
            case 1:
                return Invocation(Verdict.ANSWERED, b'{"batchItemFailures": [{"itemIdentifier": "3"}]}')
            case 2:
                return Invocation(Verdict.THROTTLED, error="Rate Exceeded.")
            case _:
                return Invocation(Verdict.FAILED, b"{}", "broken")


class Destination:
    """Takes the second message."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._tries = 0

    def send(self, _arn: str, message: dict[str, Any]) -> None:
        self._tries += 1
        if self._tries == 1:
            raise SourceError("not now")
        self.sent.append(message)


def test_a_mapping_counts_its_events_from_the_poll_to_the_on_failure_destination(recorder: Recorder) -> None:
    config = MappingConfig(
        "mapping-1",
        "sink",
        STREAM,
        STREAM,
        filters=('{"data": {"n": [{"numeric": [">", 0]}]}}',),
        counts_events=True,
        report_failures=True,
        retry_attempts=1,
        on_failure_arn=QUEUE,
        backoff_seconds=0.01,
        max_backoff_seconds=0.01,
        poll_seconds=0.01,
    )
    destination = Destination()
    runner = MappingRunner(Mapping(config), Stream(), Answers(), destination, Clock(), meter=recorder)
    runner.start()
    wait(lambda: destination.sent and sum(recorder.values[("AWS/Lambda", "FilteredOutEventCount")]) == 3)
    runner.stop()
    assert recorder.sums("AWS/Lambda") == {
        "PolledEventCount": 5,
        "FilteredOutEventCount": 3,
        "IteratorAge": pytest.approx(3 * 2000, rel=0.5),
        "InvokedEventCount": 3,
        "FailedInvokeEventCount": 2,
        "DestinationDeliveryFailures": 1,
        "OnFailureDestinationDeliveredEventCount": 1,
    }
    assert recorder.dimensions["PolledEventCount"] == {"EventSourceMappingUUID": "mapping-1"}
    assert recorder.dimensions["IteratorAge"] == {"FunctionName": "sink"}
    assert recorder.dimensions["DestinationDeliveryFailures"] == {"FunctionName": "sink"}


class Clock:
    """The machine's."""

    def now(self) -> float:
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


@pytest.fixture
def runtime(tmp_path: Path, recorder: Recorder) -> Iterator[Runtime]:
    code = """
        import json, os, sys
        def handler(event, context):
            if event.get("fails"):
                raise ValueError("as asked")
            if event.get("dies"):
                os._exit(3)
            said = {"Namespace": "Mine", "Dimensions": [["sink"]], "Metrics": [{"Name": "Rows"}]}
            told = {"_aws": {"Timestamp": 1767225600000, "CloudWatchMetrics": [said]}, "sink": "s", "Rows": 7}
            print(json.dumps({**told, "filler": "x" * 200_000}))
            print("nothing to see")
            sys.stdout.flush()
    """
    (tmp_path / "handler.py").write_text(dedent(code))
    arn = "arn:aws:lambda:eu-west-1:1:function:sink"
    function = Function("sink", arn, tmp_path, "handler.handler", 20.0, 256)
    found = Runtime([function], meter=recorder, faults=LambdaFaults())
    yield found
    found.close()


def test_invocations_count_as_lambda_counts_them_and_log_lines_bring_a_functions_own_metrics(
    runtime: Runtime, recorder: Recorder
) -> None:
    for event in (b"{}", b'{"fails": true}', b'{"dies": true}'):
        runtime.invoke("sink", event)
    wait(lambda: recorder.points)
    counted = recorder.sums("AWS/Lambda")
    assert (counted["Invocations"], counted["Errors"], counted["Throttles"]) == (3, 2, 0)
    assert len(recorder.values[("AWS/Lambda", "Duration")]) == 3
    assert max(recorder.values[("AWS/Lambda", "ConcurrentExecutions")]) == 1
    assert recorder.points == [Points("Mine", "Rows", (("sink", "s"),), "None", 1_767_225_600, [7.0], [1.0])]


def test_a_throttled_invocation_is_none_and_is_counted(tmp_path: Path, recorder: Recorder) -> None:
    faults = Faulty(MAX_WORKERS)
    function = Function("sink", "arn:aws:lambda:eu-west-1:1:function:sink", tmp_path, "handler.handler")
    runtime = Runtime([function], meter=recorder, faults=faults)
    verdicts = Counter(runtime.invoke("sink", b"{}").verdict for _ in range(MAX_WORKERS))
    assert verdicts == {Verdict.THROTTLED: MAX_WORKERS}
    assert recorder.sums("AWS/Lambda") == {"Throttles": MAX_WORKERS}


class Faulty(LambdaFaults):
    """Throttles so many invocations."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left = count

    def take(self, kind: str, name: str) -> bool:
        assert (kind, name) == ("throttle", "sink")
        self._left -= 1
        return self._left >= 0


def test_a_schedules_minutes_are_as_long_as_alarms_minutes_and_refusals_are_counted(
    recorder: Recorder,
) -> None:
    clock, invoked, refused = FakeClock(), list[float](), iter((False, True, False))
    began = clock.now()

    class Invoker:
        def invoke(self, _function: str, _payload: bytes) -> Invocation:
            invoked.append(clock.now() - began)
            if len(invoked) == 2:
                ticker.stop()
            return Invocation(Verdict.ANSWERED, b"{}")

    ticker = Ticker(
        Schedule(rule_arn=RULE, function="aggregator", seconds=300),
        Invoker(),
        clock,
        minute_seconds=2,
        meter=recorder,
        refused=lambda _: next(refused),
    )
    ticker.start()
    ticker.join()
    assert invoked == [10, 30]
    assert recorder.sums("AWS/Events") == {"TriggeredRules": 3, "Invocations": 3, "FailedInvocations": 1}
    assert recorder.dimensions["FailedInvocations"] == {"RuleName": "census"}


class Delivery:
    """A Firehose as its meter sees it."""

    age_seconds = 12.5

    def __init__(self) -> None:
        self.counts = Counts()

    def behind_ms(self) -> int:
        return 300


def test_a_firehose_says_how_old_its_oldest_record_is_and_what_it_delivered(recorder: Recorder) -> None:
    delivery: Any = Delivery()
    meter = FirehoseMeter(recorder, "lake", pause_seconds=0)
    delivery.counts = Counts(read=10, delivered=6, failed=2, commits=1, refusals=3)
    meter.look(delivery)
    delivery.counts = Counts(read=10, delivered=7, failed=2, commits=2, refusals=3)
    meter.look(delivery)
    meter.transformed(success=False, seconds=0.5)
    assert recorder.sums("AWS/Firehose") == {
        "DeliveryToIceberg.DataFreshness": 25,
        "KinesisMillisBehindLatest": 600,
        "DataReadFromKinesisStream.Records": 10,
        "DeliveryToIceberg.IncomingRowCount": 9,
        "DeliveryToIceberg.SuccessfulRowCount": 7,
        "DeliveryToIceberg.FailedRowCount": 2,
        "DeliveryToIceberg.Success": 2,
        "ExecuteProcessing.Success": 0,
        "ExecuteProcessing.Duration": 500,
    }
    assert recorder.values[("AWS/Firehose", "DeliveryToIceberg.Success")].count(0) == 3
    assert recorder.dimensions["DeliveryToIceberg.Success"] == {"DeliveryStreamName": "lake"}
