"""However events arrive and the state is handed on, the parts merge to what plain Python computes."""

import math
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.metrics import Metric
from sluice.windows.aggregates import Aggregates, Part
from sluice.windows.parts import decode_part, merge_parts
from sluice.windows.plan import Plan
from tests.unit.windows.shop import (
    GROUPINGS,
    METRICS,
    NOON,
    Channel,
    Place,
    Return,
    Sale,
    pipeline,
    second_of,
)

PIPELINE = pipeline(*METRICS)
PLAN = Plan(PIPELINE)
FLOATS = st.floats(-1e6, 1e6)
NAMES = st.sampled_from(["ann", "bob", "", "é" * 600, "x" * 5_000, "x" * 5_001])

PLACES = st.builds(Place, city=st.sampled_from(["Wien", "Graz"]), floor=st.none() | st.integers(-1, 1))
SALES = st.builds(
    Sale,
    sale_id=st.text(max_size=5),
    sold_at=st.integers(-100_000_000, 100_000_000).map(lambda us: NOON + timedelta(microseconds=us)),
    channel=st.none() | st.sampled_from(Channel),
    place=st.none() | PLACES,
    price=st.none() | st.integers(-300, 300).map(lambda cents: Decimal(cents).scaleb(-2)),
    weight=st.none() | FLOATS,
    pieces=st.none() | st.integers(0, 5),
    customer=st.none() | NAMES,
    ships_on=st.none() | st.dates(NOON.date(), NOON.date() + timedelta(days=2)),
    gift=st.booleans(),
    rank=st.none() | st.sampled_from([1, 2, 3]),
)
RETURNS = st.builds(
    Return,
    return_id=st.integers(0, 9),
    returned_on=st.dates(NOON.date() - timedelta(days=1), NOON.date() + timedelta(days=1)),
    customer=st.none() | NAMES,
    pieces=st.none() | st.integers(0, 5),
)
ARRIVALS = st.floats(-200, 200).map(lambda after: NOON.timestamp() + after)
ARRIVING = st.lists(st.tuples(st.one_of(SALES, SALES, SALES, RETURNS), ARRIVALS, st.booleans()), max_size=60)


@settings(deadline=None, max_examples=200)
@given(ARRIVING, st.integers(0, 2**32))
def test_parts_merge_to_what_plain_python_computes(
    arriving: list[tuple[Any, float, bool]], seed: int
) -> None:
    parts = aggregated(arriving, random.Random(seed))  # noqa: S311 - a reproducible choice
    for metric in METRICS:
        found: dict[tuple[int, tuple[Any, ...]], dict[str, Any]] = {}
        for start in {part.window_start for part in parts if part.metric == metric.name}:
            contents = [
                decode_part(part.data)
                for part in parts
                if (part.metric, part.window_start) == (metric.name, start)
            ]
            for group, row in merge_parts(metric.definition, contents).items():
                found[start, group] = {**row.values, "late": row.late}
        assert found == expected(metric, arriving)


def aggregated(arriving: Sequence[tuple[Any, float, bool]], rng: random.Random) -> list[Part]:
    """Fold, in any order; pack, forget what was in memory, and begin a segment now and then."""
    parts: list[Part] = []
    aggregates = Aggregates(PLAN)
    for event, arrived_at, winner in rng.sample(list(arriving), len(arriving)):
        known = isinstance(event, Sale) or any(Return in metric.events for metric in METRICS)
        assert aggregates.add(event, arrived_at, winner=winner) is known
        match rng.randrange(8):
            case 0:
                aggregates.pack()
            case 1:
                aggregates = Aggregates.unpack(PLAN, aggregates.pack())
            case 2:
                parts += aggregates.parts(rng.choice([3_000, 10_000, 380_000]))
                aggregates = Aggregates(PLAN)
    return parts + aggregates.parts(380_000)


def expected(
    metric: Metric, arriving: Sequence[tuple[Any, float, bool]]
) -> dict[tuple[int, tuple[Any, ...]], dict[str, Any]]:
    groups: dict[tuple[int, tuple[Any, ...]], list[tuple[Any, float]]] = defaultdict(list)
    for event, arrived_at, winner in arriving:
        if type(event) in metric.events and (winner or not metric.dedupe):
            start = second_of(event) // metric.window * metric.window
            group = tuple(map(shown, GROUPINGS[metric.name](event)))
            groups[start, group].append((event, arrived_at))
    return {
        (start, group): {
            "late": sum(arrived_at >= start + metric.window for _, arrived_at in events),
            **{
                bound.name: answer(bound.measure.word, bound.path, [event for event, _ in events])
                for bound in metric.measures
            },
        }
        for (start, group), events in groups.items()
    }


def shown(value: Any) -> Any:
    """Texts of more than 1,000 bytes as they stand in a group."""
    if not isinstance(value, str) or len(value.encode()) <= 1_000:
        return value
    ends = {5_000: "c59d3c0480cc2d71", 5_001: "89206d01a7a5f7f6", 600: "17b9cc826ac8cbc9"}
    return value[: 245 if value[0] == "é" else 981] + "…" + ends[len(value)]


def answer(word: str, path: tuple[str, ...] | None, events: Sequence[Any]) -> Any:
    if path is None:
        return len(events)
    values = [value for event in events if (value := getattr(event, path[0])) is not None]
    if word == "distinct":
        return len(set(values))
    if word.startswith("topk"):
        counted = Counter(map(topped, values)).items()
        most = sorted(counted, key=lambda one: (-one[1], one[0]))[: 3 if path == ("customer",) else 2]
        return [{"value": value, "count": count} for value, count in most]
    return PLAIN[word](values) if values else None


def total(values: Sequence[Any]) -> Any:
    return math.fsum(values) if isinstance(values[0], float) else sum(values)


def mean(values: Sequence[Any]) -> float:
    return float(sum(map(Fraction, values), Fraction())) / len(values)


def variance(values: Sequence[Any]) -> float | None:
    pairs = len(values) * (len(values) - 1)
    return float(statistics.variance(map(Fraction, values)) * pairs) / pairs if pairs else None


def quantiles(values: Sequence[Any]) -> dict[str, Any]:
    return {"p50": sorted(values)[math.ceil(len(values) / 2) - 1], "p100": max(values)}


PLAIN: dict[str, Callable[[Sequence[Any]], Any]] = {
    "sum": total,
    "mean": mean,
    "variance": variance,
    "min": min,
    "max": max,
    "quantiles": quantiles,
}


def topped(value: Any) -> str:
    """Texts of more than 96 bytes as they are counted."""
    text = str(value)
    if len(text.encode()) <= 96:
        return text
    kept = text[: 19 if text[0] == "é" else 77]
    return f"{kept}{shown(text)[-17:]}"
