"""Throughput, latency, balance and dead letters, over moto's ledger, stream and queue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sluice.delivery import LedgerReader
from sluice.report import lanes
from sluice.report.flow import LedgerFlow
from sluice.report.letters import QueuedLetters
from tests.unit.audit import plant as plants
from tests.unit.audit.plant import Plant, visit


@pytest.fixture
def plant() -> Iterator[Plant]:
    with plants.running() as running:
        yield running


def flow_of(plant: Plant, **more: Any) -> LedgerFlow:
    return LedgerFlow(
        kinesis=plant.kinesis,
        cloudwatch=plant.cloudwatch,
        ledger=LedgerReader(plant.dynamodb, plants.TABLE),
        stream=plants.STREAM,
        sinks={"memory": 1},
        **more,
    )


def letters_of(plant: Plant) -> QueuedLetters:
    return QueuedLetters(
        sqs=plant.sqs, queue_url=plant.queue_url, functions={"memory-sink": "memory"}, patience_seconds=0
    )


def work_off(plant: Plant, at_once: int = 10) -> None:
    for shard in plant.shards():
        while plant.waiting(shard):
            plant.work(shard, at_once)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def sink_of(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["balance"]["sinks"][0]
    return found


def test_every_settled_record_is_in_the_throughput_and_in_the_balance(plant: Plant) -> None:
    plant.produce(*(visit(number) for number in range(60)), ("bad", b"{}"))
    work_off(plant)
    answer = flow_of(plant).answer(None, soon())
    column = answer["sinks"][0]
    assert column["records"] == 61
    assert round(sum(column["rate"]) * answer["step"]) == 61
    assert len(column["rate"]) == (answer["end"] - answer["begin"]) / answer["step"]
    assert answer["balance"]["produced"] == 61
    assert sink_of(answer) == {
        "sink": "memory",
        "delivered": 60,
        "dead_lettered": 1,
        "skipped": 0,
        "in_flight": 0,
        "surplus": 0,
    }


def test_what_no_sink_has_settled_is_on_its_way(plant: Plant) -> None:
    plant.produce(*(visit(number) for number in range(40)))
    shard = plant.shards()[0]
    plant.work(shard, 10)
    settled = len(plant.sink.held)
    found = sink_of(flow_of(plant).answer(None, soon()))
    assert (found["delivered"], found["in_flight"]) == (settled, 40 - settled)


def test_latency_reaches_from_arrival_to_the_closing_of_the_books(plant: Plant) -> None:
    plant.produce(*(visit(number) for number in range(20)))
    work_off(plant)
    whole = flow_of(plant).answer(None, soon())["sinks"][0]["whole"]
    assert 0 < whole["p50"] <= whole["p99"]


def test_a_page_that_was_open_before_the_first_record_sees_it_come(plant: Plant) -> None:
    flow = flow_of(plant)
    assert flow.answer(None, soon())["balance"]["produced"] == 0
    plant.produce(*(visit(number) for number in range(10)))
    work_off(plant)
    assert sink_of(flow.answer(None, soon()))["delivered"] == 10


def test_a_second_look_reads_only_what_is_new(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "AGAIN", 1)
    plant.produce(*(visit(number) for number in range(50)))
    work_off(plant, at_once=2)
    flow = flow_of(plant)
    flow.answer(None, soon())
    read: list[int] = []
    real = flow.ledger.lane

    def counted(*arguments: Any, **more: Any) -> Any:
        found = list(real(*arguments, **more))
        read.append(len(found))
        return iter(found)

    monkeypatch.setattr(flow.ledger, "lane", counted)
    plant.produce(visit(1_000))
    work_off(plant)
    answer = flow.answer(None, soon())
    assert answer["balance"]["produced"] == 51
    assert sink_of(answer)["delivered"] == 51
    assert sum(read) <= 2 * len(plant.shards())


def test_a_long_ledger_is_read_piece_by_piece_and_the_page_says_from_when_on(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "AT_ONCE", 5)
    plant.produce(*(visit(number) for number in range(100)))
    work_off(plant, at_once=4)
    flow = flow_of(plant)
    seen = []
    for _ in range(12):
        answer = flow.answer(None, soon())
        seen.append(len(flow._lanes.entries("memory", lanes.LONG_AGO)))
    assert seen == sorted(seen)
    assert seen[0] <= 5 * len(plant.shards())
    assert answer["begin"] <= answer["asked"]
    assert sink_of(answer)["delivered"] == 100


def test_what_is_remembered_of_a_ledger_is_bounded(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST", 3)
    plant.produce(*(visit(number) for number in range(60)))
    work_off(plant, at_once=2)
    flow = flow_of(plant)
    flow.answer(None, soon())
    assert all(len(lane.entries) == 3 for lane in flow._lanes._lanes.values())


def test_where_the_streams_count_is_late_the_balance_is_that_of_an_earlier_minute(plant: Plant) -> None:
    plant.produce(*(visit(number) for number in range(10)))
    work_off(plant)
    now = datetime.now(UTC)
    young = flow_of(plant, metric_lag=timedelta(minutes=5)).answer(None, now)
    assert young["balance"]["produced"] is None
    later = flow_of(plant, metric_lag=timedelta(minutes=5)).answer(None, now + timedelta(minutes=10))
    assert later["balance"]["produced"] == 10
    assert sink_of(later)["in_flight"] == 0
    assert later["balance"]["until"] <= (now + timedelta(minutes=5)).timestamp()


def test_dead_letters_are_listed_without_payload_and_stay_in_the_queue(plant: Plant) -> None:
    plant.produce(("bad", b'{"type": "visit", "secret": "hunter2"}'))
    work_off(plant)
    letters = letters_of(plant)
    answer = letters.answer()
    assert (answer["waiting"], answer["read"]) == (1, 1)
    assert answer["letters"][0]["sink"] == "memory"
    assert answer["letters"][0]["kind"] == "contract"
    assert "hunter2" not in str(answer)
    assert letters_of(plant).answer() == answer


def test_the_newest_letters_come_first_and_the_queue_is_only_read_when_it_has_changed(plant: Plant) -> None:
    plant.produce(*((f"bad{number}", b"{}") for number in range(5)))
    work_off(plant)
    letters = letters_of(plant)
    failed = [letter["failed_at"] for letter in letters.answer()["letters"]]
    assert failed == sorted(failed, reverse=True)
    receives = []
    plant.sqs.meta.events.register("before-call.sqs.ReceiveMessage", lambda **_: receives.append(1))
    letters.answer()
    assert not receives
    plant.produce(("bad9", b"{}"))
    work_off(plant)
    assert letters.answer()["waiting"] == 6
    assert receives


def test_letters_that_somebody_holds_are_left_alone(plant: Plant) -> None:
    plant.produce(("bad", b"{}"))
    work_off(plant)
    plant.sqs.receive_message(QueueUrl=plant.queue_url, VisibilityTimeout=60)
    answer = letters_of(plant).answer()
    assert (answer["waiting"], answer["letters"]) == (1, [])
