"""The raw tables of windows in BigQuery, as plain descriptions that a program can declare them from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SEGMENTS_TABLE = "window_segments"
WATERMARKS_TABLE = "window_watermarks"

WATERMARK_DAYS = 7
"""Only the highest watermark counts, and a new one comes each minute: older rows are of use to nobody."""

_SEGMENTS = (
    ("metric", "STRING", "REQUIRED", "The metric's name"),
    ("version", "STRING", "REQUIRED", "Changes with what the metric counts: versions are never added up"),
    ("window_start", "TIMESTAMP", "REQUIRED", "Start of the window; the table is partitioned by it"),
    ("window_end", "TIMESTAMP", "NULLABLE", "End of the window, the first moment that is not in it"),
    ("group_key", "STRING", "REQUIRED", "Values of the group's fields: a JSON array of texts and nulls"),
    ("lane", "STRING", "REQUIRED", "The shard, or what else committed the segment"),
    ("number", "INTEGER", "REQUIRED", "The segment's number within the lane"),
    ("part", "INTEGER", "REQUIRED", "The part's number within window and segment"),
    ("segment", "STRING", "REQUIRED", "The attempt that committed the segment"),
    ("partials", "JSON", "REQUIRED", "Partial aggregates by signature, which the metric's view adds up"),
    ("late", "INTEGER", "REQUIRED", "Events that arrived after the end of their window"),
    ("published_at", "TIMESTAMP", "REQUIRED", "When the row was sent"),
)  # fmt: skip
_WATERMARKS = (
    ("watermark", "TIMESTAMP", "REQUIRED", "All that arrived before is committed, and published"),
    ("published_at", "TIMESTAMP", "REQUIRED", "When the row was sent; the table is partitioned by it"),
)


@dataclass(frozen=True, kw_only=True)
class WindowTable:
    """A table that the window publisher writes; `days` says when partitions expire, None as all others do."""

    name: str
    description: str
    schema: Sequence[Mapping[str, Any]]
    partition: tuple[str, str]
    """Column and granularity."""
    cluster: Sequence[str] = ()
    days: int | None = None


def _schema(columns: Sequence[tuple[str, str, str, str]]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"name": name, "type": kind, "mode": mode, "description": description}
        for name, kind, mode, description in columns
    )


WINDOW_SEGMENTS = WindowTable(
    name=SEGMENTS_TABLE,
    description="What each committed segment adds to a metric's windows; read the metrics' views instead",
    schema=_schema(_SEGMENTS),
    partition=("window_start", "DAY"),
    cluster=("metric", "version"),
)
WINDOW_WATERMARKS = WindowTable(
    name=WATERMARKS_TABLE,
    description="Until when windows are complete",
    schema=_schema(_WATERMARKS),
    partition=("published_at", "DAY"),
    days=WATERMARK_DAYS,
)
WINDOW_TABLES = (WINDOW_SEGMENTS, WINDOW_WATERMARKS)
"""All of them."""
