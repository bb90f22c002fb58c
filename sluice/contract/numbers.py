"""Numbers within a field's bounds, skewed as numbers of that name are, for fake data."""

import math
import random
import re
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any, TypeAlias

from sluice.contract.bounds import as_decimal, decimal_digits
from sluice.contract.columns import Column
from sluice.contract.fields import Spec
from sluice.contract.kinds import INT64_MAX, INT64_MIN
from sluice.errors import ContractError

Draw: TypeAlias = Callable[[], Any]
"""Makes one value."""

_TYPICAL = (
    (r"latitude|(^|_)lat$", 36.0, 60.0),
    (r"longitude|(^|_)(lon|lng)$", -9.0, 30.0),
    (r"status", 200, 500),
    (r"(^|_)(ms|millis|duration|latency|took)|_ms$", 1, 4_000),
    (r"width|height", 320, 2_560),
    (r"bytes|size|length", 200, 2_000_000),
    (r"(^|_)age$", 18, 90),
    (r"year", 1990, 2030),
    (r"port", 1024, 65_535),
    (r"zoom", 0, 18),
    (r"quantity|qty", 1, 6),
    (r"percent|_pct$", 0, 100),
    (r"ratio|rate|share|depth|probability", 0, 1),
    (r"amount|total|price|cost|revenue", 0, 400),
    (r"discount|(^|_)tax|(^|_)fee|(^|_)tip", 0, 30),
    (r"position|rank|page", 1, 30),
)
_ANYTHING = (0, 1_000)
_EXACT = Context(prec=100)
NEGATIVE = 0.06
"""The share of negative amounts, where a field takes both."""
FEW = 30
"""With so few values each comes up as often."""
_MULTIPLES = 4_000
"""How many multiples are tried for a float, where rounding makes most of them no multiple."""


def integers(column: Column, rng: random.Random) -> Draw:
    """Integers within the bounds, small ones more often."""
    spec, step = column.spec, int(column.spec.multiple_of or 1)
    low = max(INT64_MIN, _least(spec, 1) if _least(spec, 1) is not None else INT64_MIN)
    high = min(INT64_MAX, _most(spec, 1) if _most(spec, 1) is not None else INT64_MAX)
    first, last = -(-int(low) // step), int(high) // step
    if first > last:
        raise ContractError(
            f"no fake for `{column.name}`: no multiple of {step} lies between {low} and {high}"
        )
    low, high = _typical(column.name, first * step, last * step)
    start = min(max(first, -(-int(low) // step)), last)
    span = max(0, min(last, int(high) // step) - start)
    power = 1 if span < FEW else 3
    return lambda: step * (start + min(span, int((span + 1) * rng.random() ** power)))


def floats(column: Column, rng: random.Random) -> Draw:
    """Finite floats within the bounds."""
    spec = column.spec
    if spec.multiple_of is not None:
        return _multiples(column, float(spec.multiple_of), rng)
    low, high = _typical(column.name, _least(spec, 0), _most(spec, 0))
    low, high = float(low), float(high)

    def draw() -> float:
        value = low + (high - low) * rng.random()
        rounded = round(value, 5)
        for one in (rounded, value, (low + high) / 2):
            if _holds(spec, one):
                return one
        return math.nextafter(low, high)

    if not _holds(spec, draw()):
        raise ContractError(f"no fake for `{column.name}`: no float lies between {low} and {high}")
    return draw


def _multiples(column: Column, step: float, rng: random.Random) -> Draw:
    near = int((_least(column.spec, 0) or 0) / step)
    candidates = (step * (near + k) for k in range(-_MULTIPLES // 2, _MULTIPLES))
    pool = [one for one in candidates if math.fmod(one, step) == 0 and _holds(column.spec, one)]
    if not pool:
        raise ContractError(
            f"no fake for `{column.name}`: no multiple of {step} fits; give it examples=[...]"
        )
    return lambda: pool[int(len(pool) * rng.random() ** 2)]


def decimals(column: Column, rng: random.Random) -> Draw:
    """Decimals within the bounds, at the field's scale or with two digits after the point."""
    spec = column.spec
    digits, most_scale = decimal_digits(spec)
    limit = Decimal(10) ** digits - 1
    low = max(-limit, as_decimal(_least(spec, 0) if _least(spec, 0) is not None else -limit))
    high = min(limit, as_decimal(_most(spec, 0) if _most(spec, 0) is not None else limit))
    for scale in range(min(2, most_scale) if spec.scale is None else most_scale, most_scale + 1):
        unit = Decimal(1).scaleb(-scale)
        first = math.ceil(_EXACT.divide(low, unit))
        last = math.floor(_EXACT.divide(high, unit))
        first += spec.gt is not None and _EXACT.multiply(first, unit) == low
        last -= spec.lt is not None and _EXACT.multiply(last, unit) == high
        if first <= last:
            start, end = _typical(column.name, first, last, factor=10**scale)
            start, span = int(start), int(end) - int(start)
            return _scaled(start, span, scale, rng)
    raise ContractError(
        f"no fake for `{column.name}`: no decimal of {most_scale} digits lies between {low} and {high}"
    )


def _scaled(start: int, span: int, scale: int, rng: random.Random) -> Draw:
    if start < 0 < start + span:
        above, below = _scaled(0, start + span, scale, rng), _scaled(start, -start, scale, rng)
        return lambda: below() if rng.random() < NEGATIVE else above()
    return lambda: _EXACT.scaleb(Decimal(start + min(span, int((span + 1) * rng.random() ** 2))), -scale)


def _least(spec: Spec, step: int) -> Any:
    return spec.ge if spec.gt is None else spec.gt + step


def _most(spec: Spec, step: int) -> Any:
    return spec.le if spec.lt is None else spec.lt - step


def _holds(spec: Spec, value: float) -> bool:
    return (
        (spec.ge is None or value >= spec.ge)
        and (spec.gt is None or value > spec.gt)
        and (spec.le is None or value <= spec.le)
        and (spec.lt is None or value < spec.lt)
    )


def _typical(name: str, low: Any, high: Any, factor: int = 1) -> tuple[Any, Any]:
    """The part of the bounds where values of this name lie; all of them, or what is near one, if none do."""
    found = next(
        ((least, most) for pattern, least, most in _TYPICAL if re.search(pattern, name.lower())), _ANYTHING
    )
    least, most = (bound * factor for bound in found)
    if low is not None and low < 0 and not any(re.search(pattern, name) for pattern in ("lat", "lon", "lng")):
        least -= (most - least) // 10 if isinstance(low, int) else (most - least) / 10
    start = least if low is None else max(low, least)
    end = most if high is None else min(high, most)
    if start <= end:
        return start, end
    if low is not None and (high is None or low > most):
        return low, low + (most - least) if high is None else min(high, low + (most - least))
    return (high - (most - least) if low is None else max(low, high - (most - least))), high
