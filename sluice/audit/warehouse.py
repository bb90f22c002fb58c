"""Counting in BigQuery itself: records that arrived there, and how many events they are."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sluice.audit.spans import Span

if TYPE_CHECKING:
    from google.cloud import bigquery

LINEAGE = frozenset({"_event_id", "_arrived_at", "_shard", "_sequence"})
"""The columns by which a table of events is known among the dataset's others."""

SECONDS = 120
"""How long one request to BigQuery may take, retries included."""


@dataclass(frozen=True, slots=True)
class Counted:
    """All tables of events: distinct records, distinct events among them, and distinct ids of those.

    An id that comes with several event times is several events; `ids` is None where none were counted.
    """

    records: int
    events: int
    ids: int | None = None

    @property
    def duplicates(self) -> int:
        """Records beyond one per event."""
        return self.records - self.events


def count_tables(
    client: "bigquery.Client", dataset: str, *, since: datetime | None = None, across: Iterable[Span] = ()
) -> Counted:
    """Count every table of events in the raw dataset, in one query.

    Records are told apart by shard and sequence number, events by event time and id, as the views do. With
    `since`, only what arrived in the stream from then on counts, and the records of the batches `across` it.
    """
    from google.cloud.bigquery.retry import DEFAULT_RETRY  # noqa: PLC0415 - takes a second to import

    retry: Any = DEFAULT_RETRY.with_timeout(SECONDS)
    reference = f"{client.project}.{dataset}"
    parts: list[str] = []
    for item in client.list_tables(reference, retry=retry, timeout=SECONDS):
        if item.table_type != "TABLE":
            continue
        table = client.get_table(item.reference, retry=retry, timeout=SECONDS)
        if {column.name for column in table.schema} >= LINEAGE and table.time_partitioning:
            parts += _selects(reference, table, _arrived(since, across))
    if not parts:
        return Counted(0, 0, 0)
    rows = client.query_and_wait(" UNION ALL ".join(parts), retry=retry, api_timeout=SECONDS)
    counts = Counter[str]()
    for row in rows:
        counts[row["what"]] += row["n"]
    return Counted(counts["records"], counts["events"], counts["ids"])


def _arrived(since: datetime | None, across: Iterable[Span]) -> str:
    """Return the condition that a record belongs to the time that is counted; empty for all of it.

    Sequence numbers of one shard that are minutes apart have equally many digits, so they compare as text;
    `;` sorts after the `:` that a record out of an aggregate has behind its number.
    """
    if since is None:
        return ""
    batches = [
        f"(_shard = '{span.shard}' AND _sequence >= '{span.first}' AND _sequence < '{span.last};')"
        for span in across
    ]
    moment = f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00"
    return " OR ".join([f"_arrived_at >= TIMESTAMP '{moment}'", *batches])


def _selects(reference: str, table: "bigquery.Table", arrived: str) -> list[str]:
    time_column = table.time_partitioning.field
    conditions = [f"({arrived})"] if arrived else []
    if table.require_partition_filter:
        kind = next(column.field_type for column in table.schema if column.name == time_column)
        least = "DATE '0001-01-01'" if kind == "DATE" else "TIMESTAMP '0001-01-01 00:00:00+00'"
        conditions.append(f"`{time_column}` >= {least}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return [
        f"SELECT '{what}' AS what, COUNT(*) AS n "  # noqa: S608 - names of BigQuery's own listing
        f"FROM (SELECT DISTINCT {columns} FROM `{reference}.{table.table_id}`{where})"
        for what, columns in (
            ("records", "_shard, _sequence"),
            ("events", f"`{time_column}`, _event_id"),
            ("ids", "_event_id"),
        )
    ]
