"""From a line to a JSON object: as strict as a contract is, so that what is read here can be accepted."""

import math
from typing import Any

import msgspec

from sluice.contract import ContractViolation
from sluice.contract.explain import explain
from sluice.contract.keys import first_duplicate_key, has_duplicate_keys

LONGEST = 2 * 1024 * 1024
"""Bytes of a line that are looked at: no record of a stream that a Lambda reads is larger."""

MAX_SHOWN = 60
"""Characters of a name from the data that a sentence repeats."""


class Fraction(str):
    """A number with a fraction or an exponent, as it was written: `12.50` says more than 12.5 does."""

    __slots__ = ()


_decode = msgspec.json.Decoder(float_hook=Fraction).decode


def read_object(line: bytes) -> dict[str, Any]:
    """Return the object that a line holds, its fractions as they were written.

    Raises:
        ContractViolation: no contract at all would accept the line; the reason repeats no value of it.
    """
    if len(line) >= LONGEST:
        raise ContractViolation(f"the line is longer than {LONGEST >> 20} MiB, and no stream takes it")
    try:
        document = _decode(line)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a hostile record may provoke anything; each is its own violation
        raise explain(line, error, {}) from None
    if document.__class__ is not dict:
        raise ContractViolation(f"the line is {_WHAT.get(document.__class__, 'a number')}, no object")
    if has_duplicate_keys(line, _keys(document)):
        key = first_duplicate_key(line)
        raise ContractViolation(f"the key {shown(key)} stands twice in one object")
    return document


_WHAT = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}


def _keys(document: dict[str, Any]) -> int:
    """Count all keys, and refuse numbers that no 64-bit float holds: no parser of a contract takes them."""
    keys = 0
    todo: list[Any] = [document]
    while todo:
        container = todo.pop()
        values = container
        if container.__class__ is dict:
            keys += len(container)
            values = container.values()
        for value in values:
            kind = value.__class__
            if kind is dict or kind is list:
                todo.append(value)
            elif kind is Fraction and not math.isfinite(float(value)):
                raise ContractViolation("the line holds a number too large for a 64-bit float")
    return keys


def printable(text: str) -> str:
    """Return `text` on one line and not too long: what came over the wire may hold anything."""
    cut = text[:MAX_SHOWN] + "…" * (len(text) > MAX_SHOWN)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def shown(name: str) -> str:
    """Return a name from the data as a sentence shows it."""
    return f"`{printable(name).replace('`', chr(0xFFFD))}`"
