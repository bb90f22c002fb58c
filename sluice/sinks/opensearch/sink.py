"""The search sink: OpenSearch in bulk, an index per event type and period of the event time.

Guarantee: exactly one document per event, whatever is sent twice. A document's id is the event's, and its
index depends on nothing but the event. A type without a version keeps the first document that came in
(`create`); a type with one keeps the highest version (`version_type=external`), in whatever order they come.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

import msgspec

from sluice.contract import Contract
from sluice.deadletters import DeadLetter
from sluice.deadline import Deadline
from sluice.delivery import Accepted, Outcome, Rejected
from sluice.sinks.opensearch.bulk import BulkWriter, Operation
from sluice.sinks.opensearch.indices import Indices

MOST_ID_BYTES = 512
"""docs.opensearch.org/latest/field-types/metadata-fields/id (read 2026-11)."""

_encode = msgspec.json.Encoder().encode


class SearchSink:
    """Writes events to the cluster that `writer` reaches."""

    def __init__(
        self, contract: Contract, writer: BulkWriter, indices: Indices, name: str = "search"
    ) -> None:
        self.name = name
        self._contract = contract
        self._writer = writer
        self._indices = indices

    def prepare(self, accepted: Accepted) -> Operation | Rejected:
        """Write the event's two lines of a request: where it goes, and what it is, lineage spliced in."""
        record, event, event_type = accepted.record, accepted.event, accepted.event_type
        moment = event_type.event_time(event)
        days = self._indices.ahead_days
        # Seen from the arrival, which never changes: a record that comes again fares as it did before.
        if moment > record.arrived + timedelta(days=days):
            return Rejected(
                f"the event lies more than {days} day{'s' * (days > 1)} after its arrival, so no index is "
                "made for it: the producer's clock is wrong, or search_sink.ahead_days is to be more",
                event_type.time_column,
            )
        version = event_type.event_version(event)
        index, own = self._indices.name(event_type.table, moment), accepted.event_id
        document_id = own if len(own.encode()) <= MOST_ID_BYTES else sha256(own.encode()).hexdigest()
        document = (
            self._contract.encode_document(event)[:-1],
            b',"_event_id":',
            _encode(own),
            f',"_arrived_at":"{record.arrived_text}","_shard":"{record.shard}"'.encode(),
            f',"_sequence":"{record.position}"}}'.encode(),
        )
        return Operation(
            index, document_id, _action(index, document_id, version), b"".join(document), version is not None
        )

    def deliver(self, prepared: Sequence[Operation], deadline: Deadline) -> Sequence[Outcome]:
        """Index all events, some requests at once, until the deadline."""
        return self._writer.write(prepared, deadline)

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:  # noqa: ARG002 - the protocol's
        """List nothing: who searches an index looks for events."""
        return {}


def _action(index: str, document_id: str, version: int | None) -> bytes:
    where = f'"_index":"{index}","_id":'.encode() + _encode(document_id)
    if version is None:
        return b'{"create":{' + where + b"}}"
    return b'{"index":{' + where + f',"version":{version},"version_type":"external"}}}}'.encode()
