"""Counting in the lake itself: which records of the stream have a row there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

    from sluice.lake.athena import Athena

LINEAGE = frozenset({"_event_id", "_arrived_at", "_shard", "_sequence"})
"""The columns by which a table of events is known among the database's others."""

AT_ONCE = 1_000
"""Records that one query looks for: 90 bytes each keep it below Athena's 262,144 of a query.
docs.aws.amazon.com/athena/latest/ug/service-limits.html (read 2026-11)"""

Place = tuple[str, str]
"""A record: its shard, and its sequence number, with `:sub` out of an aggregate."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of events of one Glue database, asked through Athena.

    Needs glue:GetTables besides what queries need. Lets botocore's errors pass; QueryError is Athena's.
    """

    athena: "Athena"
    glue: "GlueClient"
    database: str

    def count(self, since: datetime | None, until: datetime | None = None) -> int:
        """Return how many distinct records have a row, of those that arrived from `since` to `until`."""
        bounds = [
            f'"_arrived_at" {sign} {_moment(moment)}'
            for sign, moment in ((">=", since), ("<", until))
            if moment is not None
        ]
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        parts = [
            f'SELECT COUNT(*) AS n FROM (SELECT DISTINCT "_shard", "_sequence" FROM {table}{where}) AS places'  # noqa: S608 - names of Glue's own
            for table in self._tables()
        ]
        return sum(row[0] for row in self._ask(parts))

    def among(self, places: Sequence[Place]) -> set[Place]:
        """Return those of the records that have a row."""
        found: set[Place] = set()
        tables = list(self._tables())
        for start in range(0, len(places), AT_ONCE):
            wanted = ", ".join(
                f"({_text(shard)}, {_text(sequence)})" for shard, sequence in places[start : start + AT_ONCE]
            )
            parts = [
                f'SELECT DISTINCT "_shard", "_sequence" FROM {table} '  # noqa: S608 - literals are quoted
                f'WHERE ("_shard", "_sequence") IN ({wanted})'
                for table in tables
            ]
            found |= {(str(shard), str(sequence)) for shard, sequence in self._ask(parts)}
        return found

    def _ask(self, parts: Sequence[str]) -> Sequence[tuple[Any, ...]]:
        return self.athena.ask(" UNION ALL ".join(parts)).rows if parts else ()

    def _tables(self) -> Iterator[str]:
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=self.database)
        for page in pages:
            for table in page["TableList"]:
                columns = {column["Name"] for column in table.get("StorageDescriptor", {}).get("Columns", [])}
                if str(table.get("Parameters", {}).get("table_type", "")).upper() != "ICEBERG":
                    continue
                if columns >= LINEAGE:
                    yield f'"{self.database}"."{table["Name"]}"'


def _moment(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC'"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
