"""In which type values meet, as BigQuery converts them without being asked.

cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules (as of 2025).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Context, Decimal
from typing import cast

from sluice.contract.kinds import INT64_MAX, INT64_MIN
from sluice.errors import ContractError
from sluice.predicate.tree import Constant, Convert, Field, Node, Tag
from sluice.predicate.types import DECIMALS, NUMBERS, Type, parse_date, parse_timestamp

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?\Z")
_DATES = (Type.DATE, Type.TIMESTAMP)
_EXACT = Context(prec=500)
_MOST_DIGITS = 400
"""Of a literal; the largest FLOAT64 has 309."""


def unify(nodes: Sequence[Node], what: str) -> list[Node]:
    """The nodes, each converted to the type that all of them meet in.

    Raises:
        ContractError: there is none; `what` says where.
    """
    given = [node for node in nodes if node.type is not Type.NULL]
    firm = {node.type for node in given if not _adapts(node)} or {node.type for node in given} or {Type.INT64}
    for candidate in [kind for kind in NUMBERS if kind in firm] or list(firm):
        if all(_meets(node, candidate) for node in given):
            return [convert(node, candidate) for node in nodes]
    if Type.FLOAT64 not in firm and firm <= set(NUMBERS) and {node.type for node in given} <= set(NUMBERS):
        return [convert(node, Type.FLOAT64) for node in nodes]
    raise ContractError(f"{what} brings together {_described(given)}, which BigQuery refuses{_hint(given)}")


def convert(node: Node, target: Type) -> Node:
    """A node that meets the type, as one of that type."""
    if node.type is target:
        return node
    if node.type is Type.NULL:
        return Constant(target, None, "NULL")
    if not isinstance(node, Constant):
        return Convert(node, target)
    if target is Type.FLOAT64:
        return replace(node, type=target, value=float(cast("Decimal | int", node.value)))
    if target in DECIMALS:
        return replace(node, type=target, value=decimal_value(node.text, target))
    parse = parse_date if target is Type.DATE else parse_timestamp
    return replace(node, type=target, value=parse(node.text))


def integer(text: str) -> Constant:
    """An INT64 as it is written."""
    value = int(text) if len(text) < _MOST_DIGITS else INT64_MAX + 1
    if not INT64_MIN <= value <= INT64_MAX:
        raise ContractError(f"{text:.40} is no INT64; it has at most 64 bits; write NUMERIC '{text:.40}'")
    return Constant(Type.INT64, value, text)


def floating(text: str) -> Constant:
    """A FLOAT64 as it is written, which is a NUMERIC beside one."""
    value = float(text)
    if not math.isfinite(value):
        raise ContractError(f"{text:.40} is beyond the largest FLOAT64")
    return Constant(Type.FLOAT64, value, text)


def decimal_value(text: str, kind: Type) -> Decimal:
    """The NUMERIC or BIGNUMERIC that a text says, all digits kept.

    Raises:
        ContractError: it says none, or one of more digits than the type holds.
    """
    if not _DECIMAL.match(text) or len(text) > _MOST_DIGITS:
        raise ContractError(f"{text[:40]!r} is no {kind}; write it as '123.45'")
    value = Decimal(text)
    before, after = DECIMALS[kind]
    exponent = _EXACT.normalize(value).as_tuple().exponent
    if value and (value.adjusted() >= before or -cast("int", exponent) > after):
        raise ContractError(
            f"{text[:40]} does not fit a {kind}, which holds {before} digits before the point and {after}"
            " after it"
        )
    return value or Decimal(0)


def _adapts(node: Node) -> bool:
    return isinstance(node, Constant) and node.bare


def _meets(node: Node, target: Type) -> bool:
    if node.type is target:
        return True
    if node.type in NUMBERS and target in NUMBERS and NUMBERS.index(node.type) < NUMBERS.index(target):
        return True
    if not _adapts(node):
        return False
    if node.type is Type.FLOAT64 and target is Type.BIGNUMERIC:
        raise ContractError(f"{node.text} beside a BIGNUMERIC: write BIGNUMERIC '{node.text}'")  # type: ignore[union-attr] # a constant, as it adapts
    return (node.type is Type.FLOAT64 and target is Type.NUMERIC) or (
        node.type is Type.STRING and target in _DATES
    )


def described(node: Node) -> str:
    """A node with its type, for a message."""
    if isinstance(node, Field | Tag):
        return f"{node.name} ({node.type})"
    return f"{node.text} ({node.type})" if isinstance(node, Constant) else f"a value of type {node.type}"


def _described(nodes: Sequence[Node]) -> str:
    by_type = {node.type: node for node in reversed(nodes)}
    return " and ".join(described(node) for node in reversed(by_type.values()))


def _hint(nodes: Sequence[Node]) -> str:
    types = {node.type for node in nodes}
    if types == {Type.DATE, Type.TIMESTAMP}:
        return "; compare DATE(...) of the TIMESTAMP"
    if types == {Type.STRING, Type.BOOL}:
        return "; write TRUE or FALSE without quotes"
    if Type.STRING in types and types & set(NUMBERS):
        text = any(isinstance(node, Constant) and node.type is Type.STRING for node in nodes)
        return "; write the number without quotes" if text else "; put the text in quotes"
    return ""
