"""What a metric can measure, each with its error.

Measures merge in any order and any cut: exact ones to the same value, sketches within their error. Nulls are
left out, as in SQL; with no value at all the answer is null, except for counts, which are 0. The sketches are
those of Apache DataSketches, which BigQuery reads with the functions of `bqutil.datasketches`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from sluice.contract.kinds import Kind
from sluice.errors import ContractError

NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT})
ORDERED = NUMBERS | {Kind.TIMESTAMP, Kind.DATE}
COUNTABLE = frozenset({Kind.STRING, Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN, Kind.TIMESTAMP, Kind.DATE})
NAMED = frozenset({Kind.STRING, Kind.INTEGER})

HLL_LG_K = 12
"""Log2 of the registers of a distinct count's sketch: 4,096, in about 2 KB."""
KLL_K = 200
"""Accuracy of a quantiles sketch, in about 2.5 KB."""
MAX_FRACTIONS = 20
MAX_K = 100
"""Sluice's own limits: what a view's columns and a page's list can show."""
_LEAST_LG_MAP = 10
_ROOM = 32
"""A top-k sketch counts this many times more values than it is asked for: then what it leaves out is rare."""


class Measure:
    """What is computed of the events of a group."""

    word: ClassVar[str]
    """Begins the signature; never changes, because stored partial aggregates carry it."""
    takes: ClassVar[frozenset[Kind]] = frozenset()
    """Kinds of fields that it is computed of; none when it takes no field."""
    error: ClassVar[str | None] = None
    """How far the answer may be off; None when it is exact."""

    @property
    def field(self) -> str | None:
        """The field's path, as in JSON."""
        found: str | None = getattr(self, "path", None)
        return found

    @property
    def options(self) -> Mapping[str, float | int | list[float]]:
        """What a reader needs to know beside the signature to answer."""
        return {}

    @property
    def shape(self) -> str:
        """What partial aggregates must share to be merged."""
        return self.word


@dataclass(frozen=True, slots=True)
class Count(Measure):
    """How many events there are. Exact."""

    word = "count"


@dataclass(frozen=True, slots=True)
class Sum(Measure):
    """The sum of a number. Exact; a sum of FLOATs is added up exactly and rounded once, at the end."""

    word = "sum"
    takes = NUMBERS
    path: str


@dataclass(frozen=True, slots=True)
class Min(Measure):
    """The smallest number, the earliest time. Exact."""

    word = "min"
    takes = ORDERED
    path: str


@dataclass(frozen=True, slots=True)
class Max(Measure):
    """The largest number, the latest time. Exact."""

    word = "max"
    takes = ORDERED
    path: str


@dataclass(frozen=True, slots=True)
class Mean(Measure):
    """The mean of a number: its exact sum, rounded to a float and divided by the number of values."""

    word = "mean"
    takes = NUMBERS
    path: str


@dataclass(frozen=True, slots=True)
class Variance(Measure):
    """The sample variance of a number, as BigQuery's VARIANCE: null below two values.

    Made of exact sums of the values and of their squares, and rounded at the end: nothing cancels out.
    """

    word = "variance"
    takes = NUMBERS
    path: str


@dataclass(frozen=True, slots=True)
class CountDistinct(Measure):
    """How many different values there are, by a HyperLogLog sketch.

    1.04 / sqrt(4096): datasketches.apache.org/docs/HLL/HLL.html. Small counts are nearly exact.
    """

    word = "distinct"
    takes = COUNTABLE
    error = (
        "standard error 1.6 %: 95 of 100 answers lie within 3.3 % of the true count (HyperLogLog, 4,096"
        " registers)"
    )
    path: str


@dataclass(frozen=True, slots=True)
class Quantiles(Measure):
    """The values below which the given fractions of all values lie, by a KLL sketch of 32-bit floats.

    datasketches.apache.org/docs/KLL/KLLSketch.html: `get_normalized_rank_error` of k = 200.
    """

    word = "quantiles"
    takes = NUMBERS
    error = (
        "rank within 1.33 percentage points with 99 % confidence (KLL, k = 200): p95 lies between p93.7 and"
        " p96.3; values are kept as 32-bit floats, to 7 digits"
    )
    path: str
    fractions: Sequence[float] = (0.5, 0.95, 0.99)

    def __post_init__(self) -> None:
        given = self.fractions
        good = isinstance(given, (list, tuple)) and all(
            isinstance(one, (int, float)) and not isinstance(one, bool) and 0 <= one <= 1 for one in given
        )
        if not good or not 1 <= len(given) <= MAX_FRACTIONS or len(set(given)) != len(given):
            raise ContractError(
                f"Quantiles({self.path!r}, {given!r}): name 1 to {MAX_FRACTIONS} different fractions between"
                " 0 and 1, such as (0.5, 0.95)"
            )
        object.__setattr__(self, "fractions", tuple(float(one) for one in given))

    @property
    def options(self) -> Mapping[str, float | int | list[float]]:
        """The fractions; the sketch itself answers any."""
        return {"fractions": list(self.fractions)}


@dataclass(frozen=True, slots=True)
class TopK(Measure):
    """The most frequent values and how often each came, by a frequent-items sketch.

    The error is 3.5 / map size: datasketches.apache.org/docs/Frequency/FrequentItemsErrorTable.html.
    """

    word = "topk"
    takes = NAMED
    error = (
        "each count within 0.35 % of all values counted (frequent items, 1,024 counters, more with k above"
        " 32); exact up to 768 different values"
    )
    path: str
    k: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.k, int) or isinstance(self.k, bool) or not 1 <= self.k <= MAX_K:
            raise ContractError(f"TopK({self.path!r}, {self.k!r}): k must be a whole number, 1 to {MAX_K}")

    @property
    def lg_map_size(self) -> int:
        """Log2 of the sketch's counters."""
        return max(_LEAST_LG_MAP, (self.k * _ROOM - 1).bit_length())

    @property
    def options(self) -> Mapping[str, float | int | list[float]]:
        """How many values to answer, and the sketch's size."""
        return {"k": self.k, "lg_map_size": self.lg_map_size}

    @property
    def shape(self) -> str:
        """Sketches of one size merge without growing."""
        return f"{self.word}{2**self.lg_map_size}"


MEASURES: Mapping[str, type[Measure]] = {
    measure.word: measure
    for measure in (Count, Sum, Min, Max, Mean, Variance, CountDistinct, Quantiles, TopK)
}
"""Every measure by its word."""


def percentile(fraction: float) -> str:
    """How a quantile is named wherever it is answered: p50, p95, p99_9."""
    return f"p{format((Decimal(repr(fraction)) * 100).normalize(), 'f')}".replace(".", "_")
