"""What OpenSearch must hold before a sink writes: templates, retention, roles, dashboards - as one document.

The program makes it of the contract and the settings, and `sluice.sinks.opensearch.setup` applies it.
Whatever a period's first event is, its index is made from its type's template: mapping, aliases and settings.
Nothing in a template refers to another type's, so they can be applied in any order; the one component that
they share goes first.

Documents: docs.opensearch.org, index templates, index aliases, index state management, access control (2.19,
read 2026-11).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict

from sluice.contract import Contract
from sluice.contract.opensearch import DEFAULT_FIELDS, field_limit, mapping
from sluice.sinks.opensearch import dashboards, security
from sluice.sinks.opensearch.indices import Indices, Period

FORM: Final = 1
"""Counts up when the same document has to be applied differently."""

PRIORITY: Final = 500
"""Of the index templates and the retention: above what people write for patterns such as `*`."""

PERIOD_DAYS: Final[Mapping[Period, int]] = {"day": 1, "month": 31, "year": 366}


class Template(TypedDict):
    """One event type's indices."""

    name: str
    pattern: str
    body: dict[str, Any]


class Retention(TypedDict):
    """When indices are deleted; without a body, never."""

    name: str
    patterns: list[str]
    body: dict[str, Any] | None


class State(TypedDict):
    """The wanted state; JSON throughout."""

    form: int
    component: dict[str, Any] | None
    templates: list[Template]
    retention: Retention
    security: security.Security | None
    dashboards: str | None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How indices are cut, copied and kept.

    `shards` and `replicas` are None for a serverless collection, which decides on them itself.
    `retention_days` is 0 to keep indices for good.
    """

    indices: Indices
    retention_days: int = 0
    shards: int | None = 1
    replicas: int | None = 1


def wanted(
    contract: Contract, shape: Shape, *, writers: Sequence[Any] = (), readers: Sequence[Any] = ()
) -> State:
    """Say what OpenSearch must hold.

    `writers` and `readers` are ARNs of IAM roles (or what becomes them); without writers, who may do what is
    left alone.
    """
    indices = shape.indices
    component = _component(shape)
    patterns = [indices.pattern(kind.table) for kind in contract.types.values()]
    return {
        "form": FORM,
        "component": component and {"name": indices.prefix, "body": component},
        "templates": list(_templates(contract, indices, shared=component is not None)),
        "retention": {
            "name": f"{indices.prefix}-retention",
            "patterns": patterns,
            "body": _retention(shape, patterns) if shape.retention_days else None,
        },
        "security": (
            security.wanted(indices.prefix, patterns, writers=writers, readers=readers) if writers else None
        ),
        "dashboards": dashboards.saved_objects(contract, indices),
    }


def _component(shape: Shape) -> dict[str, Any] | None:
    """Write what all indices share, if there is anything."""
    index: dict[str, Any] = {}
    if shape.shards is not None:
        index["number_of_shards"] = str(shape.shards)
    if shape.replicas is not None:
        index["number_of_replicas"] = str(shape.replicas)
    return {"template": {"settings": {"index": index}}, "_meta": {"managed_by": "sluice"}} if index else None


def _templates(contract: Contract, indices: Indices, *, shared: bool) -> Iterator[Template]:
    for kind in contract.types.values():
        fields, limit = mapping(kind), field_limit(kind)
        aliases = [indices.alias(kind.table), indices.everything]
        meta = {"managed_by": "sluice", "type": kind.name, "hash": digest([fields, limit])}
        settings = {"mapping": {"total_fields": {"limit": str(limit)}}} if limit > DEFAULT_FIELDS else {}
        yield {
            "name": indices.alias(kind.table),
            "pattern": indices.pattern(kind.table),
            "body": {
                "index_patterns": [indices.pattern(kind.table)],
                "composed_of": [indices.prefix] if shared else [],
                "priority": PRIORITY,
                "template": {
                    "settings": {"index": settings},
                    "mappings": {**fields, "_meta": meta},
                    "aliases": {alias: {} for alias in aliases},
                },
                "_meta": meta,
            },
        }


def _retention(shape: Shape, patterns: Sequence[str]) -> dict[str, Any]:
    """Write the policy that deletes an index when its last events are old enough.

    An index is as old as its first event to arrive. That may lie as far ahead of its time as the sink takes
    events, and the last one a period behind it: both are added.
    """
    age = shape.retention_days + PERIOD_DAYS[shape.indices.period] + shape.indices.ahead_days
    kept = {
        "name": "kept",
        "actions": [],
        "transitions": [{"state_name": "deleted", "conditions": {"min_index_age": f"{age}d"}}],
    }
    deleted = {"name": "deleted", "actions": [{"delete": {}}], "transitions": []}
    policy = {
        "default_state": "kept",
        "states": [kept, deleted],
        "ism_template": [{"index_patterns": list(patterns), "priority": PRIORITY}],
    }
    # The service adds fields of its own to what it keeps, so that only a mark of our own can be compared.
    mark = digest(policy)
    return {"policy": {"description": f"Kept {shape.retention_days} days by Sluice ({mark})", **policy}}


def digest(document: Any) -> str:
    """Return a short name of a document's content, the same for the same content."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
