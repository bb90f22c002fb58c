"""From places to fields: optional or not, nested classes, lists, free JSON."""

from sluice.contract.heads import MAX_NESTING
from sluice.contract.names import check_column, wire_name
from sluice.discover.model import Base, Field, Held
from sluice.discover.places import NUMBERS, TEXT, Place, Shape
from sluice.discover.reading import shown
from sluice.discover.values import MANY, Notes, mixed_number, number, seen, text
from sluice.errors import ContractError

MANY_KEYS = 12
SPARSE = 0.25
"""Objects with so many keys, of which each has so few, have data for keys."""

MOST_KEYS = 300
"""An object with more is no class."""

MOST_NAMED = 3
"""Keys that a sentence names."""


def inferred_field(name: str, place: Place, count: int) -> Field:
    """Return the field `name` of objects of which `count` were seen."""
    notes: Notes = []
    held = _held(place, name, notes)
    optional = held.listed or place.nulls > 0 or place.present < count
    if held.base is Base.NESTED and place.shape is not None and place.shape.count < MANY <= count:
        notes.append(f"seen {times(place.shape.count)}: more of its fields may be optional")
    return Field(name, held, optional, seen(place, held), tuple(notes))


def _held(place: Place, name: str, notes: Notes) -> Held:
    kinds = place.kinds()
    if not kinds:
        notes.append("only null was seen; Json takes whatever comes, another type cannot follow later")
        return Held(Base.JSON)
    if place.numbers is not None and kinds.keys() <= NUMBERS:
        return number(place.numbers, name, notes)
    if len(kinds) == 1:
        return _single(place, name, notes)
    mixed = mixed_number(place, notes) if kinds.keys() <= {*NUMBERS, TEXT} else None
    if mixed is not None:
        return mixed
    told = ", ".join(f"{kind} {times(count)}" for kind, count in kinds.items())
    notes.append(f"free JSON, as its shape varies: {told}")
    return Held(Base.JSON)


def _single(place: Place, name: str, notes: Notes) -> Held:
    """A place where all values are strings, or all objects, and so on."""
    if place.texts is not None:
        return text(place.texts, name, notes)
    if place.shape is not None:
        return _object(place.shape, notes)
    if place.lists:
        return _list(place, name, notes)
    return Held(Base.BOOLEAN)


def _list(place: Place, name: str, notes: Notes) -> Held:
    items = place.items
    if items is None or not items.present:
        notes.append("free JSON, as all lists were empty; write list[...] = [] if you know what they hold")
        return Held(Base.JSON)
    if place.nulls:
        notes.append(
            "free JSON, as a list that may be null is no column; send [] instead and write list[...] = []"
        )
        return Held(Base.JSON)
    inner: Notes = []
    held = _held(items, name, inner) if not (items.nulls or items.lists) else None
    if held is None or held.base is Base.JSON:
        why = "null" if items.nulls else "lists" if items.lists else "values of no single shape"
        notes.append(f"free JSON, as its lists hold {why}")
        return Held(Base.JSON)
    notes += inner
    return Held(held.base, held.choices, held.fields, held.rules, listed=True)


def _object(shape: Shape, notes: Notes) -> Held:
    why = _no_class(shape)
    if why is not None:
        notes.append(f"free JSON, as {why}")
        return Held(Base.JSON)
    if shape.count >= MANY:
        once = sum(place.present == 1 for place in shape.fields.values())
        if once:
            what = "key was" if once == 1 else "keys were"
            notes.append(f"{once:,} {what} seen once only: write Json | None if more may come")
    fields = tuple(inferred_field(name, place, shape.count) for name, place in shape.fields.items())
    return Held(Base.NESTED, fields=fields)


def _no_class(shape: Shape) -> str | None:
    """Why objects can be no Nested class."""
    if shape.depth > MAX_NESTING:
        return f"it is nested deeper than the {MAX_NESTING} levels that BigQuery takes"
    if not shape.fields and not shape.unusable:
        return "it was always empty"
    return _data_for_keys(shape) or _no_columns(shape)


def _data_for_keys(shape: Shape) -> str | None:
    different = len(shape.fields)
    if shape.crowded or different > MOST_KEYS:
        return f"it has more than {min(MOST_KEYS, different):,} different keys: they seem to be data"
    held = sum(place.present for place in shape.fields.values())
    if different >= MANY_KEYS and held < SPARSE * shape.count * different:
        return f"each object has few of its {different:,} different keys: they seem to be data"
    return None


def _no_columns(shape: Shape) -> str | None:
    bad = [name for name in shape.fields if unusable(name, nested=True)]
    if bad:
        named = ", ".join(shown(name) for name in bad[:MOST_NAMED])
        return f"no column can have the name of its key {named}{', …' * (len(bad) > MOST_NAMED)}"
    if shape.unusable:
        return "a key is too long for the name of a column"
    if len({name.lower() for name in shape.fields}) < len(shape.fields):
        return "keys differ in case only, which is one column to BigQuery"
    return None


def unusable(name: str, *, nested: bool) -> str | None:
    """Return why no column can have the name of a key; None when one can."""
    if wire_name(name) != name:
        return f"Python's word with an underscore stands for {shown(name[:-1])} in JSON"
    try:
        check_column(name, "", nested=nested)
    except ContractError as error:
        return str(error).removeprefix(": ").removesuffix("; rename it")
    return None


def times(count: int) -> str:
    """Return `once`, `2,000 times`."""
    return "once" if count == 1 else f"{count:,} times"
