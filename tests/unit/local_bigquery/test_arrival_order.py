"""The order by which the views keep the first of several rows of one event."""

# ruff: noqa: S608 - the SQL is the test's own

from collections.abc import Callable
from typing import Any

from sluice.contract.bigquery import ARRIVAL


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
