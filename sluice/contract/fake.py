"""Fake events that hold to any contract, realistic where a field's name says what it is.

The same seed and start give the same events. Needs mimesis, so no Lambda imports this.
"""

import random
import re
from bisect import bisect
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any

import msgspec
from msgspec.structs import replace

from sluice.contract.columns import Column
from sluice.contract.contract import Contract, EventType
from sluice.contract.events import Event
from sluice.contract.fields import Spec
from sluice.contract.hints import json_document, texts
from sluice.contract.kinds import INT64_MAX, Kind, Mode
from sluice.contract.numbers import Draw, decimals, floats, integers
from sluice.contract.strings import matching
from sluice.errors import ContractError

STEP = 0.05
"""Seconds of event time between two events, on average."""
PRESENT = 0.9
"""The share of events that carry an optional field."""
HALF = 0.5
NEWER = 0.2
"""The share of newer states of recent events among those of a type that has versions."""
_RECENT = 50
_POOL = 300
_NUMBERS = {Kind.INTEGER: integers, Kind.FLOAT: floats, Kind.DECIMAL: decimals}
_DISTINCT = 1_000_000
"""So many ids are remembered, that none is made twice."""


@dataclass(slots=True)
class _Now:
    """The event time of the event that is being made."""

    time: datetime


def fake_events(
    contract: Contract,
    *,
    seed: int,
    start: datetime | None = None,
    count: int | None = None,
    step: float = STEP,
    only: str | None = None,
) -> Iterator[Event]:
    """Yield `count` events (without it: for ever), each of which the contract accepts.

    Args:
        contract: what the events hold to.
        seed: the same seed gives the same events.
        start: event time of the first event; by default so long ago that the last event is now.
        count: how many; None for no end.
        step: seconds between two event times, on average.
        only: the name of the one type wanted; by default all types, by their weights.

    Raises:
        ContractError: no value can be made for a field; the message says what to add to it.
    """
    rng = random.Random(seed)  # noqa: S311 - fake data, no secret
    kinds = [contract.types[only]] if only is not None else list(contract.types.values())
    if start is None:
        start = datetime.now(UTC) - timedelta(seconds=step * (count or 0))
    now = _Now(start)
    makers = [_event_maker(kind, rng, seed, now) for kind in kinds]
    weights = list(accumulate(kind.weight for kind in kinds))
    if not weights[-1]:
        weights = list(accumulate(1 for _ in kinds))
    made = 0
    while count is None or made < count:
        yield makers[bisect(weights, rng.random() * weights[-1])]()
        made += 1
        now.time = start + timedelta(seconds=step * (made + rng.random()))


def _event_maker(kind: EventType, rng: random.Random, seed: int, now: _Now) -> Callable[[], Event]:
    draws = {}
    for column in kind.columns:
        if column.attribute == kind.time_field:
            draws[column.attribute] = _event_time(column, now)
        elif column.attribute == kind.id_field:
            draws[column.attribute] = _identities(column, rng)
        elif not column.spec.retired:
            draws[column.attribute] = _field(column, rng, seed, now)
    build = _builder(kind.cls, draws)
    return build if kind.version_field is None else _states(kind, kind.version_field, build, rng)


def _states(
    kind: EventType, field: str, build: Callable[[], Event], rng: random.Random
) -> Callable[[], Event]:
    """Events, and now and then a newer state of a recent one: its id and its time, and a higher version."""
    recent: deque[Event] = deque(maxlen=_RECENT)
    newer = _newer(next(column for column in kind.columns if column.attribute == field), rng)

    def draw() -> Event:
        event = build()
        if recent and rng.random() < NEWER:
            place = int(len(recent) * rng.random())
            version = newer(getattr(recent[place], field))
            if version is not None:
                same = {name: getattr(recent[place], name) for name in (kind.id_field or "", kind.time_field)}
                recent[place] = event = replace(event, **same, **{field: version})
                return event
        recent.append(event)
        return event

    return draw


def _newer(column: Column, rng: random.Random) -> Callable[[Any], Any]:
    """What makes a higher version of one; None where the field has no room for it."""
    if column.kind is Kind.TIMESTAMP:
        return lambda version: (
            None if (later := _shifted(version, 1 + 60 * rng.random())) == version else later
        )
    step, top = int(column.spec.multiple_of or 1), _top(column.spec)
    return lambda version: version + step if version + step <= top else None


def _event_time(column: Column, now: _Now) -> Draw:
    whole = column.kind is not Kind.DATE
    return lambda: now.time if whole else now.time.date()


def _builder(cls: Any, draws: dict[str, Draw]) -> Callable[[], Any]:
    pairs = list(draws.items())

    def build() -> Any:
        values = {}
        for name, draw in pairs:
            value = draw()
            if value is not msgspec.UNSET:
                values[name] = value
        return cls(**values)

    return build


def _field(column: Column, rng: random.Random, seed: int, now: _Now) -> Draw:
    """Draws of a field's value; UNSET leaves an optional field to its default."""
    draw = _value(column, rng, seed, now)
    if column.mode is Mode.REPEATED:
        draw = _several(column, draw, rng)
    if not column.optional:
        return draw
    return lambda: draw() if rng.random() < PRESENT else msgspec.UNSET


def _several(column: Column, draw: Draw, rng: random.Random) -> Draw:
    least = column.spec.min_items or 0
    most = least + 12 if column.spec.max_items is None else column.spec.max_items
    container = column.container

    def several() -> Any:
        number = min(most, least + int(rng.expovariate(0.25)))
        return container(draw() for _ in range(number))

    return several


def _value(column: Column, rng: random.Random, seed: int, now: _Now) -> Draw:
    """Draws of a single value: the field's own, or an item of its list."""
    if column.spec.examples:
        return _from_pool(list(column.spec.examples), rng)
    if column.choices:
        # The first choices come up most: an even spread looks like no real data.
        spread = [one for rank, one in enumerate(column.choices) for _ in range(1 + 4 // (rank + 1))]
        return _from_pool(spread, rng)
    if column.columns:
        inner = [one for one in column.columns if not one.spec.retired]
        return _builder(column.struct, {one.attribute: _field(one, rng, seed, now) for one in inner})
    if column.kind is Kind.STRING:
        return _from_pool(_texts(column, rng, seed), rng, skewed=True)
    if column.kind in _NUMBERS:
        return _NUMBERS[column.kind](column, rng)
    return _plain(column.kind, rng, now)


def _plain(kind: Kind, rng: random.Random, now: _Now) -> Draw:
    if kind is Kind.JSON:
        return _from_pool([json_document(rng) for _ in range(_POOL)], rng)
    if kind is Kind.TIMESTAMP:
        return lambda: _shifted(now.time, -rng.random() * 600)
    if kind is Kind.DATE:
        return lambda: _shifted(now.time, rng.randint(0, 10) * 86_400).date()
    return lambda: rng.random() < HALF


def _shifted(time: datetime, seconds: float) -> datetime:
    try:
        return time + timedelta(seconds=seconds)
    except OverflowError:
        return time


def _from_pool(pool: list[Any], rng: random.Random, *, skewed: bool = False) -> Draw:
    size, draw = len(pool), rng.random
    if skewed:
        return lambda: pool[int(size * draw() ** 2)]
    return lambda: pool[int(size * draw())]


def _texts(column: Column, rng: random.Random, seed: int) -> list[str]:
    """Strings that the field accepts: by its name if those fit its rules, else made to fit."""
    spec = column.spec
    least, most = spec.min_length or 0, spec.max_length
    expression = re.compile(spec.pattern or "")
    fitting = (
        text
        for text in texts(column.name, seed)
        if least <= len(text) and (most is None or len(text) <= most) and expression.search(text)
    )
    pool = list(islice(fitting, _POOL))
    if len(pool) >= 8:  # noqa: PLR2004 - fewer are no variety
        return pool
    for _ in range(_POOL):
        text = matching(spec.pattern or "[a-z]*", rng, least=least, most=most)
        if text is None:
            break
        pool.append(text)
    if not pool:
        rules = ", ".join(f"{name}={value!r}" for name, value in spec.constraints().items())
        raise ContractError(
            f"no fake string for `{column.name}` fits {rules}; give field(...) examples=[...]"
        )
    return pool


def _identities(column: Column, rng: random.Random) -> Draw:
    """Ids, none of which comes twice as long as the field has room for another."""
    if column.spec.examples:
        return _from_pool(list(column.spec.examples), rng)
    if column.kind is Kind.INTEGER:
        return _numbered(column, rng)
    spec = column.spec
    least, most = spec.min_length or 1, spec.max_length
    if spec.pattern is None:
        size = max(least, 20 if most is None else min(20, most))
        return lambda: f"{rng.getrandbits(4 * size):0{size}x}"
    seen: set[str] = set()

    def draw() -> str:
        text = None
        for _ in range(20):
            text = matching(spec.pattern or "", rng, least=least, most=most) or text
            if text is not None and text not in seen:
                break
        if text is None:
            raise ContractError(
                f"no fake id for `{column.name}` fits {spec.pattern!r}; give field(...) examples=[...]"
            )
        if len(seen) < _DISTINCT:
            seen.add(text)
        return text

    return draw


def _numbered(column: Column, rng: random.Random) -> Draw:
    """Ids that are numbers count up from somewhere in their range."""
    first = integers(column, rng)
    spec = column.spec
    step = int(spec.multiple_of or 1)
    number: int = first() - step
    top = _top(spec)

    def draw() -> int:
        nonlocal number
        number = number + step if number + step <= top else first()
        return number

    return draw


def _top(spec: Spec) -> int:
    """The greatest integer that the field takes."""
    bounds = (spec.le, None if spec.lt is None else spec.lt - 1)
    return min(INT64_MAX, *(int(one) for one in bounds if one is not None), INT64_MAX)
