"""A table `windows` in moto, in which segments lie as the aggregator leaves them, and what a crash leaves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import boto3
import msgspec
from moto import mock_aws

from sluice.metrics import Definition
from sluice.windows.items import Header, PartRef, StoredPart
from sluice.windows.keys import (
    PartKey,
    current_key,
    day_key,
    day_of,
    definition_key,
    header_key,
    lane_key,
    watermark_key,
)
from sluice.windows.measures import LATE, accumulator
from sluice.windows.parts import encode_parts
from tests.unit.windows.aws import WINDOWS as TABLE
from tests.unit.windows.aws import create_windows

REGION: Final = "eu-central-1"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FAR = 4_000_000_000
"""Epoch seconds; nothing expires before."""

Groups = Mapping[tuple[Any, ...], Mapping[str, Sequence[Any]]]
"""By group: the values, by signature, that were seen of it. A count takes one value per event."""


def at(text: str) -> int:
    """Epoch seconds of a time on the day of NOW, such as 11:45."""
    return int(datetime.fromisoformat(f"2026-11-20T{text}:00Z").timestamp())


@dataclass
class Planted:
    dynamodb: Any
    numbers: dict[str, int] = field(default_factory=dict)
    attempts: int = 0

    def define(self, *definitions: Definition, current: Mapping[str, str] | None = None) -> None:
        for definition in definitions:
            self.attempts += 1
            self.dynamodb.put_item(
                TableName=TABLE,
                Item={
                    **definition_key(definition.name, definition.version),
                    "definition": {"S": msgspec.json.encode(definition.as_dict()).decode()},
                    "written_at": {"S": f"2026-11-01T00:00:{self.attempts:02d}+00:00"},
                },
            )
        if current is None:
            current = {definition.name: definition.version for definition in definitions}
        versions = {name: {"S": version} for name, version in current.items()}
        self.dynamodb.put_item(TableName=TABLE, Item={**current_key(), "current": {"M": versions}})

    def segment(
        self,
        lane: str,
        *windows: tuple[Definition, str | int, Groups],
        committed: bool = True,
        limit_bytes: int = 300_000,
        signatures: Sequence[str] | None = None,
        late: int = 0,
        committed_at: datetime = NOW,
    ) -> Header:
        """Write one segment of windows: metric, start, groups; without `committed` its parts alone."""
        self.attempts += 1
        number = self.numbers.get(lane, 0)
        segment = f"{self.attempts:08x}"
        refs = []
        for definition, time, groups in windows:
            start = at(time) if isinstance(time, str) else time
            names = signatures or list(dict.fromkeys(each.signature for each in definition.measures))
            parts = encode_parts([LATE, *names], _rows(names, groups, late), limit_bytes)
            for index, (data, _) in enumerate(parts):
                key = PartKey(definition.name, definition.version, start, lane, number, segment, index)
                self._put(StoredPart(key, data).item(FAR))
            self._put(day_key(definition.name, day_of(start)))
            refs.append(PartRef(definition.name, definition.version, start, len(parts)))
        header = Header(
            lane=lane,
            number=number,
            segment=segment,
            first=number * 10,
            last=number * 10 + 9,
            delivered=10,
            skipped=0,
            dead_lettered=0,
            parts=tuple(refs),
            committed_at=committed_at,
        )
        if committed:
            self.commit(header)
        return header

    def commit(self, header: Header) -> None:
        self.numbers[header.lane] = header.number + 1
        self._put({**header_key(header.lane, header.number), **header.item(FAR)})
        number = {"N": str(header.number + 1)}
        self._put({**lane_key(header.lane), "number": number, "mark": {"S": f"{header.last:060d}"}})

    def mark(self, lane: str, sequence: int) -> None:
        """Move a lane's mark."""
        number = {"N": str(self.numbers[lane])}
        self._put({**lane_key(lane), "number": number, "mark": {"S": f"{sequence:060d}"}})

    def complete(self, until: str) -> None:
        """Put the watermark at a time of day."""
        self._put(
            {
                **watermark_key(),
                "through": {"N": str(at(until) * 1000)},
                "taken_at": {"S": NOW.isoformat()},
            }
        )

    def _put(self, item: Mapping[str, Any]) -> None:
        self.dynamodb.put_item(TableName=TABLE, Item=item)


def _rows(
    signatures: Sequence[str], groups: Groups, late: int
) -> Iterable[tuple[tuple[Any, ...], list[Any]]]:
    for group, values in groups.items():
        yield group, [late, *(_partial(signature, values.get(signature, ())) for signature in signatures)]


def _partial(signature: str, values: Sequence[Any]) -> Any:
    measure = accumulator(signature)
    partial = measure.new()
    for value in values:
        partial = measure.add(partial, value)
    return partial


def session() -> boto3.Session:
    return boto3.Session("test", "test", region_name=REGION)


@contextmanager
def running() -> Iterator[Planted]:
    with mock_aws():
        dynamodb = session().client("dynamodb")
        create_windows(dynamodb, TABLE)
        yield Planted(dynamodb)
