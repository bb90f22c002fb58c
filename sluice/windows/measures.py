"""What a group holds for each measure while its window fills, and how two of those become one.

A *partial* is what has been seen of a measure so far. `accumulator(signature)` is what handles it:

    sums = accumulator("sum:bytes:integer")
    partial = sums.add(sums.new(), 512)
    sums.value(sums.merge(partial, other), {})

Adding may change the partial that it is given and returns the one to keep;
nothing else changes its arguments.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from sluice.contract.kinds import Kind
from sluice.errors import ContractError
from sluice.windows.measures_base import Accumulator, Counts
from sluice.windows.measures_extremes import Largest, Smallest
from sluice.windows.measures_sketched import Distinct, Frequent, Ranks
from sluice.windows.measures_sums import Means, Moments, Sums

__all__ = ["LATE", "Accumulator", "accumulator"]

LATE = "late"
"""Signature of the events that arrived after their window's end; stands first in every row."""

_BY_WORD: Mapping[str, Callable[[Kind], Accumulator]] = {
    "sum": Sums,
    "mean": Means,
    "variance": Moments,
    "min": Smallest,
    "max": Largest,
    "distinct": Distinct,
    "quantiles": lambda _: Ranks(),
}
_FREQUENT = "topk"


@lru_cache(maxsize=1024)
def accumulator(signature: str) -> Accumulator:
    """What handles the partials of a signature: `count`, `sum:amount:decimal`, `topk1024:query:string`.

    Raises:
        ContractError: the measure is not known here: a later version of Sluice wrote it.
    """
    if signature in ("count", LATE):
        return Counts()
    word, _, field = signature.partition(":")
    kind = Kind.__members__.get(field.rpartition(":")[2].upper())
    if kind is not None and word in _BY_WORD:
        return _BY_WORD[word](kind)
    size = word.removeprefix(_FREQUENT)
    if kind is not None and word.startswith(_FREQUENT) and size.isdecimal():
        return Frequent(int(size).bit_length() - 1)
    raise ContractError(
        f"a stored window has the measure {signature!r}, which is not known here: update Sluice"
    )
