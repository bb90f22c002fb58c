"""The BigQuery sink: streaming inserts, a table per event type.

Guarantee: at least once, merged. Each row carries the record's identity as `insertId`, so that BigQuery drops
what a retry sends again within about a minute, and in `_shard` and `_sequence`, by which the rest can
be told for good. Events that a producer sent twice are rows of their own; the analysts' views rank them away.
"""

from collections.abc import Mapping, Sequence

import msgspec

from sluice.contract import Contract
from sluice.contract.bigquery import DEAD_LETTER_SCHEMA, DEAD_LETTER_TABLE
from sluice.deadletters import DeadLetter
from sluice.deadletters.letter import VERSION
from sluice.deadline import Deadline
from sluice.delivery import Accepted, Outcome, Rejected, Retry
from sluice.sinks.bigquery.inserts import Row
from sluice.sinks.bigquery.transport import Transport
from sluice.sinks.bigquery.writer import Writer, insert_id

NOTE_SECONDS = 3.0
"""For listing dead letters in BigQuery: they are safe in the queue, so nothing waits longer for the list."""

_encode = msgspec.json.Encoder().encode
_DEAD_LETTER_COLUMNS = frozenset(column["name"] for column in DEAD_LETTER_SCHEMA)


class BigQuerySink:
    """Writes events to the dataset that `transport` reaches."""

    def __init__(self, contract: Contract, transport: Transport, name: str = "bigquery") -> None:
        self.name = name
        self._contract = contract
        self._writer = Writer(transport)

    def prepare(self, accepted: Accepted) -> Row:
        """Write the row's part of a request: the contract's JSON, with the lineage spliced in as bytes."""
        record, position = accepted.record, accepted.record.position
        body = (
            f'{{"insertId":"{insert_id(f"{record.shard}/{position}")}","json":'.encode(),
            self._contract.encode_row(accepted.event)[:-1],
            b',"_event_id":',
            _encode(accepted.event_id),
            f',"_arrived_at":"{record.arrived_text}"'.encode(),
            f',"_shard":"{record.shard}","_sequence":"{position}"}}}}'.encode(),
        )
        return Row(accepted.event_type.table, b"".join(body))

    def deliver(self, prepared: Sequence[Row], deadline: Deadline) -> Sequence[Outcome]:
        """Insert all rows, table by table, several requests at once, until the deadline."""
        return self._writer.write(prepared, deadline)

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:
        """Add a row per letter, without its payload, to the table of dead letters."""
        rows = [
            Row(
                DEAD_LETTER_TABLE,
                _encode(
                    {"insertId": insert_id(f"{letter.id}#{letter.kind}"), "json": dead_letter_row(letter)}
                ),
            )
            for letter in letters
        ]
        soon = Deadline.after(min(NOTE_SECONDS, deadline.remaining()), deadline.clock, deadline.sleep)
        outcomes = self.deliver(rows, soon)
        return {
            letter.id: outcome.reason
            for letter, outcome in zip(letters, outcomes, strict=True)
            if isinstance(outcome, Rejected | Retry)
        }


def dead_letter_row(letter: DeadLetter) -> dict[str, object]:
    """Return the letter's row in the table of dead letters."""
    columns = {"version": VERSION, **letter.summary()}
    return {name: value for name, value in columns.items() if name in _DEAD_LETTER_COLUMNS}
