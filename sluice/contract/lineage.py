"""The columns that every table has beside an event's own: its type, and the record that it came from."""

from sluice.contract.columns import Column
from sluice.contract.fields import Spec
from sluice.contract.kinds import Kind, Mode
from sluice.contract.names import TYPE_COLUMN


def _required(name: str, kind: Kind, description: str) -> Column:
    return Column(
        name=name,
        attribute=name,
        kind=kind,
        mode=Mode.REQUIRED,
        optional=False,
        nullable=False,
        spec=Spec(description=description),
        annotation=None,
    )


TAG = _required(TYPE_COLUMN, Kind.STRING, "Event type")
LINEAGE = (
    _required(
        "_event_id",
        Kind.STRING,
        "What makes two rows the same event: its id, or where it stood in the stream",
    ),
    _required("_arrived_at", Kind.TIMESTAMP, "When the stream took the record in"),
    _required("_shard", Kind.STRING, "Shard of the stream that carried the record"),
    _required(
        "_sequence",
        Kind.STRING,
        "Sequence number within the shard, with :n for a record that was sent aggregated",
    ),
)
"""What a sink adds to each row, saying which record it came from."""


def table_columns(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """All columns of an event type's table, in their order."""
    return (TAG, *columns, *LINEAGE)
