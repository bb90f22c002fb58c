"""The three sketches of Apache DataSketches that BigQuery reads too, and the texts that they count.

BigQuery's functions are those of `bqutil.datasketches`: hll_sketch_*, kll_sketch_float_* and
frequent_strings_sketch_* read and write the same bytes (github.com/apache/datasketches-bigquery, as of 2025).
"""

import math
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from datasketches import (
    HLL_4,
    frequent_items_error_type,
    frequent_strings_sketch,
    hll_sketch,
    hll_union,
    kll_floats_sketch,
)

from sluice.metrics.measures import HLL_LG_K, KLL_K
from sluice.windows.exact import plain_text
from sluice.windows.measures_extremes import moment_text

FEW = "…"
_HASH_DIGITS = 16
_MAX_UTF8 = 4
"""Bytes of a character at most."""


def text_of(value: Any) -> str:
    """A scalar as it stands in JSON, without quotes: what is hashed or counted for it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain_text(value)
    if isinstance(value, datetime):
        return moment_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def shortened(text: str, limit: int) -> str:
    """A text of at most `limit` bytes in UTF-8: itself, or its beginning, `…` and 16 digits of its SHA-256.

    So texts that differ stay different, and none is too large for a state or an item.
    """
    if len(text) * _MAX_UTF8 <= limit:
        return text
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    room = limit - len(FEW.encode()) - _HASH_DIGITS
    kept = text[: room if len(encoded) == len(text) else room // _MAX_UTF8]
    return f"{kept}{FEW}{sha256(encoded).hexdigest()[:_HASH_DIGITS]}"


def new_distinct() -> hll_sketch:
    """A sketch that counts different values."""
    return hll_sketch(HLL_LG_K, HLL_4)


def add_distinct(sketch: hll_sketch, text: str) -> None:
    """Take a text in. The library passes over an empty one, so the integer 0 stands for it."""
    sketch.update(text or 0)


def merge_distinct(one: hll_sketch, other: hll_sketch) -> hll_sketch:
    """A sketch of all values of both."""
    union = hll_union(HLL_LG_K)
    union.update(one)
    union.update(other)
    return union.get_result(HLL_4)


def estimate_distinct(sketch: hll_sketch) -> int:
    """How many different values, the same for any order and any cut.

    A sketch that saw its values itself answers more precisely than a merged one, and so differently. Merged
    with itself it holds what it did and answers as a merged one.
    """
    return math.floor(float(merge_distinct(sketch, sketch).get_estimate()) + 0.5)


def new_ranks() -> kll_floats_sketch:
    """A sketch that knows about which value has which rank."""
    return kll_floats_sketch(KLL_K)


def merge_ranks(one: kll_floats_sketch, other: kll_floats_sketch) -> kll_floats_sketch:
    """A sketch of all values of both."""
    merged = kll_floats_sketch(KLL_K)
    merged.merge(one)
    merged.merge(other)
    return merged


def merge_frequent(
    one: frequent_strings_sketch, other: frequent_strings_sketch, lg_map_size: int
) -> frequent_strings_sketch:
    """A sketch of all values of both."""
    merged = frequent_strings_sketch(lg_map_size)
    merged.merge(one)
    merged.merge(other)
    return merged


def most_frequent(sketch: frequent_strings_sketch, most: int) -> list[tuple[str, int]]:
    """The texts that came most often, and how often about; of equally many the lesser text first."""
    found = sketch.get_frequent_items(frequent_items_error_type.NO_FALSE_NEGATIVES)
    counted = ((item, estimate) for item, estimate, _, _ in found)
    return sorted(counted, key=lambda one: (-one[1], one[0]))[:most]
