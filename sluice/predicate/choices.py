"""Enumerated fields: a text that they never hold is a slip."""

from collections.abc import Sequence
from difflib import get_close_matches

from sluice.errors import ContractError
from sluice.predicate.tree import Constant, Field, Node

_SHOWN = 12


def check_choices(value: Node, others: Sequence[Node]) -> None:
    """Refuse a constant beside an Enum or Literal that does not accept it.

    Raises:
        ContractError: it names the value and those accepted.
    """
    if not isinstance(value, Field) or not value.columns[-1].choices:
        return
    choices = value.columns[-1].wire_choices
    for other in others:
        if not isinstance(other, Constant) or other.value is None or other.value in choices:
            continue
        close = get_close_matches(str(other.value), map(str, choices), 1)
        listed = ", ".join(map(repr, choices[:_SHOWN])) + ", ..." * (len(choices) > _SHOWN)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ContractError(f"{value.name} is never {other.value!r}: {hint}it is one of {listed}")
