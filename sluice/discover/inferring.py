"""From what was gathered to a contract, with all that is unsure or has to change."""

from sluice.contract.names import MAX_TYPE_NAME, TYPE_COLUMN, check_type
from sluice.discover.fields import inferred_field, times, unusable
from sluice.discover.gathered import Gathered, Gathering
from sluice.discover.model import Base, EventClass, Field, Held, Inferred
from sluice.discover.naming import type_name
from sluice.discover.reading import shown
from sluice.discover.roles import clustering, event_id, event_time
from sluice.discover.tags import Tag
from sluice.discover.values import Notes, epoch
from sluice.errors import ContractError

FEW = 30
"""A type that was seen less often may have fields that did not come yet."""

INVENTED_TIME = "happened_at"
SOME_TIME = '"2026-05-17T10:05:03Z"'


def infer(gathering: Gathering, source: str, fallback: str) -> Inferred:
    """Return the contract of what was gathered from `source`; `fallback` names a type that has no name.

    An event type comes before one that was seen less often.
    """
    tag = gathering.finish()
    must: Notes = []
    unsure: Notes = []
    alone = len(gathering.types) == 1
    if not tag.is_contracts and alone:
        unsure.append(
            f"{tag.reason}; with a second event type every event would have to have `{TYPE_COLUMN}`"
        )
    elif not tag.is_contracts:
        must.append(f"{tag.reason}; send `{TYPE_COLUMN}` in every event")
    must += [f"{reason}: {times(count)}" for reason, count in gathering.untagged.counts.items()]
    taken = set(gathering.types)
    events = []
    for kind in sorted(gathering.types.values(), key=lambda kind: -kind.shape.count):
        named = type_name(fallback if tag.field is None else kind.name, taken)
        taken.add(named)
        events.append(_event(kind, named, tag, alone=alone))
    return Inferred(source, gathering.records, tuple(events), tuple(must), tuple(unsure))


def _event(kind: Gathered, named: str, tag: Tag, *, alone: bool) -> EventClass:
    shape = kind.shape
    notes: Notes = []
    must: Notes = []
    missing: dict[str, str] = {}
    if not tag.is_contracts:
        if not alone:  # of a single type a contract takes events without a tag
            missing[TYPE_COLUMN] = f'"{named}"'
    elif named != kind.name:
        must.append(_unusable_type(kind.name, named))
    if shape.count < FEW:
        notes.append(
            f"seen {times(shape.count)}: what is required here may be optional, and fields may be missing"
        )
    fields = _fields(kind, must)
    time = event_time(fields, shape, notes, must)
    identity = event_id(fields, shape, kind.identities, named, notes)
    cluster = clustering(fields, shape, (time, identity), notes)
    if time is None:
        time = _invented(fields)
        missing[time] = SOME_TIME
        must.append(_no_time(fields, kind, time))
        fields = [*fields, Field(time, Held(Base.TIMESTAMP), optional=False)]
    return EventClass(
        tag=named,
        origin=kind.name,
        count=shape.count,
        fields=tuple(_role(field, time, identity) for field in fields),
        time=time,
        id=identity,
        cluster=cluster,
        unsure=tuple(notes),
        must=tuple(must),
        missing=tuple(missing.items()),
    )


def _role(field: Field, time: str, identity: str | None) -> Field:
    """A field with a role is never left out, and is no choice of a few."""
    if field.name == time and field.optional:
        return Field(field.name, field.held, optional=False, unsure=field.unsure)
    if field.name == identity:
        return Field(field.name, field.held, optional=False)
    return field


def _fields(kind: Gathered, must: Notes) -> list[Field]:
    """The fields that can be columns; what cannot is said."""
    shape = kind.shape
    if shape.crowded:
        must.append(
            f"more than {len(shape.fields):,} different keys came, as if keys were data: "
            "events with others are refused"
        )
    if shape.unusable:
        must.append("keys came that are too long for a column: events with them are refused")
    kept: dict[str, str] = {}
    for name, place in shape.fields.items():
        rival = kept.get(name.lower())
        if rival is None or place.present > shape.fields[rival].present:
            kept[name.lower()] = name
    fields = []
    for name, place in shape.fields.items():
        why = unusable(name, nested=False)
        if kept[name.lower()] != name:
            why = f"it differs from {shown(kept[name.lower()])} in case only, which is one column to BigQuery"
        if why is None:
            fields.append(inferred_field(name, place, shape.count))
            continue
        must.append(
            f"rename the key {shown(name)}: {why}; "
            f"{place.present:,} of {shape.count:,} events have it and are refused"
        )
    return fields


def _unusable_type(name: str, named: str) -> str:
    try:
        check_type(name, "")
    except ContractError:
        return (
            f"the type {shown(name)} cannot be one: its events are refused until {named!r} is sent; it has "
            "letters, digits, `_`, `.`, `-`, `/` and `:`, starts with a letter, "
            f"and is up to {MAX_TYPE_NAME} characters long"
        )
    return f"the type {shown(name)} was renamed to {named!r}"


def _invented(fields: list[Field]) -> str:
    taken = {field.name.lower() for field in fields}
    name = INVENTED_TIME
    while name in taken:
        name += "_"
    return name


def _no_time(fields: list[Field], kind: Gathered, time: str) -> str:
    for field in fields:
        numbers = kind.shape.fields[field.name].numbers
        if field.held.base is Base.INTEGER and numbers is not None:
            unit = epoch(numbers, field.name)
            if unit is not None:
                return (
                    f"an event needs its time as RFC 3339 text: {shown(field.name)} counts {unit}; "
                    f"send {shown(time)}"
                )
    return f"an event needs a time, and no field is one: send {shown(time)}, such as 2026-05-17T10:05:03Z"
