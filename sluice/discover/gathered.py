"""All that was seen: of each event type its shape, and which lines no contract can accept."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sluice.contract import ContractViolation
from sluice.contract.names import TYPE_COLUMN
from sluice.discover.distinct import Identity
from sluice.discover.places import Room, Shape
from sluice.discover.reading import read_object
from sluice.discover.tags import MOST_TYPES, Tag, find_tag

SAMPLE = 1_000
"""Records that are held back until the tag is chosen by them."""

SAMPLE_BYTES = 8 * 1024 * 1024

MOST_REASONS = 20
"""Different reasons that are told apart."""

_ID_NAME = re.compile(r"(?:^|_)(?:id|uuid|guid|key|number|no|ref|hash|code)$|(?:Id|ID|Uuid|UUID|Key|Number)$")
"""Fields that may be an event's id; only those are watched for values that come twice."""

_SOMEBODY = re.compile(
    r"session|user|account|customer|device|client|tenant|parent|visitor|member|person|company|trace|correlation"
    r"|group|category|country|status|zip|postal|phone|version",
    re.IGNORECASE,
)
"""What many events have in common, whatever the values of a short file are."""

MOST_WATCHED = 6
"""Fields of a type that are watched."""

_PLACE = re.compile(r" \(byte \d+\)|: byte \d+ is not valid there")
"""What would make the same reason another one in each record."""


@dataclass(slots=True)
class Reasons:
    """Why lines were not usable: how many for each reason, and the first of them."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    """The number of the first record with this reason, from 1."""

    @property
    def total(self) -> int:
        """All lines that were not usable."""
        return sum(self.counts.values())

    def add(self, reason: str, record: int) -> None:
        """Count one more."""
        known = _PLACE.sub("", reason)
        if known not in self.counts and len(self.counts) >= MOST_REASONS:
            known = "other reasons"
        self.counts[known] = self.counts.get(known, 0) + 1
        self.first.setdefault(known, record)


@dataclass(slots=True)
class Gathered:
    """The events of one type."""

    name: str
    """The tag's value; empty where there is no tag."""
    room: Room = field(default_factory=Room)
    shape: Shape = field(default_factory=lambda: Shape(0))
    identities: dict[str, Identity] = field(default_factory=dict)

    def see(self, document: dict[str, Any], line: int) -> None:
        """Take in one event, and the hash of its line."""
        self.shape.see(document, self.room)
        for name, value in document.items():
            if value.__class__ is str or value.__class__ is int:
                identity = self.identities.get(name) or self._watched(name)
                if identity is not None:
                    identity.see(value, line)

    def _watched(self, name: str) -> Identity | None:
        """Watch a field from now on if its name says that it may be an id."""
        if len(self.identities) >= MOST_WATCHED or not may_be_id(name) or name not in self.shape.fields:
            return None
        identity = self.identities[name] = Identity()
        return identity


@lru_cache(maxsize=10_000)
def may_be_id(name: str) -> bool:
    """Whether a field of this name may say which event it is."""
    return _ID_NAME.search(name) is not None and _SOMEBODY.search(name) is None


class Gathering:
    """Takes in lines one by one; `finish` once when there are no more."""

    def __init__(self) -> None:
        self.records = 0
        self.broken = Reasons()
        """Lines that no contract at all accepts."""
        self.untagged = Reasons()
        """Objects that belong to no event type."""
        self.types: dict[str, Gathered] = {}
        self.tag: Tag | None = None
        self._sample: list[tuple[dict[str, Any], int, int]] = []
        self._sampled_bytes = 0

    def see(self, line: bytes) -> None:
        """Take in one line."""
        self.records += 1
        try:
            document = read_object(line)
        except ContractViolation as violation:
            self.broken.add(violation.reason, self.records)
            return
        if self.tag is not None:
            self._see(document, hash(line), self.records, self.tag)
            return
        self._sample.append((document, hash(line), self.records))
        self._sampled_bytes += len(line)
        if len(self._sample) >= SAMPLE or self._sampled_bytes >= SAMPLE_BYTES:
            self.finish()

    def refuse(self, reason: str) -> None:
        """Count a record that is no line at all."""
        self.records += 1
        self.broken.add(reason, self.records)

    def finish(self) -> Tag:
        """Choose the tag if that is still to be done, and return it."""
        if self.tag is None:
            self.tag = find_tag([document for document, _, _ in self._sample])
            for document, line, record in self._sample:
                self._see(document, line, record, self.tag)
            self._sample.clear()
        return self.tag

    def _see(self, document: dict[str, Any], line: int, record: int, tag: Tag) -> None:
        name = tag.of(document)
        if name is None:
            what = "was missing" if tag.field not in document else "was no string"
            self.untagged.add(f"`{tag.field}`, which names the event's type, {what}", record)
            return
        kind = self.types.get(name)
        if kind is None:
            if len(self.types) >= MOST_TYPES:
                self.untagged.add(f"`{tag.field}` had yet another value after {MOST_TYPES}", record)
                return
            kind = self.types[name] = Gathered(name)
        if tag.is_contracts:
            del document[TYPE_COLUMN]
        kind.see(document, line)
