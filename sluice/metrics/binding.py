"""Groups and measures, bound to fields that exist and suit them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sluice.contract.contract import EventType
from sluice.contract.kinds import Kind
from sluice.contract.names import TYPE_COLUMN, check_distinct
from sluice.errors import ContractError
from sluice.metrics.definition import GroupDefinition, MeasureDefinition
from sluice.metrics.fields import Found, find
from sluice.metrics.measures import COUNTABLE, MEASURES, Measure

MAX_NAME = 48
MAX_BY = 8
MAX_MEASURES = 30
"""Sluice's own limits: names are part of keys, views and commands; groups and measures are columns."""
RESERVED_NAMES = frozenset(
    {"window_start", "window_end", "provisional", "complete", "group", "late", "metric", "version"}
)
"""What stands beside groups and measures in views and answers."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupField:
    """A field that a metric groups by."""

    name: str
    """Column in BigQuery, key in JSON."""
    text: str
    """The path as in JSON."""
    path: tuple[str, ...]
    """Attributes in Python, from the event inwards; ("type",) is the event type, which is no attribute."""
    kind: Kind
    choices: tuple[str | int, ...]
    """Values as in JSON, where there is a list of them."""
    bignumeric: bool
    nullable: bool
    max_length: int | None

    @property
    def definition(self) -> GroupDefinition:
        """What readers know of it."""
        return GroupDefinition(
            name=self.name,
            path=self.text,
            kind=self.kind,
            bignumeric=self.bignumeric,
            choices=self.choices,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundMeasure:
    """A measure with its name, on a field that exists."""

    name: str
    measure: Measure
    path: tuple[str, ...] | None
    """Attributes in Python, from the event inwards; None for a count."""
    kind: Kind | None
    signature: str
    """What its partial aggregates are stored under: equal for measures that share them."""
    bignumeric: bool

    @property
    def definition(self) -> MeasureDefinition:
        """What readers know of it."""
        return MeasureDefinition(
            name=self.name,
            measure=self.measure.word,
            signature=self.signature,
            path=self.measure.field,
            kind=self.kind,
            bignumeric=self.bignumeric,
            options=dict(self.measure.options),
            error=self.measure.error,
        )


def bind_groups(by: object, types: Sequence[EventType], where: str) -> tuple[GroupField, ...]:
    """The fields to group by.

    Raises:
        ContractError: one of them does not exist, does not group, or has no usable name.
    """
    if isinstance(by, Mapping):
        named = list(by.items())
    elif isinstance(by, (list, tuple)):
        named = [(one.replace(".", "_") if isinstance(one, str) else one, one) for one in by]
    else:
        raise ContractError(f"{where}: by={by!r} must be a list of fields, such as by=['status'], or a dict")
    if len(named) > MAX_BY:
        raise ContractError(f"{where}: by names {len(named)} fields, of {MAX_BY} at most; drop some")
    return tuple(_group(name, path, types, where) for name, path in named)


def bind_measures(measures: object, types: Sequence[EventType], where: str) -> tuple[BoundMeasure, ...]:
    """The measures on their fields.

    Raises:
        ContractError: there are none, one is no measure, or its field does not exist or does not suit it.
    """
    if not isinstance(measures, Mapping) or not measures:
        raise ContractError(
            f"{where}: measures={measures!r} must name at least one, such as measures={{'count': Count()}}"
        )
    if len(measures) > MAX_MEASURES:
        raise ContractError(f"{where}: {len(measures)} measures, of {MAX_MEASURES} at most; make two metrics")
    return tuple(_measure(name, measure, types, where) for name, measure in measures.items())


def check_names(by: Sequence[GroupField], measures: Sequence[BoundMeasure], where: str) -> None:
    """Refuse two columns of one name: groups and measures stand beside each other."""
    names = [*(group.name for group in by), *(bound.name for bound in measures)]
    for name in names:
        if names.count(name) > 1:
            raise ContractError(
                f"{where}: `{name}` stands twice among groups and measures; rename the measure, or the group"
                " with by={'new_name': 'field'}"
            )
    check_distinct(names, where)


def _group(name: object, path: object, types: Sequence[EventType], where: str) -> GroupField:
    found = _event_type(types) if path == TYPE_COLUMN else find(types, path, f"{where}: by")
    if found.kind is Kind.FLOAT:
        raise ContractError(
            f"{where}: by {path!r} is FLOAT, and two floats that look alike may differ; group by an INTEGER,"
            " DECIMAL or STRING"
        )
    if found.kind not in COUNTABLE:
        raise ContractError(f"{where}: by {path!r} is {found.kind.name}, which does not group; name a field")
    return GroupField(
        name=_checked(name, f"{where}: by {path!r}", "; name it with by={'name': 'field'}"),
        text=str(path),
        path=found.path,
        kind=found.kind,
        choices=found.choices,
        bignumeric=found.bignumeric,
        nullable=found.nullable,
        max_length=found.max_length,
    )


def _event_type(types: Sequence[EventType]) -> Found:
    return Found(
        path=(TYPE_COLUMN,),
        kind=Kind.STRING,
        choices=tuple(kind.name for kind in types),
        bignumeric=False,
        nullable=False,
        max_length=None,
    )


def _measure(name: object, measure: object, types: Sequence[EventType], where: str) -> BoundMeasure:
    checked = _checked(name, f"{where}: the measure {name!r}")
    if not isinstance(measure, Measure):
        known = ", ".join(cls.__name__ for cls in MEASURES.values())
        raise ContractError(
            f"{where}: {name!r} is {_shown(measure)}, no measure; write one of {known}, such as Count()"
        )
    here = f"{where}: {name!r}, {type(measure).__name__} of"
    if not measure.takes:
        return BoundMeasure(
            name=checked, measure=measure, path=None, kind=None, signature=measure.shape, bignumeric=False
        )
    found = find(types, measure.field, here)
    if found.kind not in measure.takes:
        kinds = ", ".join(sorted(kind.name for kind in measure.takes))
        raise ContractError(f"{here} {measure.field!r}: that is {found.kind.name}, and it takes {kinds}")
    return BoundMeasure(
        name=checked,
        measure=measure,
        path=found.path,
        kind=found.kind,
        signature=f"{measure.shape}:{measure.field}:{found.kind.name.lower()}",
        bignumeric=found.bignumeric,
    )


def _shown(value: object) -> str:
    return value.__name__ if isinstance(value, type) else repr(value)


def _checked(name: object, where: str, remedy: str = "") -> str:
    if not isinstance(name, str) or not _NAME.match(name) or len(name) > MAX_NAME:
        raise ContractError(
            f"{where}: the name {name!r} is not usable; use letters, digits and underscores, starting with a"
            f" letter, at most {MAX_NAME} characters{remedy}"
        )
    if name.lower() in RESERVED_NAMES:
        raise ContractError(
            f"{where}: `{name}` already stands beside every figure; choose another name{remedy}"
        )
    return name
