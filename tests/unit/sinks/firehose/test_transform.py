"""Firehose gets an answer for each record, and the books, the dead letters and the answers agree."""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.errors import DeliveryError
from sluice.records.aggregate import Aggregate
from sluice.sinks.firehose import answers as answering
from tests.unit.delivery.aws import Aws, refusal
from tests.unit.delivery.builders import ARRIVED, CONTRACT, Context, Killed, record, sequence, visit
from tests.unit.sinks.firehose.rig import (
    DATABASE,
    SHARD,
    Rig,
    entry,
    event,
    event_of,
    records,
    results,
    row_of,
)

PING = b'{"type": "ping", "at": "2026-11-01T12:00:00Z"}'


def test_each_record_becomes_a_row_of_its_types_table_with_its_lineage(aws: Aws) -> None:
    rig = Rig(aws)
    found = rig.ask(event_of(records(visit(0), PING)))
    assert results(found) == ["Ok", "Ok"]
    assert found["r0"]["metadata"] == {
        "otfMetadata": {
            "destinationDatabaseName": DATABASE,
            "destinationTableName": "visit",
            "operation": "insert",
        }
    }
    assert row_of(found["r0"]) == {
        "type": "visit",
        "id": "v0",
        "at": 1_793_534_400_000_000,
        "page": None,
        "_event_id": "v0",
        "_arrived_at": round(ARRIVED * 1_000_000),
        "_shard": SHARD,
        "_sequence": sequence(0),
    }
    assert row_of(found["r1"])["_event_id"] == f"key1:{sequence(1)}"
    assert rig.closed() == [(2, 0, 0)]


def test_a_refused_record_is_dropped_with_a_dead_letter_and_holds_up_nothing(aws: Aws) -> None:
    rig = Rig(aws)
    assert results(rig.ask(event_of(records(visit(0), b"junk", visit(2))))) == ["Ok", "Dropped", "Ok"]
    assert rig.closed() == [(2, 1, 0)]
    (letter,) = rig.letters().values()
    assert (letter.id, letter.kind, letter.payload) == (f"lake/{SHARD}/{sequence(1)}", "contract", b"junk")


def test_types_that_the_destination_does_not_take_are_dropped_and_booked_as_skipped(aws: Aws) -> None:
    rig = Rig(aws, types=["visit"])
    assert results(rig.ask(event_of(records(PING, visit(1))))) == ["Dropped", "Ok"]
    assert rig.closed() == [(1, 0, 1)]
    assert not rig.letters()


def test_records_of_several_shards_in_any_order_have_books_of_their_own(aws: Aws) -> None:
    rig = Rig(aws)
    other = "shardId-000000000001"
    mixed = [record(3), record(1, b"junk", other), record(1), record(0, None, other)]
    assert results(rig.ask(event_of(mixed))) == ["Ok", "Dropped", "Ok", "Ok"]
    assert (rig.closed(), rig.closed(other)) == ([(2, 0, 0)], [(1, 1, 0)])
    assert rig.entries()[0].first == int(sequence(1))


@pytest.mark.parametrize("sub", [0, "", "0", None])
def test_a_plain_record_has_no_number_however_firehose_writes_that(aws: Aws, sub: object) -> None:
    one = entry(record(0), "r0")
    one["kinesisRecordMetadata"]["subsequenceNumber"] = sub
    assert row_of(Rig(aws).ask(event([one]))["r0"])["_sequence"] == sequence(0)


def test_arrival_may_be_text_as_in_the_guides_example(aws: Aws) -> None:
    one = entry(record(0), "r0")
    one["kinesisRecordMetadata"]["approximateArrivalTimestamp"] = "2012-04-23T18:25:43.511Z"
    assert row_of(Rig(aws).ask(event([one]))["r0"])["_arrived_at"] == 1_335_205_543_511_000


def test_an_aggregate_that_firehose_cuts_over_two_events_is_counted_as_one_record(aws: Aws) -> None:
    rig = Rig(aws)
    one = record(0)
    inside = [msgspec.structs.replace(one, data=visit(n), sub_sequence=n) for n in range(5)]
    rig.ask(event_of([*inside[:2]]))
    rig.ask(event_of([*inside[2:4]]))
    rig.ask(event_of([inside[4], record(1)]))
    entries = rig.entries()
    assert sum(each.events for each in entries) == 6
    assert sum(each.records for each in entries) == 2
    assert len(entries) == 3


def test_an_aggregate_that_was_not_taken_apart_is_refused_not_lost(aws: Aws) -> None:
    rig = Rig(aws)
    aggregate = Aggregate()
    aggregate.add("key", visit(0))
    assert results(rig.ask(event_of([record(0, aggregate.encode())]))) == ["Dropped"]
    assert [letter.kind for letter in rig.letters().values()] == ["contract"]


def test_a_record_that_stands_in_an_event_twice_is_one_row_and_booked_once(aws: Aws) -> None:
    rig = Rig(aws)
    one, other = record(0), record(0, visit(7))
    found = rig.ask(event_of([one, one, other]))
    assert sorted(results(found)) == ["Dropped", "Ok", "Ok"]
    assert {row_of(each)["_sequence"] for each in found.values() if each["result"] == "Ok"} == {
        sequence(0),
        f"{sequence(0)}:1",
    }
    assert rig.closed() == [(2, 0, 0)]


def test_an_event_that_comes_again_overwrites_its_books(aws: Aws) -> None:
    rig = Rig(aws)
    again = event_of(records(visit(0), b"junk", visit(2)))
    assert rig.ask(again) == rig.ask(again)
    assert rig.closed() == [(2, 1, 0)]
    assert len(rig.letters()) == 1


class Deaf:
    """A queue that takes nothing."""

    def send(self, letters: Sequence[DeadLetter], deadline: Deadline) -> dict[str, str]:  # noqa: ARG002 - the protocol's
        return {letter.id: "no answer" for letter in letters}


def test_a_refused_record_whose_dead_letter_cannot_be_sent_is_left_to_the_error_prefix(aws: Aws) -> None:
    rig = Rig(aws, letterbox=Deaf())
    found = rig.ask(event_of(records(visit(0), b"junk")))
    assert results(found) == ["Ok", "ProcessingFailed"]
    assert rig.closed() == [(2, 0, 0)]


def test_without_the_ledger_the_whole_event_comes_again(aws: Aws) -> None:
    def silent(_step: str) -> None:
        raise refusal()

    with pytest.raises(DeliveryError, match="ledger"):
        Rig(aws, hook=silent).ask(event_of([record(0)]))


def test_a_record_that_kills_the_function_is_put_aside_at_the_third_attempt(aws: Aws) -> None:
    class Deadly:
        types = CONTRACT.types
        type_of = CONTRACT.type_of
        encode_lake_row = CONTRACT.encode_lake_row

        def decode(self, data: bytes) -> Any:
            if data == b"killer":
                raise Killed
            return CONTRACT.decode(data)

    other = "shardId-000000000001"
    # the other shard is all poison: nothing is delivered there, and still none of its records is to blame
    mixed = event_of([record(0, b"junk"), record(0, None, other), record(1, b"killer", other)])
    for _ in range(2):
        with pytest.raises(Killed):
            Rig(aws, contract=Deadly()).ask(mixed)
    rig = Rig(aws, contract=Deadly())
    assert results(rig.ask(mixed)) == ["Dropped", "Ok", "Dropped"]
    kinds = {letter.shard: letter.kind for letter in rig.letters().values()}
    assert kinds == {SHARD: "contract", other: "crash"}
    assert (rig.closed(), rig.closed(other)) == ([(0, 1, 0)], [(1, 1, 0)])


def test_a_record_that_memory_does_not_hold_is_put_aside_wherever_it_stands(aws: Aws) -> None:
    class Large:
        types = CONTRACT.types
        type_of = CONTRACT.type_of
        encode_lake_row = CONTRACT.encode_lake_row

        def decode(self, data: bytes) -> Any:
            if data == b"large":
                raise MemoryError
            return CONTRACT.decode(data)

    rig = Rig(aws, contract=Large())
    assert results(rig.ask(event_of(records(visit(0), b"large", visit(2))))) == ["Ok", "Dropped", "Ok"]
    assert [letter.kind for letter in rig.letters().values()] == ["crash"]


def test_what_cannot_be_settled_books_nothing_and_raises_with_the_reason(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(aws)
    monkeypatch.setattr("sluice.delivery.attempt.MOST_AT_ONCE", 1)
    with pytest.raises(DeliveryError, match=r"2 of 3 records could not be settled \(of a batch of more"):
        rig.ask(event_of(records(visit(0), visit(1), visit(2))))
    assert rig.closed() == []
    assert not rig.put


def test_rows_for_which_the_answer_has_no_room_go_the_other_way_and_are_not_lost(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "MOST_BYTES", 2_000)
    rig = Rig(aws)
    found = rig.ask(event_of(records(*(visit(n) for n in range(6)))))
    ok = results(found).count("Ok")
    assert 0 < ok < 6
    assert len(rig.put) == 6 - ok
    assert rig.closed() == [(6, 0, 0)]


def test_a_row_that_no_answer_holds_is_a_dead_letter(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MOST_BYTES", 2_000)
    rig = Rig(aws)
    found = rig.ask(event_of(records(visit(0), visit(1, page="x" * 2_000))))
    assert results(found) == ["Ok", "Dropped"]
    assert rig.closed() == [(1, 1, 0)]
    assert not rig.put


def test_three_megabytes_and_the_smallest_events_are_answered_below_what_lambda_hands_back(aws: Aws) -> None:
    rig = Rig(aws)
    big = rig.ask(event_of(records(*(visit(n, page="x" * 1_000_000) for n in range(3)))))
    assert results(big) == ["Ok"] * 3
    small = [record(n, PING) for n in range(12_000)]
    found = rig.ask(event_of(small))
    assert results(found).count("Ok") + len(rig.put) == 12_000
    assert rig.put


def test_an_event_without_records_is_answered(aws: Aws) -> None:
    assert Rig(aws).ask(event([])) == {}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"records": 1},
        {"records": [{"recordId": "r0"}]},
        {"records": [{"recordId": "r0", "data": "!!!"}]},
        {"records": [{"recordId": "r0", "data": base64.b64encode(b"{}").decode()}]},
        {"records": [entry(record(0), "r0", sub=-1)]},
        {"records": [entry(record(0), "r0", sub="x")]},
        {"records": [entry(record(0), "same"), entry(record(1), "same")]},
        {"Records": []},
    ],
)
def test_an_event_that_firehose_does_not_write_is_one_clear_error(aws: Aws, broken: dict[str, Any]) -> None:
    with pytest.raises(DeliveryError, match="the invocation's event"):
        Rig(aws).transform(event([]) | {"records": None} | broken, Context())
