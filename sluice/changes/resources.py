"""Two programs' resources, compared one by one: added, changed, replaced, deleted, renamed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from sluice.changes.document import Document, Planned
from sluice.changes.losses import CATALOG_TABLE, LOSSES, Loss, mapping_anew
from sluice.changes.replaced import AFTER_DEPLOYMENT, anew, dropped, perhaps, reasons, refers, refreshed
from sluice.changes.values import Difference, differences
from sluice.local.declared import Declared
from sluice.local.inventory import called, kind
from sluice.policies import kinds

Does = Literal["added", "changed", "replaced", "deleted", "let go", "renamed"]
"""`let go`: no longer declared, and left in the cloud by retainOnDelete. `renamed`: by an alias, in place."""

_KEEPS: Final = ("deletionProtection", "deletionProtectionEnabled")
_EMPTIES: Final = ("forceDestroy", "deleteContentsOnDestroy")
"""Inputs with which the cloud refuses a deletion, and with which the provider empties what it deletes."""

_PACKAGES: Final = "code-signing"
"""The component whose bucket holds packages: Lambda has its own copy."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one resource.

    `was` is the name that the program had for it; `because` says why it is replaced, `note` what else to
    know. `loss` is what goes with it and what to do instead, where it holds something and goes; `dropped` are
    the columns that a table loses while it stays.
    """

    does: Does
    urn: str
    type: str
    kind: str
    name: str
    called: str
    component: str | None
    protected: bool
    was: str | None = None
    differences: tuple[Difference, ...] = ()
    because: tuple[str, ...] = ()
    note: str = ""
    loss: Loss | None = None
    dropped: tuple[str, ...] = ()
    along: str | None = None
    """The replaced resource that takes it along, where nothing of its own replaces it."""


@dataclass(kw_only=True)
class Pair:
    """A resource before and after, and where it differs so far."""

    before: Planned
    after: Planned
    found: list[Difference] = field(default_factory=list)
    because: list[str] = field(default_factory=list)
    along: str | None = None


def paired(before: Document, after: Document) -> dict[str, Pair]:
    """Pair what is the same resource in both programs, by URN or by alias; by the later URN."""
    old = {each.urn: each for each in before.resources}
    pairs = {}
    for each in after.resources:
        same = next((old[urn] for urn in (each.urn, *each.aliases) if urn in old), None)
        if same is not None:
            pairs[each.urn] = Pair(before=same, after=each)
    return pairs


def changes(before: Document, after: Document, pairs: Mapping[str, Pair]) -> list[Change]:
    """Return what happens to each resource that does not stay as it is, replaced ones first."""
    for pair in pairs.values():
        pair.found = [
            each
            for each in differences(pair.before.inputs, pair.after.inputs)
            if each.path.partition(".")[0] not in pair.after.ignore_changes
        ]
        pair.because = reasons(pair.before, pair.after, pair.found)
    _spread(pairs)
    known = {pair.before.urn for pair in pairs.values()}
    gone = [each for each in before.resources if each.urn not in known]
    new = [each for each in after.resources if each.urn not in pairs]
    moved = _moved(gone, new)
    found = [change for pair in pairs.values() if (change := _of_pair(pair))]
    found += [_change("added", each, note=moved.get(each.urn, "")) for each in new]
    found += [_deleted(each, moved.get(each.urn, "")) for each in gone]
    order: tuple[Does, ...] = ("replaced", "deleted", "let go", "added", "renamed", "changed")
    return sorted(found, key=lambda each: (order.index(each.does), each.component or "", each.name))


def unprotected(pairs: Mapping[str, Pair]) -> Iterator[str]:
    """Yield the names of what Pulumi, its provider or the cloud keeps from deletion before, and not after."""
    for pair in pairs.values():
        old, new = pair.before.inputs, pair.after.inputs
        kept = any(old.get(key) and not new.get(key) for key in _KEEPS)
        emptied = any(new.get(key) and not old.get(key) for key in _EMPTIES)
        if kept or emptied or (pair.before.protected and not pair.after.protected):
            yield pair.after.name


def _spread(pairs: Mapping[str, Pair]) -> None:
    """Let what a replaced resource gets anew reach those that use it, and maybe replace them in turn."""
    todo = [pair for pair in pairs.values() if pair.because or refreshed(pair.after, pair.found)]
    while todo:
        source = todo.pop()
        replaced = bool(source.because)
        fresh = anew(source.after) if replaced else refreshed(source.after, source.found)
        for pair in pairs.values():
            if source.after.urn not in pair.after.depends_on or pair is source:
                continue
            known = {each.path for each in pair.found}
            hangs = refers(pair.after, source.after) if replaced else ()
            uses = {each.path: each for each in (*_uses(fresh, pair.after), *hangs)}
            reached = [each for path, each in uses.items() if path not in known]
            before = bool(pair.because)
            pair.found += reached
            pair.because += [
                f"{why}, as {source.after.name} {'is made anew' if replaced else 'changes'}"
                for why in reasons(pair.before, pair.after, reached)
            ]
            if pair.because and not before:
                pair.along = source.after.name
                todo.append(pair)


def _uses(fresh: Iterable[str], resource: Planned) -> Iterator[Difference]:
    """Yield where the inputs of a resource hold a value that is made anew."""
    texts = list(fresh)
    for path, value in _texts(resource.inputs, ""):
        if any(text in value for text in texts):
            yield Difference(path, value, AFTER_DEPLOYMENT)


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, path)


def _of_pair(pair: Pair) -> Change | None:
    was = pair.before.name if pair.before.urn != pair.after.urn else None
    found = tuple(pair.found)
    if pair.because:
        return _change(
            "replaced",
            pair.after,
            was=was,
            found=found,
            because=tuple(dict.fromkeys(pair.because)),
            # What loses its protection by the same change is replaced (Pulumi's engine, step_generator.go).
            protected=pair.before.protected and pair.after.protected,
            loss=_loss_anew(pair),
            along=pair.along,
        )
    if was is None and not found:
        return None
    return _change(
        "changed" if was is None else "renamed",
        pair.after,
        was=was,
        found=found,
        note=perhaps(pair.after, pair.found),
        dropped=dropped(pair.before, pair.after, pair.found),
    )


def _deleted(resource: Planned, note: str) -> Change:
    if resource.retained:
        return _change("let go", resource, note="Pulumi forgets it and leaves it in the cloud")
    return _change("deleted", resource, note=note, loss=_loss(resource))


def _loss(resource: Planned) -> Loss | None:
    if resource.inputs.get("view") or resource.component == _PACKAGES:
        return None
    if resource.type == CATALOG_TABLE and not resource.inputs.get("openTableFormatInput"):
        return None
    return LOSSES.get(resource.type)


def _loss_anew(pair: Pair) -> Loss | None:
    if pair.after.type != kinds.MAPPING:
        return _loss(pair.before)
    begins, moment = (
        str(pair.after.inputs.get(key) or "") for key in ("startingPosition", "startingPositionTimestamp")
    )
    return mapping_anew(begins, moment)


def _moved(gone: list[Planned], new: list[Planned]) -> dict[str, str]:
    """Return by URN what to say of a resource that goes while one of the same kind and name comes."""
    said = {}
    for old in gone:
        alike = [each for each in new if each.type == old.type and _called(each) == _called(old)]
        if len(alike) == 1 and old.type not in {kinds.ROLE_POLICY, kinds.PERMISSION}:
            former = old.urn.split("::", 2)[2]
            said[old.urn] = (
                f"{alike[0].name} gets its very name: if it is the same thing, enter {former!r} under"
                f" {alike[0].name!r} in infra/renames.py, and nothing is deleted"
            )
            said[alike[0].urn] = f"has the name of {old.name}, which is deleted: is it the same thing?"
    return said


def _change(
    does: Does,
    resource: Planned,
    *,
    was: str | None = None,
    found: tuple[Difference, ...] = (),
    because: tuple[str, ...] = (),
    note: str = "",
    loss: Loss | None = None,
    dropped: tuple[str, ...] = (),
    along: str | None = None,
    protected: bool | None = None,
) -> Change:
    return Change(
        does=does,
        urn=resource.urn,
        type=resource.type,
        kind=kind(declared(resource)),
        name=resource.name,
        called=_called(resource),
        component=resource.component,
        protected=resource.protected if protected is None else protected,
        was=was,
        differences=found,
        because=because,
        note=note,
        loss=loss,
        dropped=dropped,
        along=along,
    )


def _called(resource: Planned) -> str:
    return called(declared(resource))


def declared(resource: Planned) -> Declared:
    """Return a resource as the program declared it."""
    return Declared(type=resource.type, name=resource.name, inputs=resource.inputs, urn=resource.urn)
