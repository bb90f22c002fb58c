"""What is stored of a window: rows of partial aggregates, packed into items of a limited size.

A part is zlib over msgpack: `[format, signatures, [group, partials, group, partials, ...]]`. A group is the
list of its values, and each row of partials is in the order of the signatures.

A group may stand in several parts of one segment: a row too large for an item is cut by its measures, each
piece with neutral partials for the others. So whoever reads parts merges them all.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import msgspec

from sluice.errors import DeliveryError
from sluice.metrics import Definition
from sluice.windows.exact import plain_text
from sluice.windows.measures import Accumulator, accumulator
from sluice.windows.merged import Group, Merged, figures

Row: TypeAlias = tuple[Group, list[Any]]
"""A group, of None, str, int, bool, Decimal, date or datetime in UTC, and its partials."""
PackedRow: TypeAlias = tuple[bytes, msgspec.Raw]
"""The same, both as msgpack."""

FORMAT = 1
_DECIMAL, _DATE = 1, 2
"""Codes of msgpack's extension types; a datetime is msgpack's own timestamp."""
_EXTENDED = {Decimal, date}


class PartContent(NamedTuple):
    """A decoded part."""

    signatures: tuple[str, ...]
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class MergedRow:
    """The figures of a group."""

    values: dict[str, Any]
    """By the measure's name; None also for a measure that some of the merged parts did not have yet."""
    late: int
    """Events that arrived after their window's end."""


class _Document(msgspec.Struct, array_like=True):
    format: int
    signatures: tuple[str, ...]
    cells: list[msgspec.Raw]


def _value(code: int, data: memoryview) -> Decimal | date:
    text = bytes(data).decode()
    return Decimal(text) if code == _DECIMAL else date.fromisoformat(text)


_encoder = msgspec.msgpack.Encoder()
_documents = msgspec.msgpack.Decoder(_Document)
_groups = msgspec.msgpack.Decoder(list[Any], ext_hook=_value)
_rows = msgspec.msgpack.Decoder(list[Any])


def pack_group(group: Group) -> bytes:
    """A group as msgpack: equal groups give equal bytes."""
    if _EXTENDED.isdisjoint(map(type, group)):
        return _encoder.encode(group)
    return _encoder.encode([_plain(value) for value in group])


def unpack_group(packed: bytes | msgspec.Raw) -> Group:
    """What `pack_group` was given."""
    return tuple(_groups.decode(packed))


def unpack_partials(accumulators: Iterable[Accumulator], packed: bytes | msgspec.Raw) -> list[Any]:
    """The partials of a row, from msgpack."""
    pairs = zip(accumulators, _rows.decode(packed), strict=True)
    return [one.unpack(partial) for one, partial in pairs]


def encode_part(signatures: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Rows as one part, however large."""
    return _encode(signatures, _packed(signatures, rows))


def encode_parts(signatures: Sequence[str], rows: Iterable[Row], limit_bytes: int) -> list[tuple[bytes, int]]:
    """Rows as parts of at most `limit_bytes`, each with the number of its rows."""
    return encode_packed(signatures, _packed(signatures, rows), limit_bytes)


def encode_packed(
    signatures: Sequence[str], rows: Sequence[PackedRow], limit_bytes: int
) -> list[tuple[bytes, int]]:
    """Packed rows as parts of at most `limit_bytes`, each with the number of its rows.

    Raises:
        DeliveryError: one partial alone is larger, which no sketch and no sum can be.
    """
    data = _encode(signatures, rows)
    if len(data) <= limit_bytes:
        return [(data, len(rows))] if rows else []
    if len(rows) == 1:
        rows = _cut(signatures, rows[0])
    if len(rows) == 1:
        raise DeliveryError(f"one row of a window takes {len(data)} bytes, and an item {limit_bytes} at most")
    pieces = min(len(rows), len(data) // limit_bytes + 1)
    bounds = [len(rows) * piece // pieces for piece in range(pieces + 1)]
    return [
        part
        for start, end in pairwise(bounds)
        for part in encode_packed(signatures, rows[start:end], limit_bytes)
    ]


def decode_part(data: bytes) -> PartContent:
    """Read a part.

    Raises:
        DeliveryError: it is none, or of a later version of Sluice.
        ContractError: it holds a measure that is not known here.
    """
    try:
        document = _documents.decode(zlib.decompress(data))
    except (zlib.error, msgspec.DecodeError) as error:
        raise DeliveryError(
            f"a stored window cannot be read ({type(error).__name__}): restore its item or delete it"
        ) from error
    if document.format != FORMAT:
        raise DeliveryError(
            f"a stored window has the format {document.format}, not {FORMAT}: update Sluice here"
        )
    accumulators = [accumulator(signature) for signature in document.signatures]
    cells = iter(document.cells)
    return PartContent(
        document.signatures,
        [
            (unpack_group(group), unpack_partials(accumulators, partials))
            for group, partials in zip(cells, cells, strict=True)
        ],
    )


def merge_parts(definition: Definition, contents: Iterable[PartContent]) -> dict[Group, MergedRow]:
    """The figures of one window, from all its parts of one version of the metric, by group."""
    merged = Merged()
    for content in contents:
        merged.add(*content)
    read = figures(definition, merged.signatures)
    return {group: MergedRow(*read(row)) for group, row in merged.rows.items()}


def _packed(signatures: Sequence[str], rows: Iterable[Row]) -> list[PackedRow]:
    packs = [accumulator(signature).pack for signature in signatures]
    found = []
    for group, partials in rows:
        cells = [pack(partial) for pack, partial in zip(packs, partials, strict=True)]
        found.append((pack_group(group), msgspec.Raw(_encoder.encode(cells))))
    return found


def _encode(signatures: Sequence[str], rows: Iterable[PackedRow]) -> bytes:
    cells = [cell for group, partials in rows for cell in (msgspec.Raw(group), partials)]
    return zlib.compress(_encoder.encode(_Document(FORMAT, tuple(signatures), cells)))


def _cut(signatures: Sequence[str], row: PackedRow) -> list[PackedRow]:
    """One row as several that merge to it, each with the partial of one measure."""
    group, packed = row
    partials = [msgspec.Raw(_encoder.encode(partial)) for partial in _rows.decode(packed)]
    neutral = [_encoder.encode(accumulator(one).pack(accumulator(one).new())) for one in signatures]
    cells = [msgspec.Raw(partial) for partial in neutral]
    return [
        (group, msgspec.Raw(_encoder.encode([*cells[:at], partial, *cells[at + 1 :]])))
        for at, partial in enumerate(partials)
        if bytes(partial) != neutral[at]
    ]


def _plain(value: Any) -> Any:
    if type(value) is Decimal:
        return msgspec.msgpack.Ext(_DECIMAL, plain_text(value).encode())
    if type(value) is date:
        return msgspec.msgpack.Ext(_DATE, value.isoformat().encode())
    return value
