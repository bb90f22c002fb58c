"""Which fields say when an event happened, which one it is, and how its table is clustered."""

import re
from collections.abc import Mapping, Sequence

from sluice.discover.distinct import Identity
from sluice.discover.fields import times
from sluice.discover.model import Base, Field
from sluice.discover.places import Shape
from sluice.discover.reading import shown
from sluice.discover.values import Notes

_TIME_NAMES = (
    re.compile(r"^(?:event_?(?:time|timestamp|at)|occurred_?(?:at|on)|happened_?at)$", re.IGNORECASE),
    re.compile(r"^@?(?:timestamp|time|ts|datetime|date_?time|at)$", re.IGNORECASE),
    re.compile(
        r"^(?:creat|request|sent|order|paid|view|click|search|measur|log|start|record|emit)\w*?(?:at|on|time)$",
        re.IGNORECASE,
    ),
    re.compile(r"(?:_at|At|_time|Time|_on|_ts|_timestamp|Timestamp)$"),
)  # fmt: skip
"""Names of an event's time, the surest first."""

_OTHER_TIMES = re.compile(
    r"updat|modif|receiv|ingest|process|arriv|expir|due|birth|until|valid|deliver|ship|end|finish|delet|upload|publish",
    re.IGNORECASE,
)
"""A time that is not when the event happened."""

ENOUGH_FOR_ID = 20
ENOUGH_FOR_CLUSTER = 100
MOST_CLUSTERED = 2
_ANALYSED = re.compile(
    r"user(?:_?name|_?id)?$|account|customer|tenant|country|currency|status|platform|method|category",
    re.IGNORECASE,
)


def event_time(fields: Sequence[Field], shape: Shape, notes: Notes, must: Notes) -> str | None:
    """Choose the event's time; None when no field can be it."""
    times_of = [field for field in fields if field.held.base is Base.TIMESTAMP and not field.held.listed]
    dates = [field for field in fields if field.held.base is Base.DATE and not field.held.listed]
    kinds = [
        [field for field in times_of if not field.optional],
        [field for field in dates if not field.optional],
    ]
    for candidates in kinds:
        if candidates:
            best, *others = sorted(candidates, key=_time_rank)
            if others:
                also = ", ".join(shown(field.name) for field in others)
                notes.append(f"the event's time: {shown(best.name)} was taken, and {also} would do too")
            elif _time_rank(best)[0] or best.held.base is Base.DATE:
                notes.append(f"the event's time: {shown(best.name)}, for want of another")
            return best.name
    often = [
        field for field in [*times_of, *dates] if 2 * _filled(shape, field.name) >= shape.count
    ]  # it is better that a few are refused than that all are
    if not often:
        return None
    best = min(often, key=_time_rank)
    lacking = shape.count - _filled(shape, best.name)
    must.append(
        f"an event needs a time: {shown(best.name)} was taken, "
        f"and {lacking:,} of {shape.count:,} are refused as they lack it"
    )
    return best.name


def _filled(shape: Shape, name: str) -> int:
    place = shape.fields[name]
    return place.present - place.nulls


def _time_rank(field: Field) -> tuple[bool, int]:
    """Order by: no other kind of time, then how sure the name is."""
    sure = next((rank for rank, name in enumerate(_TIME_NAMES) if name.search(field.name)), len(_TIME_NAMES))
    return _OTHER_TIMES.search(field.name) is not None, sure


def event_id(
    fields: Sequence[Field], shape: Shape, identities: Mapping[str, Identity], tag: str, notes: Notes
) -> str | None:
    """Choose the field that makes two records the same event; None when no field is known to."""
    possible = [field for field in fields if _may_be_id(field, shape) and field.name in identities]
    unique = [field for field in possible if identities[field.name].clashes == 0]
    if not unique:
        clashing = [field for field in possible if identities[field.name].seen is not None]
        for field in clashing[:1]:
            number = identities[field.name].clashes
            notes.append(
                f"no id: {shown(field.name)} would be it, "
                f"but {number:,} of {shape.count:,} have that of a different event"
            )
        if not clashing:
            notes.append(
                "no id: no field's name and values say that it is one; every record is an event of its own"
            )
        return None
    best, *others = sorted(unique, key=lambda field: _id_rank(field.name, tag))
    if shape.count < ENOUGH_FOR_ID:
        notes.append(
            f"the id {shown(best.name)} is a guess by its name: the type was seen {times(shape.count)}"
        )
    elif others:
        also = ", ".join(shown(field.name) for field in others)
        notes.append(f"the id: {shown(best.name)} was taken, and {also} never came twice either")
    return best.name


def _may_be_id(field: Field, shape: Shape) -> bool:
    if field.optional or field.held.listed:
        return False
    texts = shape.fields[field.name].texts
    if texts is not None and texts.empty:
        return False
    return field.held.base in (Base.TEXT, Base.INTEGER)


def _id_rank(name: str, tag: str) -> int:
    plain, own = _letters(name), _letters(tag)
    ranked = ("id", f"{own}id", "eventid", "uuid", "eventuuid", f"{own}uuid", "guid", "messageid")
    if plain in ranked:
        return ranked.index(plain)
    return len(ranked) + (not plain.endswith("id"))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def clustering(
    fields: Sequence[Field], shape: Shape, taken: Sequence[str | None], notes: Notes
) -> tuple[str, ...]:
    """Suggest what the table is clustered by: what analysts filter on, few values or someone's."""
    if shape.count < ENOUGH_FOR_CLUSTER:
        return ()
    found = [
        (rank, field.name)
        for field in fields
        if field.name not in taken and (rank := _cluster_rank(field, shape)) is not None
    ]
    names = tuple(name for _, name in sorted(found, key=lambda one: one[0])[:MOST_CLUSTERED])
    if names:
        notes.append("cluster: a suggestion; name up to four fields that analysts filter on")
    return names


def _cluster_rank(field: Field, shape: Shape) -> int | None:
    if field.held.listed or field.held.base not in (Base.TEXT, Base.INTEGER, Base.CHOICES):
        return None
    place = shape.fields[field.name]
    if place.nulls * 2 > shape.count:
        return None
    choices = place.texts.choices if place.texts else place.numbers.choices if place.numbers else None
    few = choices is not None and choices.counts is not None and len(choices.counts) > 1
    named = _ANALYSED.search(field.name) is not None
    if not (few or named):
        return None
    return 0 if few and named else 1 if named else 2
