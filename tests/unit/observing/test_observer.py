"""A line of the log, a line of figures: what leads from one to the other, and how large they get."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from sluice.delivery import DELIVERED, Accepted, Rejected, Retry
from sluice.delivery.function import handler_of
from sluice.errors import DeliveryError, SettingsError
from sluice.observing.observer import MOST_CHARACTERS, MOST_NAMED, Observer, oldest_arrival
from sluice.sinks.memory import MemorySink
from tests.unit.delivery.builders import ARRIVED, CONTRACT, Context, batch, sequence, visit
from tests.unit.observing.conftest import Said


class Called(Context):
    aws_request_id = "11111111-2222-3333-4444-555555555555"


def deciding(outcomes: dict[str, Any]) -> MemorySink:
    def decide(accepted: Accepted) -> Any:
        return outcomes.get(accepted.event_id, DELIVERED)

    return MemorySink("bigquery", decide)


def test_refused_and_retried_records_are_named_with_what_leads_to_them(
    said: Said, environ: dict[str, str]
) -> None:
    sink = deciding({"v1": Rejected("too old", "at"), "v3": Retry("full")})
    handler_of(CONTRACT, sink, environ)(batch([visit(0), visit(1), b"bad", visit(3), visit(4)]), Called())
    (line,) = said.log()
    assert (line["shard"], line["first"], line["last"]) == (
        "shardId-000000000000",
        sequence(0),
        sequence(4),
    )
    assert (line["environment"], line["sink"], line["level"]) == ("sluice-test", "bigquery", "WARNING")
    assert line["function_request_id"] == Called.aws_request_id
    rejected, poison, retried = line["records"]
    assert rejected == {
        "sequence": sequence(1),
        "event_id": "v1",
        "kind": "rejected",
        "reason": "too old",
        "field": "at",
    }
    assert (poison["sequence"], poison["kind"], poison.get("event_id")) == (sequence(2), "contract", None)
    assert retried == {"sequence": sequence(3), "event_id": "v3", "kind": "retried", "reason": "full"}


def test_a_line_stays_short_whatever_is_refused(said: Said, environ: dict[str, str]) -> None:
    long = "\n" + "x" * 5_000
    sink = deciding({f"v{n}" + long: Rejected(long, long) for n in range(30)})
    events = [visit(n, id=f"v{n}" + long) for n in range(30)]
    handler_of(CONTRACT, sink, environ)(batch(events), Called())
    (line,) = said.log()
    assert (len(line["records"]), line["RejectedRows"]) == (MOST_NAMED, 30)
    assert {len(each["reason"]) for each in line["records"]} == {MOST_CHARACTERS}
    assert len(json.dumps(line)) < 20_000
    assert all(
        "\n" not in printed or printed.endswith("\n") for printed in said.text.splitlines(keepends=True)
    )


def test_what_raises_is_logged_once_and_its_age_is_a_figure(
    said: Said, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any, **__: Any) -> None:
        raise DeliveryError("the ledger does not answer")

    monkeypatch.setattr("sluice.delivery.ledger.Ledger.open", silent)
    handler = handler_of(CONTRACT, MemorySink("bigquery"), environ)
    with pytest.raises(DeliveryError, match="the ledger does not answer"):
        handler(batch([visit(0), visit(1)]), Called())
    (line,), (figures,) = said.log(), said.figures()
    assert (line["message"], line["level"]) == ("the whole batch goes back to the stream", "ERROR")
    assert any("processor.py" in frame for frame in line["frames"])
    assert (figures["Unfinished"], figures["function_request_id"]) == ([1.0], Called.aws_request_id)
    assert figures["Freshness"][0] > 60


def test_freshness_is_the_age_of_the_oldest_that_is_left(
    said: Said, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sluice.observing.observer.time.time", lambda: ARRIVED + 100)
    sink = deciding({"v2": Retry("full")})
    handler_of(CONTRACT, sink, environ)(batch([visit(0), visit(1), visit(2), visit(3)]), Called())
    handler_of(CONTRACT, deciding({}), environ)(batch([visit(0), visit(1)]), Called())
    assert [figures["Freshness"] for figures in said.figures()] == [[98.0], [100.0]]


def test_records_that_are_redriven_make_no_sink_look_late(said: Said, environ: dict[str, str]) -> None:
    handler_of(CONTRACT, deciding({}), environ)({**batch([visit(0)]), "redrive": True}, Called())
    (figures,) = said.figures()
    assert "Freshness" not in figures


def test_trouble_is_said_only_where_there_is_any(said: Said, environ: dict[str, str]) -> None:
    """Each metric that is sent in an hour is paid for."""
    handler_of(CONTRACT, deciding({}), environ)(batch([visit(0)]), Called())
    (figures,) = said.figures()
    (definition,) = figures["_aws"]["CloudWatchMetrics"]
    assert definition["Dimensions"] == [["environment", "sink"]]
    assert {each["Name"] for each in definition["Metrics"]} == {
        "Delivered",
        "DeadLettered",
        "Skipped",
        "Retried",
        "Freshness",
    }


@pytest.mark.parametrize(("rate", "levels"), [("1", ["DEBUG"]), ("0.0", [])])
def test_sampled_invocations_log_as_with_debug(
    said: Said, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, rate: str, levels: Sequence[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
    monkeypatch.setenv("POWERTOOLS_LOGGER_SAMPLE_RATE", rate)
    handler_of(CONTRACT, deciding({}), environ)(batch([visit(0)]), Called())
    assert [line["level"] for line in said.log()] == list(levels)


def test_each_invocation_is_sampled_anew(
    said: Said, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
    monkeypatch.setenv("POWERTOOLS_LOGGER_SAMPLE_RATE", "0.5")
    drawn = iter([0.9, 0.1, 0.9, 0.4])
    monkeypatch.setattr("aws_lambda_powertools.logging.logger.random.random", lambda: next(drawn))
    handler = handler_of(CONTRACT, deciding({}), environ)  # the first draw
    for _ in range(3):
        handler(batch([visit(0)]), Called())
    assert len(said.log()) == 2


def test_without_an_environment_a_function_does_not_start() -> None:
    with pytest.raises(SettingsError, match="SLUICE_ENVIRONMENT is not set"):
        Observer.of("bigquery", {})


@pytest.mark.parametrize(
    ("event", "oldest"),
    [
        ({"Records": [{"kinesis": {"approximateArrivalTimestamp": each}} for each in (7.5, 3.5, 9.0)]}, 3.5),
        ({"records": [{"kinesisRecordMetadata": {"approximateArrivalTimestamp": 4500}}]}, 4.5),
        ({"Records": [{"kinesis": {"approximateArrivalTimestamp": 1}}], "redrive": True}, None),
        ({"Records": []}, None),
        ({"Records": [{"dynamodb": {}}]}, None),
        ({"source": "aws.events"}, None),
        (None, None),
        ([1], None),
    ],
)
def test_the_oldest_arrival_is_found_in_whatever_invokes_a_function(event: Any, oldest: float | None) -> None:
    assert oldest_arrival(event) == oldest
