"""Whether the groups of a metric fit into a tumbling window's state, by estimate."""

from typing import TYPE_CHECKING

from sluice.contract.kinds import Kind
from sluice.errors import ContractError

if TYPE_CHECKING:
    from sluice.metrics.binding import BoundMeasure, GroupField
    from sluice.metrics.metric import Metric

STATE_BYTES = 900_000
"""What a window's groups may take, of the 1 MB that Lambda lets a shard's state have.

docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html (as of 2025).
"""
USUAL_GROUPS = 1_000
"""Assumed when neither `groups` nor the choices of the fields say how many there can be."""
MAX_GROUPS = 1_000_000
_TEXT = 24
"""Bytes assumed of a text that may be longer: most keys are short."""
_KEY_BYTES = {
    Kind.INTEGER: 6,
    Kind.BOOLEAN: 1,
    Kind.DATE: 6,
    Kind.TIMESTAMP: 10,
    Kind.DECIMAL: 12,
}
_NUMBER_BYTES = {
    Kind.INTEGER: 9,
    Kind.DECIMAL: 12,
    Kind.FLOAT: 20,
    Kind.TIMESTAMP: 10,
    Kind.DATE: 6,
}
_NUMBERS = {"sum": 1, "min": 1, "max": 1, "mean": 2, "variance": 4}
"""Numbers that a partial aggregate holds; a square counts twice."""
_FIXED = {"count": 4, "distinct": 2_100, "quantiles": 2_600}
"""Bytes of what does not depend on the field: sketches at their largest, serialised by datasketches 5.2."""
_TOP_SHARE, _TOP_ITEM = 0.75, 16
"""A frequent-items sketch fills three quarters of its map, with a text and a count of 8 bytes each."""


def check_state(metric: "Metric", *, declared: bool) -> None:
    """Refuse a metric whose groups would not fit.

    Raises:
        ContractError: with the sum, and what makes it smaller.
    """
    key = 4 + sum(map(_key_bytes, metric.by))
    shared = {bound.signature: bound for bound in metric.measures}.values()
    sizes = {bound.name: _measure_bytes(bound) for bound in shared}
    each = key + sum(sizes.values())
    total = each * metric.groups
    if total <= STATE_BYTES:
        return
    largest = max(sizes, key=lambda name: sizes[name])
    remedy = f"the largest measure is {largest!r} ({sizes[largest]:,} bytes)"
    if each > STATE_BYTES:
        raise ContractError(
            f"metric {metric.name!r}: one group takes about {each:,} bytes of a window's state, which holds"
            f" {STATE_BYTES:,}; {remedy}: drop it, or make it smaller"
        )
    raise ContractError(
        f"metric {metric.name!r}: {metric.groups:,} groups{'' if declared else ' (assumed)'}, of about"
        f" {each:,} bytes each, are {total:,} bytes of a window's state, which holds {STATE_BYTES:,}: say"
        f" groups={STATE_BYTES // each} if there are no more, group by less, or measure less; {remedy}"
    )


def _key_bytes(group: "GroupField") -> int:
    if group.kind is not Kind.STRING:
        return _KEY_BYTES[group.kind]
    if group.choices:
        return max(len(str(choice).encode()) for choice in group.choices) + 1
    return min(_TEXT, group.max_length or _TEXT) + 1


def _measure_bytes(bound: "BoundMeasure") -> int:
    word = bound.measure.word
    if word in _FIXED:
        return _FIXED[word]
    if word == "topk":
        counters = int(_TOP_SHARE * 2 ** int(str(bound.measure.options["lg_map_size"])))
        return counters * (_TOP_ITEM + _TEXT)
    assert bound.kind is not None  # noqa: S101 - every other measure is of a field
    return _NUMBERS[word] * _NUMBER_BYTES[bound.kind] + 2
