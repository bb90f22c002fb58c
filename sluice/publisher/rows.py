"""The rows that a part of a segment becomes in BigQuery: one per group."""

from collections.abc import Iterator
from typing import Any

import msgspec

from sluice.metrics import Definition
from sluice.publisher.tables import SEGMENTS_TABLE, WATERMARKS_TABLE
from sluice.sinks.bigquery.inserts import Row
from sluice.sinks.bigquery.writer import insert_id
from sluice.windows.items import StoredPart
from sluice.windows.keys import start_text
from sluice.windows.measures import LATE, accumulator
from sluice.windows.parts import decode_part
from sluice.windows.sketches import text_of

_encode = msgspec.json.Encoder().encode


def part_rows(part: StoredPart, definition: Definition | None, published_at: str) -> Iterator[Row]:
    """Yield a row per group of the part; `published_at` is RFC 3339.

    Without its definition, which may have expired, nobody knows how long the window is.

    Raises:
        DeliveryError: the part cannot be read.
        ContractError: a later version of Sluice wrote it.
    """
    key = part.key
    start = start_text(key.window_start)
    content = decode_part(part.data)
    kinds = [(signature, accumulator(signature)) for signature in content.signatures]
    for group, partials in content.rows:
        columns = {
            signature: kind.columns(partial)
            for (signature, kind), partial in zip(kinds, partials, strict=True)
        }
        late = columns.pop(LATE, {"n": 0})["n"]
        group_key = key_text(group)
        segment = f"{key.lane}/{key.number}/{key.segment}/{key.index}"
        identity = f"{segment}/{key.metric}/{key.version}/{start}/{group_key}"
        row = {
            "metric": key.metric,
            "version": key.version,
            "window_start": start,
            "window_end": start_text(key.window_start + definition.window) if definition else None,
            "group_key": group_key,
            "lane": key.lane,
            "number": key.number,
            "part": key.index,
            "segment": key.segment,
            "partials": _encode(columns).decode(),
            "late": late,
            "published_at": published_at,
        }
        yield Row(SEGMENTS_TABLE, _encode({"insertId": insert_id(identity), "json": row}))


def watermark_row(watermark: str, published_at: str) -> Row:
    """Return the row that says until when windows are complete; both are RFC 3339."""
    row = {"watermark": watermark, "published_at": published_at}
    return Row(WATERMARKS_TABLE, _encode({"insertId": f"watermark/{watermark}", "json": row}))


def key_text(group: tuple[Any, ...]) -> str:
    """Write the values of a group as a JSON array of texts and nulls: one text for each group.

    Numbers are texts too, since JSON readers may round them.
    """
    return _encode([None if value is None else text_of(value) for value in group]).decode()
