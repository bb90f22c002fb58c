"""With the defaults that a deployment gets: an hour's outage costs delay alone, a killing record a minute.

The real mapping machine, processor, ledger, dead letters and BigQuery sink, in simulated time.
"""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from infra.settings_functions import SinkSettings
from sluice.contract import Event
from sluice.deadletters import DeadLetterQueue, read_queue
from sluice.delivery import Ledger, LedgerReader, Processor
from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_simulation import MemoryStream, Simulation
from sluice.local.mapping_types import Invocation, MappingConfig, ShardInfo, StreamRecord, Verdict
from sluice.sinks.bigquery.sink import BigQuerySink
from sluice.sinks.bigquery.transport import Transport
from tests.unit.delivery.aws import BUCKET, TABLE, Aws
from tests.unit.delivery.aws import running as aws_running
from tests.unit.delivery.builders import CONTRACT, SHARD, Context, Killed, Time, sequence, visit
from tests.unit.sinks.bigquery.stub_bigquery import BigQueryExchange, StubBigQuery, status

pytestmark = pytest.mark.e2e

STREAM = "arn:aws:kinesis:eu-central-1:123456789012:stream/activity"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:letters"
HOUR = 3600.0


class DeadlyContract:
    """The contract, with records that end the process that reads them."""

    type_of = staticmethod(CONTRACT.type_of)
    encode_row = staticmethod(CONTRACT.encode_row)

    def __init__(self, deadly: set[bytes]) -> None:
        self.deadly = deadly

    def decode(self, data: bytes) -> Event:
        if data in self.deadly:
            raise Killed
        return CONTRACT.decode(data)


class Plant:
    """A shard, its mapping as deployed by default, and the sink's function."""

    def __init__(self, aws: Aws, bigquery: StubBigQuery, deadly: set[bytes] = frozenset()) -> None:  # type: ignore[assignment] # never changed
        self.settings = SinkSettings()
        self.aws = aws
        self.bigquery = bigquery
        self.contract = DeadlyContract(deadly)
        self.clock = FakeClock()
        self.began = self.clock.now()
        self.processor: Processor[Any] | None = None
        self.settled_at: dict[str, float] = {}
        self.crashes = 0
        self.stream = MemoryStream([ShardInfo(SHARD)])
        config = MappingConfig(
            "uuid",
            "sink",
            STREAM + "/consumer/sink:1",
            STREAM,
            batch_size=self.settings.batch_size,
            window_seconds=self.settings.batching_window_seconds,
            parallelization=self.settings.parallelization,
            retry_attempts=self.settings.retry_attempts,
            max_age_seconds=self.settings.max_record_age_seconds,
            bisect=self.settings.bisect,
            report_failures=True,
            on_failure_arn=QUEUE,
        )
        self.simulation = Simulation(Mapping(config), self.stream, self.invoke, self.clock)

    def put(self, first: int, last: int, *, at: float) -> None:
        def put() -> None:
            self.stream.put(
                SHARD,
                [
                    StreamRecord(
                        sequence(number),
                        self.clock.now(),
                        base64.b64encode(visit(number)).decode(),
                        f"key{number % 3}",
                    )
                    for number in range(first, last)
                ],
            )

        self.simulation.at(self.began + at, put)

    def invoke(self, payload: bytes) -> tuple[Invocation, float]:
        event = json.loads(payload)
        time = Time()
        processor = self.processor or self.new_process()
        processor._clock, processor._sleep = time.clock, time.sleep
        try:
            answer = processor(event, Context(self.settings.timeout_seconds))
        except Killed:
            self.processor = None
            self.crashes += 1
            took = float(self.settings.timeout_seconds)
            return Invocation(Verdict.FAILED, error="Task timed out"), took
        took = time.now - Time().now
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for each in event["Records"]:
            number = each["kinesis"]["sequenceNumber"]
            if failed and int(number) >= min(map(int, failed)):
                break
            self.settled_at.setdefault(number, self.clock.now() + took - self.began)
        return Invocation(Verdict.ANSWERED, json.dumps(answer).encode()), took + 0.05

    def new_process(self) -> Processor[Any]:
        contract = cast("Any", self.contract)
        self.processor = Processor(
            contract,
            BigQuerySink(contract, Transport("p", "d", base_url=self.bigquery.url)),
            Ledger(self.aws.dynamodb, TABLE, "bigquery", keep=timedelta(days=7), disjoint=True),
            DeadLetterQueue(lambda: self.aws.sqs, self.aws.queue_url, lambda: self.aws.s3, BUCKET),
        )
        return self.processor

    def run(self, seconds: float) -> None:
        self.simulation.run(self.began + seconds)

    def written(self) -> set[str]:
        return {row["id"] for row in self.bigquery.rows["visit"].values()}

    def dead(self) -> set[str]:
        return {letter.sequence for letter in read_queue(self.aws.sqs, self.aws.queue_url)}  # type: ignore[union-attr] # only letters here

    def counted(self) -> tuple[int, int]:
        entries = [
            each for each in LedgerReader(self.aws.dynamodb, TABLE).read("bigquery") if each.state == "closed"
        ]
        return sum(each.delivered for each in entries), sum(each.dead_lettered for each in entries)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with aws_running() as running:
        yield running


@pytest.fixture
def bigquery() -> Iterator[StubBigQuery]:
    stub = StubBigQuery()
    yield stub
    stub.close()


def down(exchange: BigQueryExchange) -> None:
    status(503, "The service is currently unavailable.")(exchange)


@pytest.mark.parametrize(
    "fault",
    [down, status(500), status(429, "slow down", "rateLimitExceeded"), status(403, "denied", "accessDenied")],
)
def test_an_hours_outage_of_bigquery_costs_nothing_but_delay(
    aws: Aws, bigquery: StubBigQuery, fault: Callable[[BigQueryExchange], None]
) -> None:
    plant = Plant(aws, bigquery)
    plant.put(0, 500, at=0)
    plant.simulation.at(plant.began + 60, lambda: setattr(bigquery, "always", fault))
    for minute in range(2, 60):
        plant.put(minute * 500, minute * 500 + 25, at=60.0 * minute)
    plant.simulation.at(plant.began + 60 + HOUR, lambda: setattr(bigquery, "always", None))
    plant.run(60 + HOUR + 120)

    sent = {*range(500), *(minute * 500 + n for minute in range(2, 60) for n in range(25))}
    assert plant.written() == {f"v{number}" for number in sent}
    assert plant.dead() == set()
    assert plant.simulation.reports == []
    assert plant.counted() == (len(sent), 0)
    assert max(plant.settled_at.values()) < 60 + HOUR + 60


@pytest.mark.parametrize("place", [0, 1, 250, 498, 499])
def test_a_record_that_kills_the_function_each_time_holds_its_shard_less_than_a_minute(
    aws: Aws, bigquery: StubBigQuery, place: int
) -> None:
    plant = Plant(aws, bigquery, {visit(place)})
    plant.put(0, 500, at=0)
    plant.put(500, 600, at=5)
    plant.run(600)

    assert plant.crashes == 2
    assert plant.dead() == {sequence(place)}
    assert plant.written() == {f"v{number}" for number in range(600)} - {f"v{place}"}
    assert plant.counted() == (599, 1)
    assert max(plant.settled_at.values()) < 60


def test_a_killing_record_during_an_outage_loses_nothing_either(aws: Aws, bigquery: StubBigQuery) -> None:
    plant = Plant(aws, bigquery, {visit(40)})
    bigquery.always = down
    plant.put(0, 100, at=0)
    plant.simulation.at(plant.began + 900, lambda: setattr(bigquery, "always", None))
    plant.run(1200)

    assert plant.dead() == {sequence(40)}
    assert plant.written() == {f"v{number}" for number in range(100)} - {"v40"}
    assert plant.counted() == (99, 1)
    assert plant.simulation.reports == []
