"""Each destination gets what it takes, and every record a way back that keeps its lineage."""

import base64
import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest

from sluice.contract import Contract, Event, field
from sluice.errors import SettingsError
from sluice.records import Record
from sluice.records.wrapped import PLAIN_BYTES, Wrapped, unwrap, wrap
from sluice.sinks.firehose.rows import Rows
from tests.unit.delivery.aws import Aws
from tests.unit.delivery.builders import ARRIVED, CONTRACT, record, sequence, visit
from tests.unit.sinks.firehose.rig import SHARD, Rig, direct, event_of, results, row_of


class Sale(Event, type="sale", id="Id", time="at", table="Sales"):
    """Something sold."""

    Id: Annotated[str, field("Unique id")]
    at: Annotated[datetime, field("When")]
    amount: Annotated[Decimal, field("How much", ge=0, le=1000)]
    note: Annotated[str | None, field("What was said")] = None


SALES = Contract([Sale])
LINEAGE = {"_event_id": "s1", "_shard": SHARD, "_sequence": sequence(0)}
ARRIVED_TEXT = "2023-11-14T22:13:20.250000Z"


def sale(**more: Any) -> bytes:
    event = {"type": "sale", "Id": "s1", "at": "2026-11-01T12:00:00.123456Z", "amount": "12.50"}
    return json.dumps(event | more).encode()


def answered(aws: Aws, destination: str, data: bytes | None = None) -> dict[str, Any]:
    rig = Rig(aws, destination=destination, contract=SALES)
    return rig.ask(event_of([record(0, data or sale())]))["r0"]


def test_a_lake_row_is_for_its_table_in_lower_case_and_says_times_in_microseconds(aws: Aws) -> None:
    answer = answered(aws, "iceberg")
    assert answer["metadata"]["otfMetadata"]["destinationTableName"] == "sales"
    row = row_of(answer)
    assert row.items() >= LINEAGE.items()
    assert (row["id"], row["at"], row["amount"]) == ("s1", 1_793_534_400_123_456, "12.500000000")
    assert row["_arrived_at"] == round(ARRIVED * 1_000_000)


def test_a_row_for_redshift_is_one_line_and_for_snowflake_none(aws: Aws) -> None:
    lines = {name: base64.b64decode(answered(aws, name)["data"]) for name in ("redshift", "snowflake")}
    assert lines["redshift"] == lines["snowflake"] + b"\n"
    assert lines["redshift"].count(b"\n") == 1
    assert json.loads(lines["redshift"]).items() >= (LINEAGE | {"_arrived_at": ARRIVED_TEXT}).items()
    assert "metadata" not in answered(aws, "redshift")


def test_what_would_fail_the_copy_of_its_neighbours_is_a_dead_letter(aws: Aws) -> None:
    rig = Rig(aws, destination="redshift", contract=SALES)
    found = rig.ask(event_of([record(0, sale()), record(1, sale(note="a\0b"))]))
    assert results(found) == ["Ok", "Dropped"]
    (letter,) = rig.letters().values()
    assert (letter.kind, letter.field) == ("rejected", "note")


def test_splunk_gets_an_envelope_with_the_events_own_time(aws: Aws) -> None:
    row = row_of(answered(aws, "splunk"))
    assert row["time"] == 1_793_534_400.123456
    assert (row["sourcetype"], row["source"]) == ("sale", "activity")
    assert row["event"].items() >= (LINEAGE | {"type": "sale", "Id": "s1"}).items()


def test_opensearch_gets_a_document(aws: Aws) -> None:
    row = row_of(answered(aws, "opensearch"))
    assert row.items() >= (LINEAGE | {"at": "2026-11-01T12:00:00.123456Z"}).items()


@pytest.mark.parametrize(
    ("destination", "types", "names"),
    [("s3", [], "iceberg, redshift"), ("iceberg", ["visits"], "visit, ping")],
)
def test_a_destination_or_a_type_that_is_not_there_is_named_beside_those_that_are(
    destination: str, types: list[str], names: str
) -> None:
    with pytest.raises(SettingsError, match=names):
        Rows(CONTRACT, destination, frozenset(types))


@pytest.mark.parametrize("sub", [None, 3])
@pytest.mark.parametrize("size", [0, 100, PLAIN_BYTES, PLAIN_BYTES + 1])
def test_a_wrapped_record_comes_out_as_it_went_in_and_fits_into_a_put(sub: int | None, size: int) -> None:
    one = Record("s", SHARD, sequence(0), "ключ\n", ARRIVED, b"\n{" * (size // 2), sub)
    data = wrap(one, row=True, table="visit")
    assert len(data) <= 1000 * 1024
    assert unwrap(data) == Wrapped(one, row=True, table="visit")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"\n",
        visit(0),
        wrap(record(0))[1:],
        wrap(record(0)).replace(b'"sluice":1', b'"sluice":2'),
        wrap(record(0)).replace(sequence(0).encode(), b"x"),
        wrap(record(0, b"x" * 2_000_000))[:-9],
    ],
)
def test_what_sluice_did_not_wrap_is_left_to_the_error_prefix(aws: Aws, data: bytes) -> None:
    assert unwrap(data) is None
    assert results(Rig(aws).ask(direct([data, wrap(record(1))]))) == ["ProcessingFailed", "Ok"]


def test_only_the_firehose_for_redriven_records_is_believed_about_lineage(aws: Aws) -> None:
    rig = Rig(aws)
    assert results(rig.ask(event_of([record(0, wrap(record(5)))]))) == ["Dropped"]
    assert [letter.kind for letter in rig.letters().values()] == ["contract"]


def test_a_redriven_record_is_not_booked_again_unless_it_is_refused(aws: Aws) -> None:
    rig = Rig(aws)
    answers = rig.ask(direct([wrap(record(0)), wrap(record(1, b"junk")), wrap(record(0))]))
    assert results(answers) == ["Ok", "Dropped", "Dropped"]
    (entry,) = rig.entries()
    assert (entry.redriven, entry.dead_lettered, entry.first) == (True, 1, int(sequence(1)))
    assert len(rig.letters()) == 1


def test_a_finished_row_passes_as_it_is_to_the_table_it_was_made_for(aws: Aws) -> None:
    row = record(0, b'{"any": "thing"}')
    again = wrap(row, row=True, table="visit")
    answers = Rig(aws).ask(direct([again, again]))
    assert results(answers) == ["Ok", "Dropped"]
    assert row_of(answers["r0"]) == {"any": "thing"}
    assert answers["r0"]["metadata"]["otfMetadata"]["destinationTableName"] == "visit"


def test_rows_of_a_type_that_is_gone_are_not_placed() -> None:
    rows = Rows(CONTRACT, "iceberg")
    assert [rows.table_of(each) for each in (b'{"type":"visit"}', b'{"type":"x"}', b"{}", b"no")] == [
        "visit",
        None,
        None,
        None,
    ]
    assert Rows(CONTRACT, "splunk").table_of(b"anything") == ""


def test_a_row_of_older_code_gets_the_columns_that_its_table_has_got_since(aws: Aws) -> None:
    rows = Rows(SALES, "iceberg")
    made = base64.b64decode(answered(aws, "iceberg")["data"])
    assert rows.whole(made) == made
    older = made.replace(b'"note":null,', b"")
    assert json.loads(rows.whole(older)) == json.loads(made) != json.loads(older)
    assert Rows(SALES, "redshift").whole(older) == older
