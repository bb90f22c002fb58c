"""What each destination of a Firehose takes: an event as a row, a document or an envelope, with its lineage.

Lineage is spliced in as bytes behind the contract's JSON, which always holds at least the type.

- iceberg: a row, and the table that Firehose puts it in (Firehose guide, "Route incoming records to different
  Iceberg tables", read 2026-11).
- redshift: an object of one line that COPY reads, lists and structs for SUPER.
- snowflake: the same, whose keys are columns.
- opensearch: a document. Firehose makes up the `_id` or leaves it to OpenSearch (its API,
  DocumentIdOptions): what comes twice is there twice. The sink `search` is the better way into an index.
- splunk: an envelope of the HTTP event collector, so that `_time` is the event's and not the arrival's.
"""

from collections.abc import Callable, Mapping

import msgspec

from sluice.contract import Contract, iceberg, redshift
from sluice.delivery import SKIPPED, Accepted, Rejected, Skipped
from sluice.errors import SettingsError
from sluice.records import Record

Write = Callable[[Accepted], bytes]

_encode = msgspec.json.Encoder().encode


class Row(msgspec.Struct, frozen=True, gc=False):
    """What is handed to Firehose for one record. `table` is Iceberg's, empty for other destinations."""

    record: Record
    data: bytes
    table: str


class Rows:
    """Writes events for one destination; those of other types than `types` are skipped (empty: takes all).

    Raises:
        SettingsError: there is no such destination, or no such type.
    """

    def __init__(self, contract: Contract, destination: str, types: frozenset[str] = frozenset()) -> None:
        writers: Mapping[str, Write] = {
            "iceberg": self._lake_row,
            "redshift": self._line,
            "snowflake": self._warehouse_row,
            "opensearch": self._document,
            "splunk": self._envelope,
        }
        if destination not in writers:
            raise SettingsError(
                f"SLUICE_FIREHOSE_DESTINATION is {destination!r}, none of {', '.join(writers)}; deploy again"
            )
        if unknown := types - set(contract.types):
            raise SettingsError(
                f"SLUICE_FIREHOSE_TYPES names {', '.join(sorted(unknown))}, which the contract does not "
                f"have; it has {', '.join(contract.types)}: mend `types` in the settings and deploy again"
            )
        self._contract = contract
        self._write = writers[destination]
        self._redshift = destination == "redshift"
        self._tables: dict[str, str] = {}
        if destination == "iceberg":
            self._tables = {name: iceberg.table_name(kind) for name, kind in contract.types.items()}
        self._types = types or frozenset(contract.types)

    def __call__(self, accepted: Accepted) -> Row | Rejected | Skipped:
        """Return the record's row, or why there is none."""
        kind = accepted.event_type
        if kind.name not in self._types:
            return SKIPPED
        data = self._write(accepted)
        if self._redshift and (refused := redshift.refused(kind, accepted.event, data)):
            field, reason = refused
            return Rejected(reason, field)
        return Row(accepted.record, data, self._tables.get(kind.name, ""))

    def table_of(self, row: bytes) -> str | None:
        """Return the table of a row that was written here; None where its type is not known (any more)."""
        if not self._tables:
            return ""
        try:
            return self._tables.get(_typed(row).type)
        except msgspec.MsgspecError:
            return None

    def whole(self, row: bytes) -> bytes:
        """Give a row that was written here, perhaps by older code, the columns that its table has got since.

        Firehose may refuse a row that lacks one (Iceberg.MissingColumnWithinRecord; its guide does not say).
        """
        if not self._tables:
            return row
        columns = iceberg.schema(self._contract.types[_typed(row).type])
        there = _fields(row)
        lacking = [each.name for each in columns if not each.required and each.name not in there]
        return b"".join((row.rstrip()[:-1], *(f",{_text(name)}:null".encode() for name in lacking), b"}"))

    def _lake_row(self, accepted: Accepted) -> bytes:
        arrived = str(round(accepted.record.arrived_at * 1_000_000))
        return _spliced(self._contract.encode_lake_row(accepted.event), accepted, arrived)

    def _warehouse_row(self, accepted: Accepted) -> bytes:
        arrived = f'"{accepted.record.arrived_text}"'
        return _spliced(self._contract.encode_warehouse_row(accepted.event), accepted, arrived)

    def _line(self, accepted: Accepted) -> bytes:
        return self._warehouse_row(accepted) + b"\n"

    def _document(self, accepted: Accepted) -> bytes:
        arrived = f'"{accepted.record.arrived_text}"'
        return _spliced(self._contract.encode_document(accepted.event), accepted, arrived)

    def _envelope(self, accepted: Accepted) -> bytes:
        """Write the event's time in epoch seconds, as the collector takes it.

        docs.splunk.com, "Format events for HTTP Event Collector" (read 2026-11).
        """
        kind = accepted.event_type
        seconds = f"{kind.event_time(accepted.event).timestamp():.6f}"
        head = f'{{"time":{seconds},"sourcetype":{_text(kind.name)},"source":{_text(accepted.record.stream)},'
        return b"".join((head.encode(), b'"event":', self._document(accepted), b"}"))


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed).decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _spliced(body: bytes, accepted: Accepted, arrived: str) -> bytes:
    record = accepted.record
    return b"".join(
        (
            body[:-1],
            b',"_event_id":',
            _encode(accepted.event_id),
            f',"_arrived_at":{arrived},"_shard":{_text(record.shard)},"_sequence":"{record.position}"}}'.encode(),
        )
    )


def _text(value: str) -> str:
    return _encode(value).decode()
