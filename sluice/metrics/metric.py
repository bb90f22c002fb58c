"""`Metric`: one live figure, or several, over windows of event time."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sluice.contract.contract import EventType, event_type
from sluice.contract.events import MAX_TABLE_DESCRIPTION, Event
from sluice.contract.kinds import Kind
from sluice.contract.names import RESERVED_TABLES, TYPE_COLUMN, check_distinct
from sluice.errors import ContractError
from sluice.metrics.budget import MAX_GROUPS, USUAL_GROUPS, check_state
from sluice.metrics.definition import Definition, GroupDefinition, MeasureDefinition
from sluice.metrics.durations import lateness_seconds, window_seconds
from sluice.metrics.fields import Found, find
from sluice.metrics.measures import COUNTABLE, MEASURES, Measure

MAX_NAME = 48
"""Sluice's own limit: a metric's name is part of keys, views and commands."""
MAX_BY = 8
MAX_MEASURES = 30
MAX_WHERE = 4_000
RESERVED_NAMES = frozenset(
    {"window_start", "window_end", "provisional", "complete", "group", "late", "metric", "version"}
)
"""What stands beside groups and measures in views and answers."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_FIGURE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_TYPE_PATH = (TYPE_COLUMN,)


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


class Metric:
    """Figures over the events of a window, for each group.

    `Metric("revenue", events=[Transaction], window="1m", by=["currency"], measures={"total": Sum("amount")})`

    - `name`: the metric's, in snake_case; also the view's in BigQuery.
    - `events`: the event types it is about; a field it uses must be in each of them.
    - `window`: `10s`, `1m`, `15m`: 1 second to 15 minutes, and a whole part of an hour.
    - `measures`: figures by name: Count, Sum, Min, Max, Mean, Variance, CountDistinct, Quantiles, TopK.
    - `by`: fields to group by, nested ones with dots, `type` for the event type; a dict names them anew.
    - `where`: SQL over the event's fields; only events for which it is TRUE count.
    - `dedupe`: an event id counts once, however often it arrives. Costs one DynamoDB write per event.
    - `lateness`: how long after its end a window stays provisional, for events that arrive late.
    - `groups`: how many groups a window may have; what is beyond is exact too, but written more often.
    - `description`: what analysts read beside the view.
    """

    def __init__(
        self,
        name: str,
        *,
        events: Sequence[type[Event]],
        window: str,
        measures: Mapping[str, Measure],
        by: Sequence[str] | Mapping[str, str] = (),
        where: str | None = None,
        dedupe: bool = False,
        lateness: str = "0s",
        groups: int | None = None,
        description: str = "",
    ) -> None:
        self.name = _checked_name(name)
        where_from = f"metric {name!r}"
        self.types = _types(events, where_from)
        self.events = tuple(kind.cls for kind in self.types)
        self.window = window_seconds(window, where_from)
        self.lateness = lateness_seconds(lateness, where_from)
        self.by = _groups(by, self.types, where_from)
        self.measures = _measures(measures, self.types, where_from)
        _check_names(self.by, self.measures, where_from)
        self.where = _filter(where, where_from)
        self.dedupe = _dedupe(dedupe, self.types, where_from)
        self.groups = _count(groups, self.by, where_from)
        self.description = _description(description, where_from)
        check_state(self, declared=groups is not None)

    def __repr__(self) -> str:
        return f"Metric({self.name!r})"

    @property
    def version(self) -> str:
        """Changes with what an event's group, window or membership depends on: 12 hexadecimal digits.

        Names of groups, measures, the lateness and the number of groups may change without it.
        """
        shape = [
            sorted(
                [kind.name, kind.time_column, kind.id_column if self.dedupe else None] for kind in self.types
            ),
            self.window,
            self.where,
            [[group.text, group.kind] for group in self.by],
            self.dedupe,
        ]
        return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:12]

    @property
    def definition(self) -> Definition:
        """What readers know of it."""
        return Definition(
            name=self.name,
            version=self.version,
            window=self.window,
            lateness=self.lateness,
            types=tuple(kind.name for kind in self.types),
            by=tuple(
                GroupDefinition(
                    name=group.name,
                    path=group.text,
                    kind=group.kind,
                    bignumeric=group.bignumeric,
                    choices=group.choices,
                )
                for group in self.by
            ),
            measures=tuple(
                MeasureDefinition(
                    name=bound.name,
                    measure=bound.measure.word,
                    signature=bound.signature,
                    path=bound.measure.field,
                    kind=bound.kind,
                    bignumeric=bound.bignumeric,
                    options=dict(bound.measure.options),
                    error=bound.measure.error,
                )
                for bound in self.measures
            ),
            where=self.where,
            dedupe=self.dedupe,
            description=self.description,
        )


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.match(name) or len(name) > MAX_NAME:
        raise ContractError(
            f"metric {name!r}: a name is snake_case (a-z, 0-9 and _, starting with a letter), at most {MAX_NAME}"
            " characters, such as 'revenue_by_currency'"
        )
    if name in RESERVED_TABLES:
        raise ContractError(f"metric {name!r}: `{name}` is a table of Sluice's own; choose another name")
    return name


def _types(events: object, where: str) -> tuple[EventType, ...]:
    if not isinstance(events, (list, tuple)) or not events:
        given = getattr(events, "__name__", repr(events))
        hint = f"[{given}]" if isinstance(events, type) else "[Transaction]"
        raise ContractError(f"{where}: events={given} must be a list of event classes, such as events={hint}")
    try:
        types = tuple(event_type(cls) for cls in events)
    except ContractError as error:
        raise ContractError(f"{where}: {error}") from None
    if len({kind.name for kind in types}) != len(types):
        raise ContractError(f"{where}: events names an event type twice")
    return types


def _groups(by: object, types: tuple[EventType, ...], where: str) -> tuple[GroupField, ...]:
    if isinstance(by, Mapping):
        named = list(by.items())
    elif isinstance(by, (list, tuple)):
        named = [(one.replace(".", "_") if isinstance(one, str) else one, one) for one in by]
    else:
        raise ContractError(f"{where}: by={by!r} must be a list of fields, such as by=['status'], or a dict")
    if len(named) > MAX_BY:
        raise ContractError(f"{where}: by names {len(named)} fields, of {MAX_BY} at most; drop some")
    return tuple(_group(name, path, types, where) for name, path in named)


def _group(name: object, path: object, types: tuple[EventType, ...], where: str) -> GroupField:
    if path == TYPE_COLUMN:
        choices = tuple(kind.name for kind in types)
        found = Found(
            path=_TYPE_PATH,
            kind=Kind.STRING,
            choices=choices,
            bignumeric=False,
            nullable=False,
            max_length=None,
        )
    else:
        found = find(types, path, f"{where}: by")
    if found.kind is Kind.FLOAT:
        raise ContractError(
            f"{where}: by {path!r} is FLOAT, and two floats that look alike may differ; group by an INTEGER,"
            " DECIMAL or STRING"
        )
    if found.kind not in COUNTABLE:
        raise ContractError(
            f"{where}: by {path!r} is {found.kind}; group by STRING, INTEGER, BOOLEAN, DECIMAL, TIMESTAMP or DATE"
        )
    return GroupField(
        name=_figure_name(name, f"{where}: by {path!r}"),
        text=str(path),
        path=found.path,
        kind=found.kind,
        choices=found.choices,
        bignumeric=found.bignumeric,
        nullable=found.nullable,
        max_length=found.max_length,
    )


def _measures(measures: object, types: tuple[EventType, ...], where: str) -> tuple[BoundMeasure, ...]:
    if not isinstance(measures, Mapping) or not measures:
        raise ContractError(
            f"{where}: measures={measures!r} must name at least one, such as measures={{'count': Count()}}"
        )
    if len(measures) > MAX_MEASURES:
        raise ContractError(f"{where}: {len(measures)} measures, of {MAX_MEASURES} at most; make two metrics")
    return tuple(_bind(name, measure, types, where) for name, measure in measures.items())


def _bind(name: object, measure: object, types: tuple[EventType, ...], where: str) -> BoundMeasure:
    if not isinstance(measure, Measure):
        known = ", ".join(cls.__name__ for cls in MEASURES.values())
        instance = (
            f"; write {measure.__name__}(...)" * (isinstance(measure, type) and issubclass(measure, Measure))
            if isinstance(measure, type)
            else ""
        )
        raise ContractError(f"{where}: {name!r} is {measure!r}, no measure{instance}; there are {known}")
    here = f"{where}: {name!r}, {type(measure).__name__} of"
    checked = _figure_name(name, f"{where}: the measure {name!r}")
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


def _figure_name(name: object, where: str) -> str:
    if not isinstance(name, str) or not _FIGURE.match(name) or len(name) > MAX_NAME:
        raise ContractError(
            f"{where}: the name {name!r} is not usable; use letters, digits and underscores, starting with a letter,"
            f" at most {MAX_NAME} characters"
            + " (by={'short': 'long.path'} names a group)"
            * (": by " in where)
        )
    if name.lower() in RESERVED_NAMES:
        raise ContractError(f"{where}: `{name}` already stands beside every figure; choose another name")
    return name


def _check_names(by: tuple[GroupField, ...], measures: tuple[BoundMeasure, ...], where: str) -> None:
    names = [one.name for one in (*by, *measures)]
    for name in names:
        if names.count(name) > 1:
            raise ContractError(
                f"{where}: `{name}` stands twice among groups and measures; rename one of them"
            )
    check_distinct(names, where)


def _filter(where: object, metric: str) -> str | None:
    if where is None:
        return None
    if not isinstance(where, str) or not where.strip() or len(where) > MAX_WHERE:
        raise ContractError(
            f"{metric}: where={where!r:.60} must be SQL of 1 to {MAX_WHERE:,} characters, such as 'amount > 0'"
        )
    return where.strip()


def _dedupe(dedupe: object, types: tuple[EventType, ...], where: str) -> bool:
    if not isinstance(dedupe, bool):
        raise ContractError(f"{where}: dedupe={dedupe!r} must be True or False")
    for kind in types:
        if dedupe and kind.id_field is None:
            raise ContractError(
                f"{where}: dedupe=True needs an event id, and {kind.cls.__name__} names none: each of its records"
                ' is an event of its own; add id="..." to the class, or drop dedupe'
            )
    return dedupe


def _count(groups: object, by: tuple[GroupField, ...], where: str) -> int:
    if groups is not None and (
        not isinstance(groups, int) or isinstance(groups, bool) or not 1 <= groups <= MAX_GROUPS
    ):
        raise ContractError(f"{where}: groups={groups!r} must be a whole number, 1 to {MAX_GROUPS:,}")
    possible: int | None = 1
    for group in by:
        values = 2 if group.kind is Kind.BOOLEAN else len(group.choices)
        possible = possible * (values + group.nullable) if possible and values else None
    if possible is None:
        return int(groups or USUAL_GROUPS)
    return min(possible, groups or possible)


def _description(description: object, where: str) -> str:
    if not isinstance(description, str) or len(description) > MAX_TABLE_DESCRIPTION:
        raise ContractError(
            f"{where}: description must be a text of at most {MAX_TABLE_DESCRIPTION:,} characters"
        )
    return description.strip()
