"""Distinct counts, quantiles and the most frequent values, by sketches; the measures state their errors."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from datasketches import frequent_strings_sketch, hll_sketch, kll_floats_sketch

from sluice.contract.kinds import Kind
from sluice.metrics.measures import percentile
from sluice.windows.measures_base import Accumulator
from sluice.windows.sketches import (
    add_distinct,
    estimate_distinct,
    merge_distinct,
    merge_frequent,
    merge_ranks,
    most_frequent,
    new_distinct,
    new_ranks,
    shortened,
    text_of,
)

MAX_TEXT = 96
"""Bytes of a counted text; longer ones are shortened. A sketch keeps up to 3,072 of them: 330 kB."""


class Distinct(Accumulator):
    """How many different values, by HyperLogLog."""

    def __init__(self, kind: Kind) -> None:
        self._text = text_of if kind is not Kind.STRING else str

    def new(self) -> hll_sketch:
        """No values."""
        return new_distinct()

    def add(self, partial: hll_sketch, value: Any) -> hll_sketch:
        """Take one value in, in place."""
        add_distinct(partial, self._text(value))
        return partial

    def merge(self, one: hll_sketch, other: hll_sketch) -> hll_sketch:
        """All values of both."""
        return merge_distinct(one, other)

    def pack(self, partial: hll_sketch) -> bytes:
        """The sketch's own bytes."""
        return bytes(partial.serialize_compact())

    def unpack(self, packed: bytes) -> hll_sketch:
        """What `pack` was given."""
        return hll_sketch.deserialize(packed)

    def value(self, partial: hll_sketch, options: Mapping[str, Any]) -> int:  # noqa: ARG002 - takes none
        """About how many."""
        return estimate_distinct(partial)

    def columns(self, partial: hll_sketch) -> dict[str, Any]:
        """`sketch` in base64, null for no values."""
        return {"sketch": None if partial.is_empty() else b64encode(self.pack(partial)).decode()}


class Ranks(Accumulator):
    """Quantiles, by KLL over 32-bit floats."""

    def new(self) -> kll_floats_sketch:
        """No values."""
        return new_ranks()

    def add(self, partial: kll_floats_sketch, value: Any) -> kll_floats_sketch:
        """Take one value in, in place."""
        partial.update(float(value))
        return partial

    def merge(self, one: kll_floats_sketch, other: kll_floats_sketch) -> kll_floats_sketch:
        """All values of both."""
        return merge_ranks(one, other)

    def pack(self, partial: kll_floats_sketch) -> bytes:
        """The sketch's own bytes."""
        return bytes(partial.serialize())

    def unpack(self, packed: bytes) -> kll_floats_sketch:
        """What `pack` was given."""
        return kll_floats_sketch.deserialize(packed)

    def value(self, partial: kll_floats_sketch, options: Mapping[str, Any]) -> dict[str, float] | None:
        """For each fraction, named `p95` for 0.95, a value that about so many values do not exceed."""
        if partial.is_empty():
            return None
        return {
            percentile(fraction): partial.get_quantile(fraction, inclusive=True) + 0.0
            for fraction in options["fractions"]
        }

    def columns(self, partial: kll_floats_sketch) -> dict[str, Any]:
        """`sketch` in base64, null for no values."""
        return {"sketch": None if partial.is_empty() else b64encode(self.pack(partial)).decode()}


class Frequent(Accumulator):
    """The most frequent values, by a frequent-items sketch of texts."""

    def __init__(self, lg_map_size: int) -> None:
        self._lg_map_size = lg_map_size

    def new(self) -> frequent_strings_sketch:
        """No values."""
        return frequent_strings_sketch(self._lg_map_size)

    def add(self, partial: frequent_strings_sketch, value: Any) -> frequent_strings_sketch:
        """Take one value in, in place."""
        partial.update(shortened(text_of(value), MAX_TEXT))
        return partial

    def merge(self, one: frequent_strings_sketch, other: frequent_strings_sketch) -> frequent_strings_sketch:
        """All values of both."""
        return merge_frequent(one, other, self._lg_map_size)

    def pack(self, partial: frequent_strings_sketch) -> bytes:
        """The sketch's own bytes."""
        return bytes(partial.serialize())

    def unpack(self, packed: bytes) -> frequent_strings_sketch:
        """What `pack` was given."""
        return frequent_strings_sketch.deserialize(packed)

    def value(self, partial: frequent_strings_sketch, options: Mapping[str, Any]) -> list[dict[str, Any]]:
        """`value` and `count` of the most frequent, the first `k`."""
        return [{"value": item, "count": count} for item, count in most_frequent(partial, options["k"])]

    def columns(self, partial: frequent_strings_sketch) -> dict[str, Any]:
        """`sketch` in base64, null for no values."""
        return {"sketch": None if partial.is_empty() else b64encode(self.pack(partial)).decode()}
