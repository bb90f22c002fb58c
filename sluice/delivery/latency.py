"""Histograms of latency that merge by addition: eight buckets for each doubling, within 9 % of the truth."""

from collections import Counter
from collections.abc import Iterable
from math import ceil, log2

BUCKETS_PER_DOUBLING = 8


def bucket_of(milliseconds: float) -> int:
    """Return the bucket of a latency; clocks that disagree can make it negative, which counts as 1 ms."""
    return ceil(BUCKETS_PER_DOUBLING * log2(max(milliseconds, 1.0)))


def latency_ms(bucket: int) -> float:
    """Return the longest latency, in milliseconds, that falls into the bucket."""
    return float(2 ** (bucket / BUCKETS_PER_DOUBLING))


def histogram(arrivals: Iterable[float], now: float) -> Counter[int]:
    """Count the buckets of `now - arrival`, both in epoch seconds."""
    return Counter(bucket_of(1000 * (now - arrived)) for arrived in arrivals)
