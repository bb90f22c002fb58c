"""Whether a changed resource is replaced, by the table of replacements and the rules of BigQuery schemas."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sluice.changes.document import Planned
from sluice.changes.replacements import (
    ANEW,
    ANY,
    BELONGS,
    EVERYWHERE,
    NAMED,
    PERHAPS,
    REFRESHED_BY,
    REPLACED_BY,
    WHETHER,
)
from sluice.changes.schemas import SchemaChange, schema_change
from sluice.changes.values import Difference
from sluice.local.declared import Declared, placeholder
from sluice.policies import kinds

AFTER_DEPLOYMENT: Final = "(known after deployment)"
_SCHEMA: Final = "schema"


def reasons(before: Planned, after: Planned, found: Sequence[Difference]) -> list[str]:
    """Return why a resource is replaced for these differences; nothing where it is changed in place."""
    table = (*REPLACED_BY.get(after.type, ()), *_everywhere(after))
    if ANY in table:
        said = [f"{each.path.partition('.')[0].partition('[')[0]} changes" for each in found]
    else:
        hit = (trigger for trigger in table if any(_hits(trigger, each) for each in found))
        said = [f"{trigger.removesuffix(WHETHER)} changes" for trigger in hit]
    if _schema_differs(after, found) and (why := _schemas(before, after).replaced_because):
        said.append(f"column {why}")
    return list(dict.fromkeys(said))


def _everywhere(resource: Planned) -> tuple[str, ...]:
    return next((paths for start, paths in EVERYWHERE.items() if resource.type.startswith(start)), ())


def dropped(before: Planned, after: Planned, found: Sequence[Difference]) -> tuple[str, ...]:
    """Return the columns that a table loses while it stays."""
    return _schemas(before, after).dropped if _schema_differs(after, found) else ()


def perhaps(resource: Planned, found: Iterable[Difference]) -> str:
    """Return what the table cannot say of a change in place."""
    if resource.type not in REPLACED_BY:
        return (
            "the table of replacements does not have this kind: `pulumi preview` says whether it is made anew"
        )
    unsure = PERHAPS.get(resource.type, {})
    return "; ".join(dict.fromkeys(said for each in found if (said := unsure.get(each.path))))


def anew(resource: Planned) -> list[str]:
    """Return what others may hold of a resource, and what is another once it was replaced."""
    made = outputs(resource)
    return [str(made[key]) for key in ANEW.get(resource.type, ()) if key in made]


def refreshed(resource: Planned, found: Iterable[Difference]) -> list[str]:
    """Return what others may hold of a resource, and what is another for a change in place."""
    table, made = REFRESHED_BY.get(resource.type, {}), outputs(resource)
    keys = dict.fromkeys(table[each.path] for each in found if each.path in table)
    return [str(made[key]) for key in keys if key in made]


def refers(resource: Planned, other: Planned) -> Iterator[Difference]:
    """Yield the inputs by which a resource says which other one it belongs to.

    What is deleted before it is made anew takes along whatever cannot be turned to another (Pulumi's engine,
    calculateDependentReplacements): a policy its role's, a table its dataset's.
    """
    known = {str(value) for value in (*outputs(other).values(), *_names(other))}
    for key, value in resource.inputs.items():
        if key in BELONGS and isinstance(value, str) and value in known:
            yield Difference(key, value, AFTER_DEPLOYMENT)


def _names(resource: Planned) -> list[str]:
    return [str(resource.inputs[key]) for key in NAMED if resource.inputs.get(key)]


def outputs(resource: Planned) -> dict[str, Any]:
    """Return what a graph document has in the place of what the cloud would answer for a resource."""
    try:
        id_, made = placeholder(
            Declared(type=resource.type, name=resource.name, inputs=resource.inputs, urn=resource.urn)
        )
    except KeyError:  # another revision may have declared it without the input that names it
        return {}
    return {"id": id_, **made}


def _hits(trigger: str, found: Difference) -> bool:
    """Whether a difference lies at a trigger, below it, or in what holds it."""
    path = found.path.partition("[")[0]
    if trigger.endswith(WHETHER):
        return path == trigger.removesuffix(WHETHER) and (found.before is None) != (found.after is None)
    if f"{path}.".startswith(f"{trigger}."):
        return True
    return f"{trigger}.".startswith(f"{path}.") and _below(trigger.removeprefix(path), found)


def _below(rest: str, found: Difference) -> bool:
    """Whether a block that came or went as a whole holds another value at what lies below it."""
    old, new = found.before, found.after
    for key in rest.strip(".").split("."):
        old, new = (value.get(key) if isinstance(value, dict) else None for value in (old, new))
    return bool(old != new)


def _schema_differs(resource: Planned, found: Sequence[Difference]) -> bool:
    return resource.type == kinds.BIGQUERY_TABLE and any(each.path.startswith(_SCHEMA) for each in found)


def _schemas(before: Planned, after: Planned) -> SchemaChange:
    return schema_change(before.inputs.get(_SCHEMA), after.inputs.get(_SCHEMA))
