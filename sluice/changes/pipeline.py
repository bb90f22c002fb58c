"""What a change of the pipeline file does to the contract, the metrics and the routes."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from sluice.changes.document import Document
from sluice.changes.values import Difference, differences
from sluice.contract.evolution import Severity, check


class ContractChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the contract, as `sluice contract check` tells it; what is `refused` must not go out."""

    refused: bool
    where: str
    what: str
    why: str = ""
    instead: str = ""


class PartChange(msgspec.Struct, frozen=True, kw_only=True):
    """A metric or a route that is new, gone or another."""

    part: Literal["metric", "route"]
    does: Literal["added", "changed", "removed"]
    name: str
    differences: tuple[Difference, ...] = ()
    note: str = ""


class PipelineChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What the pipeline file changes; `untold` names what the older revision did not tell of itself."""

    contract: tuple[ContractChange, ...] = ()
    parts: tuple[PartChange, ...] = ()
    untold: tuple[str, ...] = ()


def pipeline_changes(before: Document, after: Document) -> PipelineChanges:
    """Compare two programs' pipelines."""
    told = (
        ("contract", before.contract, after.contract),
        ("metrics", before.metrics, after.metrics),
        ("routes", before.routes, after.routes),
    )
    untold = [name for name, old, new in told if old is None or new is None]
    contract: list[ContractChange] = []
    if before.contract is not None and after.contract is not None:
        contract = [
            ContractChange(
                refused=each.severity is Severity.REFUSE,
                where=each.where,
                what=each.what,
                why=each.why,
                instead=each.instead,
            )
            for each in check(before.contract, after.contract)
        ]
    metrics = _parts("metric", before.metrics, after.metrics)
    routes = _parts("route", before.routes, after.routes)
    return PipelineChanges(contract=tuple(contract), parts=(*metrics, *routes), untold=tuple(untold))


def _parts(
    part: Literal["metric", "route"], before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[PartChange]:
    if before is None or after is None:
        return
    for name, new in after.items():
        if name not in before:
            yield PartChange(part=part, does="added", name=name, note=_new(part, new))
        elif before[name] != new:
            yield PartChange(
                part=part,
                does="changed",
                name=name,
                differences=tuple(differences(before[name], new)),
                note=_changed(part, before[name], new),
            )
    for name in before:
        if name not in after:
            yield PartChange(part=part, does="removed", name=name, note=_gone(part))


def _new(part: str, new: Mapping[str, Any]) -> str:
    if part == "metric":
        return "counts from the deployment on; windows before it are not filled in"
    return f"begins with the oldest record that the stream still holds; leads to {new.get('to')}"


def _changed(part: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if part == "metric" and old.get("version") != new.get("version"):
        return (
            f"another version ({old.get('version')} -> {new.get('version')}): counted afresh from the"
            " deployment on, the view shows the new one alone"
        )
    if part == "route" and old.get("to") != new.get("to"):
        return "leads elsewhere: what it led to before goes"
    return "in place"


def _gone(part: str) -> str:
    if part == "metric":
        return "its view goes; its windows stay readable until they expire"
    return "its function, its mapping and what it led to go"
