"""Fields that a metric names by their path in JSON, found in each of its event types."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sluice.contract.columns import Column
from sluice.contract.contract import EventType
from sluice.contract.kinds import Kind, Mode
from sluice.contract.names import TYPE_COLUMN
from sluice.errors import ContractError

_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A field of one kind in all event types of a metric."""

    path: tuple[str, ...]
    """As Python's attributes, from the event inwards."""
    kind: Kind
    choices: tuple[str | int, ...]
    """What an Enum or Literal accepts, as in JSON; empty for everything else."""
    bignumeric: bool
    """Whether a DECIMAL is BigQuery's BIGNUMERIC in one of the types."""
    nullable: bool
    """Whether it, or a struct around it, may be missing or null."""
    max_length: int | None
    """Characters of a STRING at most, where every type states a limit."""


def columns_on(event_type: EventType, path: str, where: str) -> tuple[Column, ...]:
    """The columns from the event down to a field that has one value.

    Raises:
        ContractError: there is no such field, it is a list or a struct, or it is retired.
    """
    columns, found = event_type.columns, []
    names = path.split(".")
    for depth, name in enumerate(names):
        inside = ".".join([event_type.cls.__name__, *names[:depth]])
        column = next((one for one in columns if one.name == name), None)
        if column is None:
            raise ContractError(f"{where} {path!r} is no field: {_missing(name, columns, inside)}")
        if column.mode is Mode.REPEATED:
            raise ContractError(
                f"{where} {path!r}: {inside}.{name} is a list, which has no single value; name another field"
            )
        if column.spec.retired:
            raise ContractError(f"{where} {path!r}: {inside}.{name} is retired, no event carries it; drop it")
        found.append(column)
        columns = column.columns
    if found[-1].kind is Kind.STRUCT:
        raise ContractError(
            f"{where} {path!r} is a struct; name one of its fields, such as"
            f" {path + '.' + found[-1].columns[0].name!r}"
        )
    return tuple(found)


def find(types: Sequence[EventType], path: object, where: str) -> Found:
    """The field that `path` names in every one of the types.

    Raises:
        ContractError: `where`, then why it names none, or fields of different kinds.
    """
    if not isinstance(path, str) or not path:
        raise ContractError(
            f"{where} {path!r} is no field's name; write it as in JSON, nested ones with dots"
        )
    chains = [columns_on(event_type, path, where) for event_type in types]
    leaves = [chain[-1] for chain in chains]
    for event_type, leaf in zip(types, leaves, strict=True):
        if leaf.kind is not leaves[0].kind:
            raise ContractError(
                f"{where} {path!r} is {leaves[0].kind} in {types[0].cls.__name__} and {leaf.kind} in"
                f" {event_type.cls.__name__}; one metric needs one kind"
            )
    choices = [leaf.wire_choices for leaf in leaves]
    lengths = [leaf.spec.max_length for leaf in leaves]
    return Found(
        path=tuple(column.attribute for column in chains[0]),
        kind=leaves[0].kind,
        choices=tuple(dict.fromkeys(sum(choices, ()))) if all(choices) else (),
        bignumeric=any(leaf.spec.bignumeric for leaf in leaves),
        nullable=any(column.nullable for chain in chains for column in chain),
        max_length=max((one for one in lengths if one is not None), default=None)
        if None not in lengths
        else None,
    )


def _missing(name: str, columns: Sequence[Column], inside: str) -> str:
    names = [column.name for column in columns]
    if not names:
        return f"{inside} holds no fields"
    if name == TYPE_COLUMN:
        return f"{inside} has no `type` here; only `by` takes the event type"
    close = get_close_matches(name, names, 1)
    shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}{inside} has {shown}"
