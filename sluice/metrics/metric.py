"""`Metric`: one live figure, or several, over windows of event time."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from sluice.contract.contract import EventType, event_type
from sluice.contract.events import Event
from sluice.contract.heads import MAX_TABLE_DESCRIPTION
from sluice.contract.kinds import Kind
from sluice.contract.names import RESERVED_TABLES
from sluice.errors import ContractError
from sluice.metrics.binding import MAX_NAME, GroupField, bind_groups, bind_measures, check_names
from sluice.metrics.budget import MAX_GROUPS, USUAL_GROUPS, check_state
from sluice.metrics.definition import Definition
from sluice.metrics.durations import lateness_seconds, window_seconds
from sluice.metrics.measures import Measure

MAX_WHERE = 4_000
"""Characters of a filter: Sluice's own limit, far above what reads well."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


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
        self.by = bind_groups(by, self.types, where_from)
        self.measures = bind_measures(measures, self.types, where_from)
        check_names(self.by, self.measures, where_from)
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
            by=tuple(group.definition for group in self.by),
            measures=tuple(bound.definition for bound in self.measures),
            where=self.where,
            dedupe=self.dedupe,
            description=self.description,
        )


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.match(name) or len(name) > MAX_NAME:
        raise ContractError(
            f"metric {name!r}: a name is snake_case (a-z, 0-9 and _, starting with a letter), at most"
            f" {MAX_NAME} characters, such as 'revenue_by_currency'"
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


def _filter(where: object, metric: str) -> str | None:
    if where is None:
        return None
    if not isinstance(where, str) or not where.strip() or len(where) > MAX_WHERE:
        raise ContractError(
            f"{metric}: where={where!r:.60} must be SQL of 1 to {MAX_WHERE:,} characters, such as"
            " 'amount > 0'"
        )
    return where.strip()


def _dedupe(dedupe: object, types: tuple[EventType, ...], where: str) -> bool:
    if not isinstance(dedupe, bool):
        raise ContractError(f"{where}: dedupe={dedupe!r} must be True or False")
    for kind in types:
        if dedupe and kind.id_field is None:
            raise ContractError(
                f"{where}: dedupe=True needs an event id, and {kind.cls.__name__} names none: each of its"
                ' records is an event of its own; add id="..." to the class, or drop dedupe'
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
