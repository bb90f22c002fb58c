"""What the transform answers: a status for each recordId, within the size that Lambda hands back.

Firehose guide, "Required parameters for data transformation" (read 2026-11): recordId, result (Ok, Dropped or
ProcessingFailed) and, for Ok, data in base64; `metadata.otfMetadata` names the Iceberg table.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Accepted, Outcome, Rejected, Skipped
from sluice.sinks.firehose.rows import Row, Rows

MOST_BYTES = 6_000_000
"""Lambda hands back 6 MB at most (Lambda quotas, invocation payload, synchronous, read 2026-11)."""

STATUS_BYTES = 64
"""Of an answer without data, its recordId not counted, and some more."""

DATA_BYTES = len(', "data": ""')

Aside = Callable[[Sequence[Row], Deadline], Sequence[Outcome]]
"""Takes rows for which the answer has no room."""


class Answers:
    """One invocation's answer, and, as the sink of that invocation, what fills it.

    Rows beyond the size that Lambda hands back go `aside`, into the Firehose for redriven records: such an
    event would be too large however often it is retried.
    """

    def __init__(self, name: str, rows: Rows, database: str, aside: Aside) -> None:
        self.name = name
        self._rows = rows
        self._database = database
        self._aside = aside
        self._whole = self._room = MOST_BYTES
        self._taken: dict[str, dict[str, Any]] = {}

    def expect(self, record_ids: Sequence[str]) -> None:
        """Keep room for a status each."""
        self._room -= sum(STATUS_BYTES + len(each) for each in record_ids)
        self._whole = self._room

    def prepare(self, accepted: Accepted) -> Row | Rejected | Skipped:
        """Make the record's row."""
        return self._rows(accepted)

    def deliver(self, prepared: Sequence[Row], deadline: Deadline) -> Sequence[Outcome]:
        """Take in the rows for which there is room, and send the others their own way."""
        outcomes: list[Outcome] = [DELIVERED] * len(prepared)
        beyond: list[int] = []
        for index, row in enumerate(prepared):
            size = self._size(row)
            if size > self._whole:
                outcomes[index] = Rejected(f"a row of {len(row.data)} bytes, more than Firehose takes back")
            elif not self.take(row):
                beyond.append(index)
        if beyond:
            sent = self._aside([prepared[index] for index in beyond], deadline)
            for index, outcome in zip(beyond, sent, strict=True):
                outcomes[index] = outcome
        return outcomes

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """Keep no list of dead letters beside their queue, so that there is none to be behind."""
        return {}

    def take(self, row: Row) -> bool:
        """Put a row into the answer, if there is room."""
        size = self._size(row)
        if size > self._room:
            return False
        self._room -= size
        answer: dict[str, Any] = {"result": "Ok", "data": base64.b64encode(row.data).decode("ascii")}
        if row.table:
            answer["metadata"] = _metadata(self._database, row.table)
        self._taken[row.record.identity] = answer
        return True

    def of(self, identity: str) -> dict[str, Any] | None:
        """Return, once, the answer that holds a record's row."""
        return self._taken.pop(identity, None)

    def _size(self, row: Row) -> int:
        metadata = len(_metadata_text(self._database, row.table)) if row.table else 0
        return (len(row.data) + 2) // 3 * 4 + DATA_BYTES + metadata


def _metadata(database: str, table: str) -> dict[str, Any]:
    """Say where Firehose puts the row."""
    return {
        "otfMetadata": {
            "destinationDatabaseName": database,
            "destinationTableName": table,
            "operation": "insert",
        }
    }


@lru_cache(maxsize=256)
def _metadata_text(database: str, table: str) -> str:
    return f', "metadata": {json.dumps(_metadata(database, table))}'
