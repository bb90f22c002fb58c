"""The audit by the clock: the figures of `sluice audit`, from a part of what that reads."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.audit import scheduled
from sluice.audit.function import auditor
from sluice.audit.reading import read_books
from sluice.audit.scheduled import AuditedSink, Clients, ScheduledAudit, figures
from sluice.audit.sources import SinkSource
from sluice.delivery import clients
from sluice.errors import SettingsError
from tests.unit.audit.plant import REGION, STREAM, TABLE, Plant, visit
from tests.unit.delivery.builders import Context

NONE = {"Unaccounted": 0, "Overcounted": 0, "Overdue": 0, "Waiting": 0.0}
LATER = timedelta(minutes=20)
"""From now on, until a grace of ten minutes is over whatever has arrived."""


def audit_of(plant: Plant, **more: Any) -> ScheduledAudit:
    sinks = {"memory": AuditedSink(function="memory-sink", stream=STREAM)}
    given = Clients(
        kinesis=plant.kinesis,
        cloudwatch=plant.cloudwatch,
        dynamodb=plant.dynamodb,
        sqs=lambda: plant.sqs,
        s3=lambda: plant.s3,
        firehose=lambda: None,
    )
    settings = {
        "ledger_table": TABLE,
        "sinks": sinks,
        "queue_url": None,
        "time": timedelta(hours=2),
        "grace": timedelta(minutes=10),
    }
    return ScheduledAudit(clients=given, **(settings | more))


def found(audit: ScheduledAudit, later: timedelta = LATER) -> Mapping[str, float]:
    now = datetime.now(UTC) + later
    (group,) = audit.groups()
    (books,) = audit.books(group, now).sinks
    return figures(books, now)


def settle(plant: Plant, records: int = 10) -> None:
    for shard in plant.shards():
        while plant.waiting(shard):
            plant.work(shard, records)


def items(plant: Plant) -> list[dict[str, Any]]:
    return sorted(plant.dynamodb.scan(TableName=TABLE)["Items"], key=lambda item: item["first"]["S"])


def remove(plant: Plant, item: Mapping[str, Any]) -> int:
    """Make a gap as of a batch that nobody settled; return its records."""
    plant.dynamodb.delete_item(TableName=TABLE, Key={key: item[key] for key in ("lane", "first")})
    return sum(int(item[state]["N"]) for state in ("delivered", "dead_lettered", "skipped"))


def test_books_that_balance_say_nothing_is_missing(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(40)), ("bad", b"bad"))
    settle(plant)
    assert found(audit_of(plant)) == NONE


def test_a_gap_shows_with_the_figure_of_the_audit(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(60)))
    settle(plant)
    missing = remove(plant, items(plant)[1])
    plant.sink.held = dict(list(plant.sink.held.items())[missing:])
    audited = read_books(plant.sources).sinks[0]
    assert audited.unaccounted == missing > 0
    assert found(audit_of(plant)) == {**NONE, "Unaccounted": missing}


def test_more_records_in_the_books_than_the_stream_took_in_are_told(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.produce(*(visit(n) for n in range(30)))
    settle(plant)
    monkeypatch.setattr("sluice.audit.streams.taken_in", lambda *_, **__: 25)
    assert found(audit_of(plant)) == {**NONE, "Overcounted": 5}


def test_what_arrived_within_the_grace_is_left_to_the_next_audit(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(30)))
    assert found(audit_of(plant), timedelta()) == NONE
    settle(plant)
    remove(plant, items(plant)[0])
    assert found(audit_of(plant), timedelta()) == NONE


def test_a_sink_that_nobody_feeds_shows_what_waits_for_it_and_for_how_long(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(30)))
    plant.work(plant.shards()[0], 5)
    waiting = found(audit_of(plant))
    assert (waiting["Unaccounted"], waiting["Overdue"]) == (0, 25)
    assert LATER.total_seconds() <= waiting["Waiting"] < LATER.total_seconds() + 60


def test_what_waits_from_before_the_time_audited_is_told_with_its_age(plant: Plant) -> None:
    """Of a sink that has been paused for a day, before its records leave the stream."""
    plant.produce(*(visit(n) for n in range(30)))
    plant.work(plant.shards()[0], 5)
    day = timedelta(hours=20)
    waiting = found(audit_of(plant), day)
    assert (waiting["Unaccounted"], waiting["Overcounted"], waiting["Overdue"]) == (0, 0, 0)
    assert day.total_seconds() <= waiting["Waiting"] < day.total_seconds() + 60
    settle(plant)
    assert found(audit_of(plant), day) == NONE


def test_nothing_seems_to_wait_for_a_sink_with_a_filter(plant: Plant) -> None:
    """What the filter drops leaves no trace in the ledger."""
    plant.produce(*(visit(n) for n in range(30)))
    sink = AuditedSink(function="memory-sink", stream=STREAM, mapping="uuid", filtered=True)
    said = found(audit_of(plant, sinks={"memory": sink}), timedelta(hours=20))
    assert (said["Unaccounted"], said["Waiting"]) == (0, 0)


def test_a_long_backlog_is_counted_up_to_a_bound_and_is_no_loss(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled, "MOST_BEHIND", 20)
    plant.produce(*(visit(n) for n in range(200)))
    waiting = found(audit_of(plant))
    assert waiting["Unaccounted"] == 0
    assert 20 < waiting["Overdue"] <= 200


def test_a_shard_whose_newest_batch_is_beyond_the_time_audited_is_not_read(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy stream is not read at all: its readers share what a shard gives."""
    plant.produce(*(visit(n) for n in range(30)))
    settle(plant)
    for item in items(plant):
        at = datetime.now(UTC) + timedelta(minutes=15)
        plant.dynamodb.update_item(
            TableName=TABLE,
            Key={key: item[key] for key in ("lane", "first")},
            UpdateExpression="SET last_arrived = :at",
            ExpressionAttributeValues={":at": {"S": at.isoformat()}},
        )
    monkeypatch.setattr(plant.kinesis, "get_records", None)
    assert found(audit_of(plant))["Unaccounted"] == 0


def test_a_batch_that_lambda_gave_up_is_accounted_for_by_its_pointer(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(30)))
    plant.give_up(plant.shards()[0], 5)
    settle(plant)
    assert found(audit_of(plant))["Unaccounted"] == 5
    assert found(audit_of(plant, queue_url=plant.queue_url)) == NONE


def test_what_was_given_up_or_refused_within_the_grace_is_left_to_the_next_audit(plant: Plant) -> None:
    plant.produce(*(visit(n) for n in range(30)), ("bad", b"bad"))
    plant.give_up(plant.shards()[0], 5)
    settle(plant)
    sources = replace(plant.sources, sinks={"memory": SinkSource(function="memory-sink", keeps=False)})
    now = datetime.now(UTC)
    books = read_books(sources, since=now - timedelta(hours=2), until=now - timedelta(minutes=10), now=now)
    assert (figures(books.sinks[0], now), books.sentences) == (NONE, [])


def test_letters_are_not_looked_at_while_nothing_is_missing(plant: Plant) -> None:
    """Each look counts: what SQS has handed out three times has no age in its metric any more."""
    plant.produce(*(visit(n) for n in range(30)), ("bad", b"bad"))
    settle(plant)
    assert found(audit_of(plant, queue_url=plant.queue_url)) == NONE
    (message,) = plant.sqs.receive_message(
        QueueUrl=plant.queue_url, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


@pytest.mark.parametrize(("age_ms", "late"), [(1_500_000, True), (1000, False), (None, False)])
def test_of_several_batches_of_a_shard_at_once_one_that_lags_is_late_and_not_lost(
    plant: Plant, age_ms: int | None, *, late: bool
) -> None:
    """Its records lie between batches that are settled: only the age of what the function is given tells."""
    plant.produce(*(visit(n) for n in range(60)))
    settle(plant)
    missing = remove(plant, items(plant)[1])
    if age_ms is not None:
        plant.cloudwatch.put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": "IteratorAge",
                    "Dimensions": [{"Name": "FunctionName", "Value": "memory-sink"}],
                    "Timestamp": datetime.now(UTC) + LATER - timedelta(minutes=2),
                    "Value": age_ms,
                }
            ],
        )
    sinks = {"memory": AuditedSink(function="memory-sink", stream=STREAM, parallelization=4)}
    said = found(audit_of(plant, sinks=sinks))
    assert (said["Unaccounted"], said["Overdue"]) == ((0, missing) if late else (missing, 0))


def test_several_batches_of_a_shard_at_once_lose_nothing_while_the_stream_has_more(plant: Plant) -> None:
    """Of a sink that was paused: its batches do not end at one record."""
    plant.produce(*(visit(n) for n in range(60)))
    for shard in plant.shards():
        plant.work(shard, 5)
        plant.work(shard, 5)
    missing = remove(plant, items(plant)[0])
    sinks = {"memory": AuditedSink(function="memory-sink", stream=STREAM, parallelization=4)}
    said = found(audit_of(plant, sinks=sinks))
    assert (said["Unaccounted"], said["Overdue"]) == (0, 60 - 20 + missing)


def test_sinks_are_read_by_stream_and_by_what_feeds_them() -> None:
    sinks = {
        "bigquery": AuditedSink(function="b", stream="events"),
        "copy": AuditedSink(function="c", stream="copies"),
        "lake": AuditedSink(function="l", stream="events", firehose="f", bucket="b", errors="errors/lake/"),
        "search": AuditedSink(function="s", stream="events"),
    }
    groups = [
        (group.stream, group.by_firehose, sorted(group.sinks))
        for group in ScheduledAudit(
            clients=None,  # type: ignore[arg-type] # nothing is read
            ledger_table="",
            sinks=sinks,
            queue_url=None,
            time=timedelta(),
            grace=timedelta(),
        ).groups()
    ]
    assert groups == [
        ("copies", False, ["copy"]),
        ("events", False, ["bigquery", "search"]),
        ("events", True, ["lake"]),
    ]


ENVIRON = {
    "SLUICE_ENVIRONMENT": "sluice-test",
    "SLUICE_LEDGER_TABLE": TABLE,
    "SLUICE_AUDIT_SINKS": json.dumps({"memory": {"function": "memory-sink", "stream": STREAM}}),
    "SLUICE_AUDIT_HOURS": "2",
    "SLUICE_AUDIT_GRACE_MINUTES": "10",
}


@pytest.fixture
def handler(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[..., dict[str, Any]]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    # a logger is made once per service, and writes to what was stdout then
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    for name, client in {
        "stream": plant.kinesis,
        "cloudwatch": plant.cloudwatch,
        "windows": plant.dynamodb,
    }.items():
        monkeypatch.setattr(clients, name, lambda client=client: client)
    return lambda **more: auditor({**ENVIRON, **more})({}, Context())


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_sink_has_its_figures_and_the_auditor_its_own(
    handler: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert handler() == {"sinks": {"memory": NONE}, "failures": 0}
    said = {line["sink"]: line for line in lines(capsys) if "_aws" in line}
    assert {line["environment"] for line in said.values()} == {"sluice-test"}
    assert (said["memory"]["Unaccounted"], said["memory"]["Waiting"]) == ([0.0], [0.0])
    assert "Overcounted" not in said["memory"]
    assert (said["auditor"]["AuditedSinks"], said["auditor"]["AuditFailures"]) == ([1.0], [0.0])


def test_a_stream_that_cannot_be_read_is_told_and_keeps_back_no_other(
    handler: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    sinks = {
        "gone": {"function": "gone-sink", "stream": "gone"},
        "memory": {"function": "memory-sink", "stream": STREAM},
    }
    assert handler(SLUICE_AUDIT_SINKS=json.dumps(sinks)) == {"sinks": {"memory": NONE}, "failures": 1}
    (error,) = [line for line in lines(capsys) if line.get("level") == "ERROR"]
    assert (error["sinks"], error["message"]) == (["gone"], "books cannot be read")
    assert error["reason"].startswith("ResourceNotFoundException")


def test_without_time_nothing_is_begun_and_all_sinks_count_as_missed(
    handler: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _: 1000)
    assert handler() == {"sinks": {}, "failures": 1}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SLUICE_AUDIT_SINKS", "[1]", "SLUICE_AUDIT_SINKS is no JSON object of sinks"),
        ("SLUICE_AUDIT_HOURS", "0", "SLUICE_AUDIT_HOURS is '0', not a whole number above 0"),
        ("SLUICE_AUDIT_GRACE_MINUTES", "", "SLUICE_AUDIT_GRACE_MINUTES is not set"),
        ("SLUICE_ENVIRONMENT", "", "SLUICE_ENVIRONMENT is not set"),
    ],
)
def test_a_wrong_environment_is_one_line(
    handler: Callable[..., dict[str, Any]], name: str, value: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        handler(**{name: value})
    assert "\n" not in str(refused.value)
