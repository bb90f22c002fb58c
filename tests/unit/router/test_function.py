"""The handlers of routes: a whole invocation over moto, and what they refuse to start with."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sluice.deadletters import DeadLetter, read_queue
from sluice.delivery import LedgerReader, clients
from sluice.errors import SettingsError
from sluice.router import Rejected, RoutedEvent, routed, router
from tests.unit.delivery.aws import BUCKET, REGION, TABLE, Aws
from tests.unit.delivery.aws import running as aws_running
from tests.unit.delivery.builders import Context, event_of
from tests.unit.router.bills import PING, PIPELINE, accepted, bill

STREAM, FIREHOSE = "copies", "lines"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "route",
        "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    }.items():
        monkeypatch.setenv(name, value)
    made = [clients.dynamodb, clients.sqs, clients.s3, clients.kinesis, clients.firehose, clients._session]
    with aws_running() as running:
        for each in made:
            each.cache_clear()
        yield running
        for each in made:
            each.cache_clear()


def environment(aws: Aws, route: str, **more: str) -> dict[str, str]:
    return {
        "SLUICE_SINK": route,
        "SLUICE_ENVIRONMENT": "sluice-test",
        "SLUICE_ROUTE": route,
        "SLUICE_PARALLELIZATION": "1",
        "SLUICE_LEDGER_TABLE": TABLE,
        "SLUICE_DEAD_LETTER_QUEUE_URL": aws.queue_url,
        "SLUICE_DEAD_LETTER_BUCKET": BUCKET,
        **more,
    }


def invocation(*datas: bytes) -> dict[str, Any]:
    return event_of(accepted_or_not(number, data) for number, data in enumerate(datas))


def accepted_or_not(number: int, data: bytes) -> Any:
    record = accepted(number).record
    return type(record)(**{name: getattr(record, name) for name in record.__struct_fields__} | {"data": data})


def books(aws: Aws, sink: str) -> tuple[int, int, int]:
    (entry,) = LedgerReader(aws.dynamodb, TABLE).read(sink, shards=[accepted(0).record.shard])
    return entry.delivered, entry.dead_lettered, entry.skipped


def letters(aws: Aws) -> list[DeadLetter]:
    return [
        each for each in read_queue(aws.sqs, aws.queue_url, wait_seconds=0) if isinstance(each, DeadLetter)
    ]


MIXED = (
    bill(0, amount=5),
    bill(1, amount=-5),
    bill(2, amount=None),
    b'{"type":"bill","id":"b3","at":"2026-11-01T12:00:00Z"}',
    PING,
    b"no event",
    bill(6, amount=0),
)


def test_only_what_the_sql_is_true_for_is_taken_and_every_record_is_in_the_books(aws: Aws) -> None:
    taken: list[RoutedEvent] = []
    handler = routed(PIPELINE, taken.extend, environment(aws, "paid"))
    assert handler(invocation(*MIXED), Context()) == {"batchItemFailures": []}
    assert [event.event_id for event in taken] == ["b0", "b6"]
    assert books(aws, "paid") == (2, 1, 4)
    (letter,) = letters(aws)
    assert (letter.sink, letter.kind, letter.payload) == ("paid", "contract", b"no event")


def test_a_dead_letter_of_a_route_is_redriven_into_that_route_alone(aws: Aws) -> None:
    known = {"b0"}

    def take(events: Any) -> list[Any]:
        return [None if event.event_id in known else Rejected("no such customer") for event in events]

    def strict(events: Any) -> Any:
        outcomes = take(events)
        return None if not any(outcomes) else outcomes

    handler = routed(PIPELINE, strict, environment(aws, "paid"))
    handler(invocation(bill(1)), Context())
    (letter,) = letters(aws)
    assert (letter.sink, letter.kind, letter.reason) == ("paid", "rejected", "no such customer")
    known.add("b1")
    again = {**invocation(bill(1)), "redrive": True}
    assert list(handler(again, Context())["outcomes"].values()) == ["delivered"]


def test_a_consumer_of_a_routes_stream_has_books_of_its_own_and_asks_the_sql_again(aws: Aws) -> None:
    taken: list[RoutedEvent] = []
    sink = {"SLUICE_SINK": "copied-bills"}
    handler = routed(PIPELINE, taken.extend, environment(aws, "copied", **sink))
    handler(invocation(bill(0), bill(1, amount=-1)), Context())
    assert [event.event_id for event in taken] == ["b0"]
    assert books(aws, "copied-bills") == (1, 0, 1)


def test_a_route_fills_a_stream_of_its_own(aws: Aws) -> None:
    kinesis = clients.kinesis()
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    handler = router(PIPELINE, environment(aws, "copied", SLUICE_TARGET_STREAM=STREAM))
    assert handler(invocation(*MIXED), Context()) == {"batchItemFailures": []}
    (shard,) = kinesis.list_shards(StreamName=STREAM)["Shards"]
    start = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    held = kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
    assert [(one["PartitionKey"], one["Data"]) for one in held] == [("key0", MIXED[0]), ("key6", MIXED[6])]
    assert books(aws, "copied") == (2, 1, 4)


@pytest.mark.parametrize("route", ["queued", "in_order"])
def test_a_route_fills_a_queue_of_its_own(aws: Aws, route: str) -> None:
    fifo: Any = {"FifoQueue": "true"} if route == "in_order" else {}
    name = "bills.fifo" if fifo else "bills"
    url = aws.sqs.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    handler = router(PIPELINE, environment(aws, route, SLUICE_TARGET_QUEUE_URL=url))
    assert handler(invocation(*MIXED), Context()) == {"batchItemFailures": []}
    held = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {message["Body"].encode() for message in held} == {*MIXED} - {b"no event"}
    assert books(aws, route) == (6, 1, 0)


def test_a_route_fills_a_firehose_of_its_own(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []

    class Firehose:
        def put_record_batch(self, *, DeliveryStreamName: str, Records: Any) -> Any:  # noqa: N803 - as boto3 has it
            assert DeliveryStreamName == FIREHOSE
            lines.extend(record["Data"] for record in Records)
            return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"} for _ in Records]}

    monkeypatch.setattr(clients, "firehose", Firehose)
    handler = router(PIPELINE, environment(aws, "kept", SLUICE_TARGET_FIREHOSE=FIREHOSE))
    assert handler(invocation(*MIXED), Context()) == {"batchItemFailures": []}
    assert b"".join(lines) == b"".join(MIXED[place] + b"\n" for place in (0, 1, 2, 3, 6))
    assert books(aws, "kept") == (5, 1, 1)


def without(environ: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in environ.items() if key != name}


@pytest.mark.parametrize(
    ("route", "missing", "said"),
    [
        ("copied", "SLUICE_TARGET_STREAM", "SLUICE_TARGET_STREAM is not set"),
        ("queued", "SLUICE_TARGET_QUEUE_URL", "SLUICE_TARGET_QUEUE_URL is not set"),
        ("kept", "SLUICE_TARGET_FIREHOSE", "SLUICE_TARGET_FIREHOSE is not set"),
        ("paid", "SLUICE_ROUTE", "SLUICE_ROUTE is not set"),
        ("paid", "", "leads to functions/bills"),
        ("gone", "", "the routes of pipeline.py are: paid, copied, queued, in_order, kept"),
    ],
)
def test_an_environment_that_does_not_fit_the_route_is_refused_in_one_line(
    aws: Aws, route: str, missing: str, said: str
) -> None:
    targets = {"SLUICE_TARGET_STREAM": "s", "SLUICE_TARGET_QUEUE_URL": "u", "SLUICE_TARGET_FIREHOSE": "f"}
    with pytest.raises(SettingsError, match=said) as refused:
        router(PIPELINE, without(environment(aws, route, **targets), missing))
    assert "\n" not in str(refused.value)
