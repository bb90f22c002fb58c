"""`Contract`: all event types of a pipeline, and the way in and out of bytes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Union

import msgspec

from sluice.contract.bigquery import table_schema
from sluice.contract.checks import Check, struct_check
from sluice.contract.columns import Column
from sluice.contract.events import Event
from sluice.contract.explain import MAX_SHOWN, explain
from sluice.contract.keys import CountKeys, first_duplicate_key, has_duplicate_keys, key_counter, parse
from sluice.contract.lake_rows import MICROSECOND, Writer, row_writer
from sluice.contract.names import wire_name
from sluice.contract.rows import Rewrite, decimals_to_digits, decimals_to_numbers, json_to_text
from sluice.contract.violations import ContractViolation
from sluice.errors import ContractError

if TYPE_CHECKING:
    from sluice.contract.heads import EventOptions

_YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventType:
    """One event type: its class, its table and the fields that have a role."""

    name: str
    """The value of the tag field `type`."""
    cls: type[Event]
    table: str
    description: str
    id_field: str | None
    """The attribute (in Python) that makes two records the same event."""
    time_field: str
    """The attribute (in Python) that holds the event time."""
    version_field: str | None
    """The attribute (in Python) that grows from one state of an event to the next."""
    partition: str
    """HOUR, DAY, MONTH or YEAR."""
    cluster: tuple[str, ...]
    """Columns, as BigQuery names them."""
    weight: float
    columns: tuple[Column, ...]
    schema: tuple[dict[str, Any], ...]
    """The table's fields as BigQuery's REST API takes them, Sluice's own columns included."""

    @property
    def time_column(self) -> str:
        """The event time's column, by which the table is partitioned."""
        return wire_name(self.time_field)

    @property
    def id_column(self) -> str | None:
        """The id's column, if the type names an id."""
        return None if self.id_field is None else wire_name(self.id_field)

    @property
    def version_column(self) -> str | None:
        """The version's column, if the type names one."""
        return None if self.version_field is None else wire_name(self.version_field)

    def event_id(self, event: Event) -> str | None:
        """The event's own id, or None when the type names no id field."""
        return None if self.id_field is None else str(getattr(event, self.id_field))

    def event_time(self, event: Event) -> datetime:
        """When the event happened, in UTC; a date counts as its midnight."""
        value: datetime | date = getattr(event, self.time_field)
        if isinstance(value, datetime):
            return value
        return datetime(value.year, value.month, value.day, tzinfo=UTC)

    def event_version(self, event: Event) -> int | None:
        """A number, 0 or more, that is higher for newer states of the event; None without a version field.

        Of a timestamp it is the microseconds since the year 1: none that an event can carry is negative.
        """
        if self.version_field is None:
            return None
        value: int | datetime = getattr(event, self.version_field)
        return value if isinstance(value, int) else (value - _YEAR_1) // MICROSECOND


class Contract:
    """The event types of one stream."""

    types: Mapping[str, EventType]
    """By tag, in the order of the pipeline."""
    untagged: bool
    """Whether an event may lack `type`: there is one type only, so msgspec asks for no tag."""

    def __init__(self, events: Sequence[type[Event]]) -> None:
        self.types = MappingProxyType(_event_types(events))
        self.untagged = len(self.types) == 1
        self._by_class = {kind.cls: kind for kind in self.types.values()}
        self._columns = {kind.name: kind.columns for kind in self.types.values()}
        self._decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(
            Union[tuple(kind.cls for kind in self.types.values())]  # noqa: UP007 - made of a tuple at run time
        )
        self._encoder = msgspec.json.Encoder()
        self._checks: dict[type[Event], Check | None] = {
            kind.cls: struct_check(kind.columns) for kind in self.types.values()
        }
        self._key_counters: dict[type[Event], CountKeys] = {
            kind.cls: key_counter(kind.columns) for kind in self.types.values()
        }
        self._rewrites: dict[type[Event], Rewrite | None] = {
            kind.cls: json_to_text(kind.columns) for kind in self.types.values()
        }
        self._lake_rows: dict[type[Event], Writer] = {
            kind.cls: row_writer(kind.columns, kind.name) for kind in self.types.values()
        }
        self._digits: dict[type[Event], Rewrite | None] = {
            kind.cls: decimals_to_digits(kind.columns) for kind in self.types.values()
        }
        self._numbers: dict[type[Event], Rewrite | None] = {
            kind.cls: decimals_to_numbers(kind.columns) for kind in self.types.values()
        }

    def type_of(self, event: Event) -> EventType:
        """The type that an event of this contract has."""
        return self._by_class[event.__class__]

    def decode(self, data: bytes) -> Event:
        """The event that `data` holds, timestamps in UTC.

        Raises:
            ContractViolation: for whatever is not an event of this contract, and nothing else.
        """
        try:
            event = self._decoder.decode(data)
            kind = event.__class__
            check = self._checks[kind]
            if check is not None:
                check(event, "")
            keys = self._key_counters[kind](parse(data), "")
        except ContractViolation as violation:
            violation.type = self._by_class[kind].name
            raise
        except MemoryError:
            raise  # says nothing about the record
        except Exception as error:  # noqa: BLE001 - a hostile record may provoke anything; each is its own violation
            raise explain(data, error, self._columns) from None
        if has_duplicate_keys(data, keys):
            key = first_duplicate_key(data)
            shown = key if key.isidentifier() and len(key) <= MAX_SHOWN else None
            what = f"the key `{shown}` stands" if shown else "a key stands"
            raise ContractViolation(f"{what} twice in one object", shown, self._by_class[kind].name)
        return event

    def encode(self, event: Event) -> bytes:
        """The event as a producer sends it; decoding it gives the same event.

        Raises:
            ContractViolation: the event, built in Python where nothing is checked, breaks the contract.
        """
        if event.__class__ not in self._by_class:
            raise ContractViolation(f"{event.__class__.__name__} is no event type of this contract")
        rewrite = self._numbers[event.__class__]
        try:
            data = self._encoder.encode(event if rewrite is None else rewrite(event))
        except _UNWRITABLE as error:
            raise ContractViolation(f"the event cannot be written as JSON: {error}") from None
        if self.decode(data) != event and _has_no_number(msgspec.to_builtins(event)):
            raise ContractViolation("the event holds NaN or Infinity, which JSON has no number for")
        return data

    def encode_row(self, event: Event) -> bytes:
        """A decoded event as a JSON object for insertAll: free JSON as text, Decimals as strings."""
        rewrite = self._rewrites[event.__class__]
        return self._encoder.encode(event if rewrite is None else rewrite(event))

    def encode_document(self, event: Event) -> bytes:
        """A decoded event as a document for OpenSearch: as its row, which says each value exactly, too."""
        return self.encode_row(event)

    def encode_lake_row(self, event: Event) -> bytes:
        """A decoded event as Firehose takes it for the Iceberg table of its type."""
        return self._encoder.encode(self._lake_rows[event.__class__](event))

    def encode_warehouse_row(self, event: Event) -> bytes:
        """A decoded event as Redshift's COPY and Snowflake's streaming take it: free JSON stays JSON."""
        rewrite = self._digits[event.__class__]
        return self._encoder.encode(event if rewrite is None else rewrite(event))


_UNWRITABLE = (AttributeError, TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What an event provokes that was built in Python of anything at all."""


def _has_no_number(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_no_number, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_has_no_number, value))
    return isinstance(value, float) and not math.isfinite(value)


def _event_types(events: Sequence[type[Event]]) -> dict[str, EventType]:
    if not events:
        raise ContractError("Pipeline(events=[]): name at least one event class")
    found: dict[str, EventType] = {}
    tables: dict[str, str] = {}
    for cls in events:
        kind = event_type(cls)
        if kind.name in found:
            raise ContractError(
                f"{cls.__name__} and {found[kind.name].cls.__name__} have the same type={kind.name!r}"
            )
        other = tables.get(kind.table.lower())
        if other is not None:
            raise ContractError(
                f"{cls.__name__} and {other} both write to the table {kind.table!r}; set table=..."
            )
        tables[kind.table.lower()] = cls.__name__
        found[kind.name] = kind
    return found


def event_type(cls: type[Event]) -> EventType:
    """What an event class says about itself.

    Raises:
        ContractError: it is no event class, or only a base of some.
    """
    options: EventOptions | None = getattr(cls, "__dict__", {}).get("__sluice_event__")
    if options is None:
        name = getattr(cls, "__name__", repr(cls))
        raise ContractError(f'{name} is no event type; write class {name}(Event, type="...", time="...")')
    return EventType(
        name=options.type,
        cls=cls,
        table=options.table,
        description=options.description,
        id_field=options.id,
        time_field=options.time,
        version_field=options.version,
        partition=options.partition,
        cluster=tuple(wire_name(name) for name in options.cluster),
        weight=options.weight,
        columns=cls.__sluice_columns__,
        schema=table_schema(cls.__sluice_columns__),
    )
