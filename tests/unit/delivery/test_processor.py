"""One invocation: what is settled, what comes again, what is told."""

import json
from typing import Any

import pytest

from sluice.delivery import DELIVERED, SKIPPED, Rejected, Retry
from sluice.errors import DeliveryError
from tests.unit.delivery.aws import Aws, refusal
from tests.unit.delivery.builders import SHARD, Time, batch, entry, record, sequence, visit
from tests.unit.delivery.rig import Rig, by_number, counts, failures, identity


def test_an_empty_event_is_nothing(aws: Aws) -> None:
    assert Rig(aws).invoke({"Records": []}) == failures()


def test_a_batch_ends_in_the_sink_and_in_the_books(aws: Aws) -> None:
    rig = Rig(aws)
    assert rig.invoke(batch([visit(0), visit(1), visit(2)])) == failures()
    assert set(rig.sink.held) == {identity(0), identity(1), identity(2)}
    (closed,) = rig.entries()
    assert (closed.first, closed.last) == (int(sequence(0)), int(sequence(2)))
    assert (closed.state, closed.records, closed.delivered, closed.attempts) == ("closed", 3, 3, 0)
    assert closed.first_arrived == record(0).arrived
    assert closed.last_arrived == record(2).arrived
    assert sum(closed.latency.values()) == 3


def test_a_bad_record_goes_to_the_dead_letters_in_the_same_invocation(aws: Aws) -> None:
    rig = Rig(aws)
    assert rig.invoke(batch([visit(0), b"\xff", visit(2), b""])) == failures()
    letters = rig.letters()
    assert set(letters) == {f"bigquery/{identity(1)}", f"bigquery/{identity(3)}"}
    letter = letters[f"bigquery/{identity(1)}"]
    assert (letter.kind, letter.payload, letter.sink, letter.stream) == (
        "contract",
        b"\xff",
        "bigquery",
        "activity",
    )
    assert letter.arrived_at == record(1).arrived
    assert set(rig.sink.noted) == set(letters)
    assert counts(rig) == [(2, 2, 0)]


def test_a_batch_of_nothing_but_poison_passes(aws: Aws) -> None:
    rig = Rig(aws)
    assert rig.invoke(batch([b"{}"] * 25)) == failures()
    assert len(rig.letters()) == 25
    assert counts(rig) == [(0, 25, 0)]
    assert "deliver" not in rig.steps


def test_what_the_sink_rejects_is_a_dead_letter_with_its_reason(aws: Aws) -> None:
    rig = Rig(aws, decide=by_number({1: Rejected("too old", "at")}))
    assert rig.invoke(batch([visit(0), visit(1)])) == failures()
    (letter,) = rig.letters().values()
    assert (letter.kind, letter.reason, letter.field) == ("rejected", "too old", "at")


def test_what_is_not_meant_for_the_sink_is_counted_as_skipped(aws: Aws) -> None:
    rig = Rig(aws, decide=by_number({0: SKIPPED}))
    assert rig.invoke(batch([visit(0), visit(1)])) == failures()
    assert counts(rig) == [(1, 0, 1)]


def test_only_what_lies_below_the_first_failure_is_settled(aws: Aws) -> None:
    rig = Rig(aws, decide=by_number({2: Retry("busy"), 4: Retry("busy")}))
    event = batch([visit(0), b"bad", visit(2), b"bad", visit(4), visit(5)])
    assert rig.invoke(event) == failures(2)
    assert set(rig.letters()) == {f"bigquery/{identity(1)}"}
    assert [(one.first, one.last) for one in rig.closed()] == [(int(sequence(0)), int(sequence(1)))]
    assert counts(rig) == [(1, 1, 0)]


def test_a_sink_that_takes_nothing_sends_the_whole_batch_back_and_settles_nothing(aws: Aws) -> None:
    rig = Rig(aws, decide=lambda _: Retry("down"))
    assert rig.invoke(batch([b"bad", visit(1), visit(2)])) == failures(1)
    assert rig.invoke(batch({1: visit(1), 2: visit(2)})) == failures(1)
    assert counts(rig) == [(0, 1, 0)]
    assert [one.attempts for one in rig.entries()] == [0, 0]


def test_a_record_whose_dead_letter_cannot_be_sent_comes_again(aws: Aws) -> None:
    def hook(step: str, about: Any) -> None:
        if step == "send_message_batch" and any(
            identity(2) in each["MessageBody"] for each in about["Entries"]
        ):
            raise refusal("RequestThrottled")

    rig = Rig(aws, hook=hook)
    assert rig.invoke(batch([visit(0), visit(1), b"bad", visit(3)])) == failures(2)
    assert rig.reports[0].reason == "its dead letter could not be sent: Any was refused with RequestThrottled"
    assert counts(rig) == [(2, 0, 0)]
    healed = Rig(aws)
    assert healed.invoke(batch({2: b"bad", 3: visit(3)})) == failures()
    assert set(healed.letters()) == {f"bigquery/{identity(2)}"}
    assert counts(healed) == [(2, 0, 0), (1, 1, 0)]


class SlowLetterbox:
    """Sends ten letters a second, until the time is up."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.sent: list[str] = []

    def send(self, letters: Any, deadline: Any) -> dict[str, str]:
        waiting = [letter.id for letter in letters]
        while waiting and deadline.remaining() >= 1:
            self.time.sleep(1)
            self.sent += waiting[:10]
            waiting = waiting[10:]
        return dict.fromkeys(waiting, "no time")


def test_poison_that_there_is_no_time_to_send_comes_back_and_goes_out_bit_by_bit(aws: Aws) -> None:
    time = Time()
    letterbox = SlowLetterbox(time)
    rig = Rig(aws, letterbox=letterbox, time=time)
    waiting = dict.fromkeys(range(400), b"bad")
    invocations = 0
    while waiting:
        started = time.now
        answer = rig.invoke(batch(waiting))
        assert time.now - started < 20
        first = answer["batchItemFailures"][0]["itemIdentifier"] if answer["batchItemFailures"] else None
        waiting = {n: data for n, data in waiting.items() if first and int(sequence(n)) >= int(first)}
        invocations += 1
    assert letterbox.sent == [f"bigquery/{identity(n)}" for n in range(400)]
    assert invocations == 3
    assert sum(one.dead_lettered for one in rig.closed()) == 400


def test_a_sinks_own_list_of_dead_letters_never_holds_up_a_shard(aws: Aws) -> None:
    def hook(step: str, _about: Any) -> None:
        if step == "note":
            raise DeliveryError("the table is not there")

    rig = Rig(aws, hook=hook)
    assert rig.invoke(batch([b"bad", visit(1)])) == failures()
    assert len(rig.letters()) == 1
    assert (rig.reports[0].unlisted, rig.reports[0].unlisted_reason) == (
        1,
        "the table is not there",
    )


@pytest.mark.parametrize("step", ["prepare", "decode"])
def test_a_record_that_breaks_the_code_that_reads_it_is_a_dead_letter(aws: Aws, step: str) -> None:
    def hook(name: str, about: Any) -> None:
        if name == step and b"v1" in (about if isinstance(about, bytes) else about.record.data):
            raise ZeroDivisionError

    rig = Rig(aws, hook=hook)
    assert rig.invoke(batch([visit(0), visit(1), visit(2)])) == failures()
    (letter,) = rig.letters().values()
    assert (letter.kind, letter.payload) == ("crash", visit(1))
    assert "ZeroDivisionError" in letter.reason
    assert counts(rig) == [(2, 1, 0)]


@pytest.mark.parametrize("error", [RuntimeError("bug"), OSError("gone")])
def test_a_sink_that_breaks_loses_nothing(aws: Aws, error: Exception) -> None:
    def hook(step: str, _about: Any) -> None:
        if step == "deliver":
            raise error

    rig = Rig(aws, hook=hook)
    assert rig.invoke(batch([b"bad", visit(1)])) == failures(1)
    assert "the sink failed" in (rig.reports[0].reason or "")


def test_a_sink_that_answers_for_too_few_records_loses_nothing(aws: Aws) -> None:
    rig = Rig(aws)
    rig.sink.deliver = lambda prepared, deadline: [DELIVERED] * (len(prepared) - 1)  # type: ignore[method-assign] # noqa: ARG005 # a broken sink
    assert rig.invoke(batch([visit(0), visit(1)])) == failures(0)
    assert rig.closed() == []


def test_records_of_one_aggregate_come_again_together(aws: Aws) -> None:
    def sub(number: int, place: int, data: bytes) -> dict[str, Any]:
        document = entry(record(number, data))
        document["kinesis"]["subSequenceNumber"] = place
        return document

    rig = Rig(aws, decide=lambda accepted: Retry("busy") if accepted.record.sub_sequence == 1 else DELIVERED)
    records = [entry(record(0)), sub(1, 0, b"bad"), sub(1, 1, visit(1)), entry(record(2))]
    assert rig.invoke({"Records": records}) == failures(1)
    assert counts(rig) == [(1, 0, 0)]
    assert rig.letters() == {}


def test_the_report_says_what_happened_and_nothing_of_what_was_carried(aws: Aws) -> None:
    rig = Rig(aws, decide=by_number({3: Retry("BigQuery answered 503")}))
    rig.invoke(batch([visit(0, page="secret"), b"secret", visit(2), visit(3), visit(4)]))
    (report,) = rig.reports
    assert (dict(report.states), dict(report.refusals)) == (
        {"delivered": 2, "dead_lettered": 1},
        {"contract": 1},
    )
    assert (report.retried, report.reason, report.shard) == (2, "BigQuery answered 503", SHARD)
    assert "secret" not in repr(report)
    letter = next(iter(rig.letters().values()))
    assert "secret" not in json.dumps({**letter.summary()})
