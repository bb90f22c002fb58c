"""Partition keys for events."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from sluice.producer.destinations import MAX_KEY_CHARACTERS

if TYPE_CHECKING:
    from sluice.contract import Contract, Event


def key_of(contract: Contract, event: Event, data: bytes) -> str:
    """Return an event's partition key: its id, or a digest of its data for a type without one."""
    return fitting(contract.type_of(event).event_id(event)) or digest(data)


def fitting(name: str | None) -> str | None:
    """Return what may be a partition key: of a name that is too long, a digest."""
    return name if name is None or len(name) <= MAX_KEY_CHARACTERS else digest(name.encode())


def digest(data: bytes) -> str:
    """Return a key for a record that names none: the same bytes go to the same shard."""
    return blake2b(data, digest_size=10).hexdigest()
