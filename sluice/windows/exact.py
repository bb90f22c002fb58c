"""Numbers that add up to the same sum in any order and any cut, and how they are written down.

An INTEGER is a Python int and a DECIMAL a Decimal in a context that refuses to round. A FLOAT is the exact
rational number that it stands for, as numerator and denominator, which is a power of two: 0.1 is
3602879701896397 / 2**55. So a sum is exact until it is rounded, once and correctly, to a float: that is the
answer of `math.fsum`, wherever none of its partial sums overflows.
"""

import math
from decimal import Context, Decimal, FloatOperation, Inexact, InvalidOperation, Overflow
from typing import TypeAlias

Dyadic: TypeAlias = tuple[int, int]
"""Numerator and denominator, not always in lowest terms."""
Ratio: TypeAlias = tuple[int, int]

ZERO: Dyadic = (0, 1)

EXACT = Context(
    prec=400, Emax=999_999, Emin=-999_999, traps=[Inexact, InvalidOperation, Overflow, FloatOperation]
)
"""Room for the squares of BIGNUMERICs, of 154 digits, 10**246 times over."""
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1


def dyadic_add(one: Dyadic, other: Dyadic) -> Dyadic:
    """The exact sum of two; `other` is usually a float's `as_integer_ratio()`."""
    total, unit = one
    numerator, denominator = other
    if denominator == unit:
        return total + numerator, unit
    if denominator < unit:
        return total + numerator * (unit // denominator), unit
    return total * (denominator // unit) + numerator, denominator


def dyadic_subtract(one: Dyadic, other: Dyadic) -> Dyadic:
    """The exact difference of two."""
    return dyadic_add(one, (-other[0], other[1]))


def dyadic_square(one: Dyadic) -> Dyadic:
    """The exact square."""
    return one[0] * one[0], one[1] * one[1]


def pack_dyadic(one: Dyadic) -> list[int | bytes]:
    """An odd numerator and the power of two that it is multiplied by: one form for each number."""
    numerator, denominator = one
    power = 1 - denominator.bit_length()
    if not numerator & 1:
        if not numerator:
            return [0, 0]
        zeros = (numerator & -numerator).bit_length() - 1
        numerator >>= zeros
        power += zeros
    return [pack_int(numerator), power]


def unpack_dyadic(packed: list[int | bytes]) -> Dyadic:
    """What `pack_dyadic` wrote."""
    numerator, power = unpack_int(packed[0]), unpack_int(packed[1])
    return (numerator << power, 1) if power >= 0 else (numerator, 1 << -power)


def pack_int(number: int) -> int | bytes:
    """An integer as msgpack takes it: of more than 64 bits as signed big-endian bytes."""
    if _INT64_MIN <= number <= _UINT64_MAX:
        return number
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)


def unpack_int(packed: int | bytes) -> int:
    """What `pack_int` wrote."""
    return int.from_bytes(packed, "big", signed=True) if isinstance(packed, bytes) else packed


def plain(number: Decimal) -> Decimal:
    """The same number without an exponent and without zeros at its end, as BigQuery prints it."""
    normal = number.normalize(EXACT)
    if not normal:
        return Decimal(0)
    exponent = normal.as_tuple().exponent
    return (
        normal.quantize(Decimal(1), context=EXACT) if isinstance(exponent, int) and exponent > 0 else normal
    )


def plain_text(number: Decimal) -> str:
    """A Decimal in digits, with a point if need be: one text for each number."""
    return format(plain(number), "f")


def as_float(ratio: Ratio) -> float:
    """The float nearest to a ratio, half to even; beyond the largest one an infinity, as in IEEE 754."""
    numerator, denominator = ratio
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def scaled_text(ratio: Ratio, decimals: int) -> str:
    """A ratio in digits, rounded half to even to so many decimals, without zeros at its end."""
    numerator, denominator = ratio
    scaled, rest = divmod(abs(numerator) * 10**decimals, denominator)
    scaled += 2 * rest > denominator or (2 * rest == denominator and scaled % 2)
    digits = Decimal(scaled if numerator >= 0 else -scaled).scaleb(-decimals, EXACT)
    return plain_text(digits)
