"""Names in a filter: which field of the event they mean."""

from difflib import get_close_matches

from sqlglot import exp

from sluice.contract import EventType
from sluice.contract.columns import Column
from sluice.contract.kinds import Kind, Mode
from sluice.contract.names import TYPE_COLUMN
from sluice.errors import ContractError
from sluice.predicate.tree import Field, Items, Tag
from sluice.predicate.types import Type, type_of

_SHOWN = 12


def field(node: exp.Column | exp.Dot, event_type: EventType) -> Field | Items | Tag:
    """What a name means; case does not matter, as in BigQuery.

    Raises:
        ContractError: the event has no such field, or one that no filter can use.
    """
    names = [part.name for part in node.parts]
    if len(names) == 1 and names[0].lower() == TYPE_COLUMN:
        return Tag(event_type.name)
    available = event_type.columns
    found: list[Column] = []
    for depth, name in enumerate(names):
        inside = ".".join([event_type.cls.__name__, *(column.name for column in found)])
        if found and found[-1].mode is Mode.REPEATED:
            raise ContractError(f"{inside} is a list, which has no single `{name}`; name another field")
        if found and not available:
            raise ContractError(f"{inside} is {type_of(found[-1])} and holds no fields, so not `{name}`")
        column = next((one for one in available if one.name.lower() == name.lower()), None)
        if column is None:
            raise ContractError(
                f"`{'.'.join(names[: depth + 1])}` is no field: {_missing(name, available, inside)}"
            )
        if column.spec.retired:
            raise ContractError(f"{inside}.{column.name} is retired, no event carries it; drop it")
        found.append(column)
        available = column.columns
    chain, kind = tuple(found), type_of(found[-1])
    if found[-1].kind is Kind.JSON:
        raise ContractError(
            f"{inside}.{chain[-1].name} is free JSON, whose values have no type; name another field"
        )
    return Items(kind, chain) if chain[-1].mode is Mode.REPEATED else Field(kind, chain)


def single(found: Field | Items | Tag) -> Field | Tag:
    """A field that has one value.

    Raises:
        ContractError: it is a list.
    """
    if isinstance(found, Items):
        raise ContractError(
            f"{found.name} is a list; a filter takes x IN UNNEST({found.name}) and ARRAY_LENGTH({found.name})"
        )
    return found


def scalar(found: Field | Tag) -> Field | Tag:
    """A field that is no struct.

    Raises:
        ContractError: it is one.
    """
    if isinstance(found, Field) and found.type is Type.STRUCT:
        inner = found.columns[-1].columns[0].name
        raise ContractError(
            f"{found.name} is a struct, which has no value to compare; name one of its fields, such as"
            f" {found.name}.{inner}, or ask whether it IS NULL"
        )
    return found


def _missing(name: str, columns: tuple[Column, ...], inside: str) -> str:
    names = [column.name for column in columns]
    close = get_close_matches(name.lower(), names, 1)
    listed = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    hint = f"did you mean {close[0]}? " if close else ""
    return f"{hint}{inside} has {listed}"
