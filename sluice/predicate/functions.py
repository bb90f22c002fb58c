"""The functions that a filter takes, with the types of their arguments and results.

cloud.google.com/bigquery/docs/reference/standard-sql/functions-all (as of 2025).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sqlglot import exp

from sluice.errors import ContractError
from sluice.predicate.coercion import convert, described, unify
from sluice.predicate.parsed import shown
from sluice.predicate.tree import Call, Case, Coalesce, Compare, Constant, Field, Items, Length, Node, Tag
from sluice.predicate.types import NUMBERS, Type


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and gives."""

    parameters: tuple[Type, ...]
    required: int
    result: Type


_TEXT, _WHOLE, _BOOL = Type.STRING, Type.INT64, Type.BOOL
SIGNATURES = {
    "LOWER": Signature((_TEXT,), 1, _TEXT),
    "UPPER": Signature((_TEXT,), 1, _TEXT),
    "LENGTH": Signature((_TEXT,), 1, _WHOLE),
    "CHAR_LENGTH": Signature((_TEXT,), 1, _WHOLE),
    "CHARACTER_LENGTH": Signature((_TEXT,), 1, _WHOLE),
    "BYTE_LENGTH": Signature((_TEXT,), 1, _WHOLE),
    "TRIM": Signature((_TEXT, _TEXT), 1, _TEXT),
    "LTRIM": Signature((_TEXT, _TEXT), 1, _TEXT),
    "RTRIM": Signature((_TEXT, _TEXT), 1, _TEXT),
    "SUBSTR": Signature((_TEXT, _WHOLE, _WHOLE), 2, _TEXT),
    "SUBSTRING": Signature((_TEXT, _WHOLE, _WHOLE), 2, _TEXT),
    "LEFT": Signature((_TEXT, _WHOLE), 2, _TEXT),
    "RIGHT": Signature((_TEXT, _WHOLE), 2, _TEXT),
    "STARTS_WITH": Signature((_TEXT, _TEXT), 2, _BOOL),
    "ENDS_WITH": Signature((_TEXT, _TEXT), 2, _BOOL),
    "STRPOS": Signature((_TEXT, _TEXT), 2, _WHOLE),
    "DATE": Signature((Type.TIMESTAMP,), 1, Type.DATE),
}
"""Those of one signature each; the others are in `call`."""
PARTS = (
    "MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAYOFWEEK", "DAY", "DAYOFYEAR", "ISOWEEK",
    "MONTH", "QUARTER", "YEAR", "ISOYEAR",
)  # fmt: skip
_TIMES_OF_DAY = PARTS[:5]
"""What a DATE has not."""
_POLYMORPHIC = ("ABS", "MOD", "SAFE_DIVIDE", "CONCAT", "COALESCE", "IFNULL", "NULLIF", "ARRAY_LENGTH")
_REFUSED = {
    "REGEXP_CONTAINS": "it runs RE2's expressions, which Python's are not; use LIKE, STARTS_WITH or STRPOS",
    "CONTAINS_SUBSTR": "it normalizes text as no other function does; use STRPOS(LOWER(x), 'y') > 0 or LIKE",
    "CURRENT_DATE": "an event read again would be judged anew; compare with DATE '...'",
    "CURRENT_TIMESTAMP": "an event read again would be judged anew; compare with TIMESTAMP '...'",
    "RAND": "an event read again would be judged anew",
    "DIV": "BigQuery stops at a division by zero; use SAFE_DIVIDE(a, b)",
    "IEEE_DIVIDE": "use SAFE_DIVIDE(a, b)",
}
_NODES: dict[type[exp.Expr], str] = {
    exp.Subquery: "a filter sees one event, no tables",
    exp.Tuple: "a list stands behind IN alone",
    exp.Var: "it is no field",
    exp.Star: "name a field",
}


def call(name: str, arguments: Sequence[Node]) -> Node:
    """A function or operator with its arguments, converted to what it takes.

    Raises:
        ContractError: no filter takes it, or not with these arguments.
    """
    found = SIGNATURES.get(name)
    if found is not None:
        return _plain(name, found, arguments)
    if name in ("ABS", "NEGATE"):
        return _number(name, arguments)
    if name in ("MOD", "SAFE_DIVIDE"):
        return _division(name, arguments)
    if name == "CONCAT":
        return _concat(arguments)
    if name in ("COALESCE", "IFNULL"):
        _count(name, arguments, 2 if name == "IFNULL" else 1, 2 if name == "IFNULL" else None)
        terms = unify(arguments, name)
        return Coalesce(terms[0].type, tuple(terms))
    if name == "NULLIF":
        _count(name, arguments, 2, 2)
        left, right = unify(arguments, name)
        return Case(left.type, ((Compare("=", left, right), convert(_NULL, left.type)),), left)
    raise ContractError(_unknown(name))


def array_length(arguments: Sequence[Field | Items | Tag]) -> Length:
    """ARRAY_LENGTH of a field.

    Raises:
        ContractError: it is no list, or one in a struct that may be NULL.
    """
    if len(arguments) != 1 or not isinstance(arguments[0], Items):
        raise ContractError("ARRAY_LENGTH takes one field that is a list")
    around = next((column for column in arguments[0].columns[:-1] if column.nullable), None)
    if around is not None:
        raise ContractError(
            f"ARRAY_LENGTH({arguments[0].name}): {around.name} may be NULL, and a list within NULL has no"
            " length of its own in a table; ask x IN UNNEST(...)"
        )
    return Length(arguments[0])


def extract(part: str, moment: Node) -> Node:
    """EXTRACT(part FROM moment), in UTC.

    Raises:
        ContractError: no filter takes that part, or the value has none.
    """
    if moment.type not in (Type.TIMESTAMP, Type.DATE):
        raise ContractError(f"EXTRACT takes a TIMESTAMP or DATE, not {described(moment)}")
    if part == "DATE" and moment.type is Type.TIMESTAMP:
        return Call("DATE", Type.DATE, (moment,))
    parts = [one for one in PARTS if moment.type is Type.TIMESTAMP or one not in _TIMES_OF_DAY]
    if part not in parts:
        raise ContractError(
            f"EXTRACT({part} FROM ...) of a {moment.type} is not taken; {', '.join(parts)} are"
        )
    return Call(f"EXTRACT_{part}", Type.INT64, (moment,))


def refusal(node: exp.Expr) -> str:
    """Why no filter takes a part of the SQL."""
    for kind, why in _NODES.items():
        if isinstance(node, kind):
            return f"{shown(node)} is not taken: {why}"
    return f"{shown(node)} is not taken; docs/filters.md has what a filter takes"


def _plain(name: str, found: Signature, arguments: Sequence[Node]) -> Node:
    _count(name, arguments, found.required, len(found.parameters))
    taken = []
    for given, wanted in zip(arguments, found.parameters, strict=False):
        adapts = isinstance(given, Constant) and given.type is Type.STRING and wanted is Type.TIMESTAMP
        if given.type not in (wanted, Type.NULL) and not (adapts and given.bare):  # type: ignore[union-attr] # a constant
            raise ContractError(f"{name} takes {_listed(found.parameters)}, not {described(given)}")
        taken.append(convert(given, wanted))
    if name in ("SUBSTR", "SUBSTRING", "LEFT", "RIGHT") and len(taken) == len(found.parameters):
        length = taken[-1]
        if isinstance(length, Constant) and isinstance(length.value, int) and length.value < 0:
            raise ContractError(f"{name} takes a length of 0 or more, not {length.text}")
    return Call(name, found.result, tuple(taken))


def _number(name: str, arguments: Sequence[Node]) -> Node:
    _count(name, arguments, 1, 1)
    (given,) = unify(arguments, name)
    if given.type not in NUMBERS:
        raise ContractError(
            f"{'a minus sign' if name == 'NEGATE' else name} takes a number, not {described(given)}"
        )
    return Call(name, given.type, (given,))


def _division(name: str, arguments: Sequence[Node]) -> Node:
    _count(name, arguments, 2, 2)
    for one in arguments:
        if one.type not in (*NUMBERS, Type.NULL):
            raise ContractError(f"{name} takes numbers, not {described(one)}")
    left, right = unify(arguments, name)
    if name == "SAFE_DIVIDE" and left.type is Type.INT64:
        left, right = convert(left, Type.FLOAT64), convert(right, Type.FLOAT64)
    if name == "MOD" and left.type is Type.FLOAT64:
        raise ContractError("MOD takes INT64 and NUMERIC, not FLOAT64")
    if name == "MOD" and isinstance(right, Constant) and right.value == 0:
        raise ContractError("MOD by 0 is an error in BigQuery; write another divisor")
    return Call(name, left.type, (left, right))


def _concat(arguments: Sequence[Node]) -> Node:
    _count("CONCAT", arguments, 1, None)
    for one in arguments:
        if one.type not in (Type.STRING, Type.NULL):
            raise ContractError(f"CONCAT and || take STRINGs, not {described(one)}")
    return Call("CONCAT", Type.STRING, tuple(convert(one, Type.STRING) for one in arguments))


def _count(name: str, arguments: Sequence[Node], least: int, most: int | None) -> None:
    if len(arguments) < least or (most is not None and len(arguments) > most):
        exactly = str(least) if least == most else f"{least} to {most}"
        wanted = f"{least} or more" if most is None else exactly
        raise ContractError(f"{name} takes {wanted} arguments, not {len(arguments)}")


def _listed(types: Sequence[Type]) -> str:
    return f"({', '.join(types)})"


def _unknown(name: str) -> str:
    why = _REFUSED.get(name)
    if why is not None:
        return f"{name} is not taken: {why}"
    known = [*SIGNATURES, *_POLYMORPHIC]
    close = get_close_matches(name, known, 1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{name} is no function that a filter takes; {hint}There are {', '.join(sorted(known))}"


_NULL = Constant(Type.NULL, None, "NULL")
