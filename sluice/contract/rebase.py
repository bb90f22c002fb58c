"""Shifting the times of old events, so that the newest of them happened now.

BigQuery refuses rows whose partition is too far from today, so a file from some years ago cannot be streamed
as it is. All times of an event move by the same amount: what lay an hour apart still does.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import force_setattr

from sluice.contract.columns import Column
from sluice.contract.contract import Contract
from sluice.contract.kinds import Kind, Mode
from sluice.contract.violations import ContractViolation

Shift = Callable[[Any, timedelta], Any]
"""Takes a value, returns it that much later."""


def newest_time(contract: Contract, records: Iterable[bytes]) -> datetime | None:
    """The latest event time among the records; those that are no events do not count."""
    newest = None
    for data in records:
        try:
            event = contract.decode(data)
        except ContractViolation:
            continue
        time = contract.type_of(event).event_time(event)
        if newest is None or time > newest:
            newest = time
    return newest


def rebase(
    contract: Contract, records: Iterable[bytes], newest: datetime | None, *, now: datetime | None = None
) -> Iterator[bytes]:
    """Yield the records, their times moved so that `newest` becomes `now` (by default this moment).

    What is no event of the contract passes as it is, and so does an event whose times would leave the years 1
    to 9999. Dates move by whole days.
    """
    delta = timedelta() if newest is None else (now or datetime.now(UTC)) - newest
    shifts = {kind.cls: _struct_shift(kind.columns) for kind in contract.types.values()}
    for data in records:
        try:
            event = contract.decode(data)
            shifted = shifts[event.__class__](event, delta)
        except (ContractViolation, OverflowError):
            yield data
        else:
            yield contract.encode(shifted)


def _struct_shift(columns: tuple[Column, ...]) -> Shift:
    """Shifts all times of a struct that was decoded for this, and belongs to nobody else."""
    shifts: list[tuple[str, Shift]] = []
    for column in columns:
        shift = _value_shift(column)
        if shift is not None:
            shifts.append((column.attribute, _each(shift, column) if column.mode is Mode.REPEATED else shift))

    def run(struct: Any, delta: timedelta) -> Any:
        for attribute, shift in shifts:
            value = getattr(struct, attribute)
            if value is not None:
                force_setattr(struct, attribute, shift(value, delta))
        return struct

    return run


def _value_shift(column: Column) -> Shift | None:
    if column.kind is Kind.TIMESTAMP:
        return lambda value, delta: value + delta
    if column.kind is Kind.DATE:
        return lambda value, delta: value + timedelta(days=delta.days)
    if column.columns:
        return _struct_shift(column.columns)
    return None


def _each(shift: Shift, column: Column) -> Shift:
    container = column.container
    return lambda items, delta: container(shift(item, delta) for item in items)
