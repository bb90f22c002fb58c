"""`field(...)`: what an event class says about one field beyond its Python type."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

Number: TypeAlias = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Spec:
    """Description and constraints of a field, as `field(...)` took them."""

    description: str = ""
    ge: Number | None = None
    gt: Number | None = None
    le: Number | None = None
    lt: Number | None = None
    multiple_of: Number | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_items: int | None = None
    max_items: int | None = None
    scale: int | None = None
    bignumeric: bool = False
    strings: bool = True
    retired: bool = False
    examples: tuple[Any, ...] = ()

    def constraints(self) -> dict[str, Any]:
        """The constraints that were set, by name, without description, examples and retirement."""
        names = (*NUMERIC, *TEXT, *LIST, "scale", "bignumeric", "strings")
        found = {name: getattr(self, name) for name in names}
        unset = {"bignumeric": False, "strings": True}
        return {name: value for name, value in found.items() if value is not unset.get(name)}


NUMERIC = ("ge", "gt", "le", "lt", "multiple_of")
TEXT = ("min_length", "max_length", "pattern")
LIST = ("min_items", "max_items")


def field(
    description: str = "",
    *,
    ge: Number | None = None,
    gt: Number | None = None,
    le: Number | None = None,
    lt: Number | None = None,
    multiple_of: Number | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    min_items: int | None = None,
    max_items: int | None = None,
    scale: int | None = None,
    bignumeric: bool = False,
    strings: bool = True,
    retired: bool = False,
    examples: Sequence[Any] = (),
) -> Spec:
    """Describe and constrain a field, inside its annotation.

    For example `price: Annotated[int, field("In cents", ge=0)]`. In a list,
    everything but `min_items` and `max_items` holds for each item.

    Args:
        description: becomes the BigQuery column's description (at most 1,024 characters).
        ge: the smallest number accepted.
        gt: a number must be greater than this.
        le: the largest number accepted.
        lt: a number must be smaller than this.
        multiple_of: an int or float must be a multiple of this.
        min_length: the least number of characters of a str.
        max_length: the greatest number of characters of a str.
        pattern: a regular expression that must be found in a str; anchor it (`^...$`) to match the whole.
        min_items: the least number of items of a list.
        max_items: the greatest number of items of a list.
        scale: the most digits after the point of a Decimal (0-9, with bignumeric 0-38; default: all of them).
        bignumeric: store a Decimal as BIGNUMERIC (38 digits before and after the point), not NUMERIC.
        strings: whether a Decimal may come as a JSON string, and is sent as one. False takes JSON numbers
            only, and those Lambda's filter patterns can compare.
        retired: the field is no longer sent; its column stays, so that old rows keep what they have.
        examples: values that fake data choose from.

    Returns:
        The specification, to be placed in `Annotated[...]`.
    """
    return Spec(
        description=description,
        ge=ge,
        gt=gt,
        le=le,
        lt=lt,
        multiple_of=multiple_of,
        min_length=min_length,
        max_length=max_length,
        pattern=pattern,
        min_items=min_items,
        max_items=max_items,
        scale=scale,
        bignumeric=bignumeric,
        strings=strings,
        retired=retired,
        examples=tuple(examples),
    )


class FreeJson:
    """Marks `Json` among annotations."""


Json: TypeAlias = Annotated[Any, FreeJson]
"""Any JSON value, kept as it is in a BigQuery JSON column."""
