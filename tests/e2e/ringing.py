"""A local cloud whose alarms ring: who was told of what, and what has rung so far."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from sluice.cli.demonstration import target_of
from sluice.local.cloud import LocalCloud
from sluice.local.watch.answers import Alarm
from tests.e2e.conftest import OFF, ROOT, Running

PIPELINE = ROOT / "tests" / "pipelines" / "ailing.py"
PREFIX = "sluice-dev-"
SECONDS = 90
"""How long a test waits for an alarm; locally a few seconds do, on a busy machine not always."""

POLL_SECONDS = 0.1


@dataclass
class Bell:
    """A local cloud, and a queue that hears what its alarms' topic is told.

    `rang` are the kinds that have been in ALARM so far.
    """

    run: Running
    queue: str
    rang: set[str] = field(default_factory=set)
    sent: int = 0

    @property
    def cloud(self) -> LocalCloud:
        return self.run.cloud

    def client(self, service: str) -> Any:
        return _client(self.cloud, service)

    def send(self, count: int = 1, **more: Any) -> None:
        """Put transactions on the stream."""
        self.put([self.transaction(**more) for _ in range(count)])

    def put(self, records: Sequence[bytes]) -> None:
        assert self.run.send(records) == len(records)

    def transaction(self, **more: Any) -> bytes:
        self.sent += 1
        now = datetime.now(UTC).isoformat()
        event = {"type": "transaction", "id": f"t{self.sent}", "at": now, "amount": 5}
        return json.dumps({**event, **more}).encode()

    @contextmanager
    def traffic(self, pause: float = 0.3, **more: Any) -> Iterator[None]:
        """Put a transaction now and then while the block runs."""
        over = threading.Event()
        broken: list[Exception] = []

        def go_on() -> None:
            try:
                while not over.wait(pause):
                    self.send(**more)
            except Exception as error:  # noqa: BLE001 - told below, in the test's own thread
                broken.append(error)

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert not broken, broken

    def switch(self, sink: str, *, on: bool) -> None:
        """Pause a sink by hand, or let it go on."""
        mapping = str(self.cloud.outputs["sinks"][sink]["mapping"])
        self.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=on)

    def wait(self, *names: str, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait until all of these alarms have rung, not necessarily at once."""
        missing = set(names)
        until = time.monotonic() + SECONDS
        while missing := missing - {name(each) for each in self.ringing()}:
            assert time.monotonic() < until, f"silent: {sorted(missing)}"
            meanwhile()
            time.sleep(POLL_SECONDS)

    def quiet(self, but: str = "") -> None:
        """Wait until none rings, but for one that may go on."""
        until = time.monotonic() + SECONDS
        while ringing := [each for each in self.ringing() if name(each) != but]:
            assert time.monotonic() < until, [(each.name, each.reason) for each in ringing]
            time.sleep(POLL_SECONDS)

    def ringing(self) -> list[Alarm]:
        found = [each for each in self.cloud.alarms() if each.rings]
        self.rang |= {kind(each) for each in found}
        return found

    def history(self) -> list[tuple[str, str]]:
        """Return each change of an alarm's state since the beginning: its name, and the new state."""
        pages = self.client("cloudwatch").get_paginator("describe_alarm_history")
        items = [
            item
            for page in pages.paginate(
                HistoryItemType="StateUpdate", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            for item in page["AlarmHistoryItems"]
        ]
        states = [json.loads(item["HistoryData"])["newState"]["stateValue"] for item in items]
        return [(item["AlarmName"], state) for item, state in zip(items, states, strict=True)]

    def told(self, but: str = "") -> Counter[str]:
        """Return of which alarms the topic was told since the last call, and how often each rang."""
        heard: list[dict[str, Any]] = []
        sqs = self.client("sqs")
        while found := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                heard.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        rings = [each["AlarmName"] for each in heard if each["NewStateValue"] == "ALARM"]
        ends = [each["AlarmName"] for each in heard if each["NewStateValue"] == "OK"]
        assert set(rings) - {PREFIX + but} <= set(ends), "told of the end of each"
        return Counter(each.removeprefix(PREFIX) for each in rings)


def name(alarm: Alarm) -> str:
    return alarm.name.removeprefix(PREFIX)


def kind(alarm: Alarm) -> str:
    """The kind of an alarm, by the runbook that its text ends with."""
    return Path(alarm.description.rpartition("/")[2]).stem


def _client(cloud: LocalCloud, service: str) -> Any:
    return boto3.client(  # type: ignore[call-overload]  # the service is a variable
        service,
        endpoint_url=cloud.endpoints.lambda_url if service == "lambda" else cloud.endpoints.aws_url,
        region_name="eu-central-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - nobody checks it
    )


@contextmanager
def bell(
    overrides: Mapping[str, Any], *, pipeline: Path = PIPELINE, minute_seconds: float = 1.0, shards: int = 1
) -> Iterator[Bell]:
    """Run a local cloud with its alarms on, and listen."""
    settings = {**OFF, **overrides}
    with LocalCloud(
        ROOT, pipeline, overrides=settings, shards=shards, minute_seconds=minute_seconds
    ) as cloud:
        sqs, topic = _client(cloud, "sqs"), cloud.outputs["alarms"]["topic"]
        queue = sqs.create_queue(QueueName="bell")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        _client(cloud, "sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        yield Bell(Running(cloud, target_of(cloud, pipeline)), queue)
