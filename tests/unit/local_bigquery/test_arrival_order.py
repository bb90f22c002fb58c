"""The order by which the views keep one of several rows of one event."""

# ruff: noqa: S608 - the SQL is the test's own

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from sluice.contract import Contract, Event, field
from sluice.contract.bigquery import ARRIVAL, raw_view_sql


class Parcel(Event, type="parcel", id="number", time="sent_at", version="revision"):
    number: str
    sent_at: datetime
    revision: Annotated[int, field(ge=0)]


PARCEL = Contract([Parcel]).types["parcel"]


def test_rows_out_of_one_aggregate_sort_by_number_between_the_records_around_it(
    value: Callable[[str], Any],
) -> None:
    sequences = ["499", "500", "501:0", "501:2", "501:10", "502", "502:1"]
    listed = ", ".join(f"'{sequence}'" for sequence in reversed(sequences))
    rows = f"SELECT 1 AS `_arrived_at`, s AS `_sequence` FROM UNNEST([{listed}]) AS s"

    assert value(
        f"(SELECT STRING_AGG(`_sequence`, ' ' ORDER BY n) FROM (SELECT `_sequence`, "
        f"ROW_NUMBER() OVER (ORDER BY {ARRIVAL}) AS n FROM ({rows})))"
    ) == " ".join(sequences)


def test_the_view_keeps_the_highest_version_and_of_these_the_first_that_arrived(
    value: Callable[[str], Any],
) -> None:
    rows = (
        ("a", 10, 1, 1, "7", "first arrival"),
        ("a", 10, 2, 9, "8", "kept a"),
        ("a", 10, 2, 9, "9", "later in the shard"),
        ("b", 10, 0, 3, "7:10", "tenth of its aggregate"),
        ("b", 10, 0, 3, "7:2", "kept b"),
        ("b", 11, 0, 4, "8", "kept of another time"),
    )
    table = " UNION ALL ".join(
        f"SELECT '{why}' AS type, '{number}' AS number, TIMESTAMP_SECONDS({time}) AS sent_at, {revision} AS "
        f"revision, '{number}' AS _event_id, TIMESTAMP_SECONDS({arrived}) AS _arrived_at, 's' AS _shard, "
        f"'{sequence}' AS _sequence"
        for number, time, revision, arrived, sequence, why in rows
    )
    view = raw_view_sql(PARCEL, "p", "d").replace("`p.d.parcel`", f"({table})")
    kept = value(f"(SELECT STRING_AGG(type, ', ' ORDER BY type) FROM ({view}))")
    assert kept == "kept a, kept b, kept of another time"
