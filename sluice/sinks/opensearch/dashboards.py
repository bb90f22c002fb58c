"""Index patterns, a few pictures and one dashboard, made from the contract, as Dashboards imports them.

The setup imports them where it can; by hand it is Dashboards Management, Saved objects, Import. Their ids
follow from their names, so that importing them again replaces them and nothing else.

The form is that of the sample data which Dashboards brings along (opensearch-project/OpenSearch-Dashboards,
src/plugins/home/server/services/sample_data, read 2026-11), with the references of an export.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from sluice.contract import Contract, EventType
from sluice.contract.kinds import Kind, Mode
from sluice.sinks.opensearch.indices import Indices

ARRIVED: Final = "_arrived_at"
TYPE: Final = "type"
"""Fields that the documents of all types have."""

TOP: Final = 10
"""How many of the most frequent values a picture shows."""

_WIDE, _NARROW, _HIGH = 32, 16, 12
"""Of a dashboard's 48 columns, and rows."""


def saved_objects(contract: Contract, indices: Indices) -> str:
    """Write the objects as lines of JSON, those that others refer to first."""
    return "".join(f"{_json(each)}\n" for each in _objects(contract, indices))


def _objects(contract: Contract, indices: Indices) -> Iterator[dict[str, Any]]:
    everything = indices.everything
    yield _pattern(everything, ARRIVED)
    rows = [
        [_histogram(everything, ARRIVED, title=f"{everything}: events by arrival", by=TYPE)],
    ]
    for kind in contract.types.values():
        alias = indices.alias(kind.table)
        yield _pattern(alias, kind.time_column)
        row = [_histogram(alias, kind.time_column, title=f"{kind.name}: events")]
        field = _telling(kind)
        if field is not None:
            row.append(_most_frequent(alias, f"{field}.keyword", title=f"{kind.name}: {field}"))
        rows.append(row)
    for row in rows:
        yield from row
    yield _dashboard(everything, rows)


def _telling(kind: EventType) -> str | None:
    """Choose the column whose values are worth counting: one of few values, or one that tables sort by."""
    texts = [each for each in kind.columns if each.kind is Kind.STRING and each.mode is not Mode.REPEATED]
    chosen = [each.name for each in texts if each.choices]
    clustered = [each.name for each in texts if each.name in kind.cluster]
    return next(iter([*chosen, *clustered]), None)


def _pattern(alias: str, time: str) -> dict[str, Any]:
    return {
        "id": alias,
        "type": "index-pattern",
        "attributes": {"title": alias, "timeFieldName": time},
        "references": [],
    }


def _histogram(pattern: str, time: str, *, title: str, by: str | None = None) -> dict[str, Any]:
    """Draw how many events there were, and when."""
    aggregations = [
        {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}},
        {
            "id": "2",
            "enabled": True,
            "type": "date_histogram",
            "schema": "segment",
            "params": {"field": time, "interval": "auto", "min_doc_count": 1, "extended_bounds": {}},
        },
    ]
    if by is not None:
        aggregations.append(_terms("3", "group", by))
    series = {
        "show": True,
        "type": "histogram",
        "mode": "stacked",
        "data": {"label": "Count", "id": "1"},
        "valueAxis": "ValueAxis-1",
    }
    category = {
        "id": "CategoryAxis-1",
        "type": "category",
        "position": "bottom",
        "show": True,
        "style": {},
        "scale": {"type": "linear"},
        "labels": {"show": True, "filter": True, "truncate": 100},
        "title": {},
    }
    value = {
        "id": "ValueAxis-1",
        "name": "LeftAxis-1",
        "type": "value",
        "position": "left",
        "show": True,
        "style": {},
        "scale": {"type": "linear", "mode": "normal"},
        "labels": {"show": True, "rotate": 0, "filter": False, "truncate": 100},
        "title": {"text": "Events"},
    }
    params = {
        "type": "histogram",
        "grid": {"categoryLines": False},
        "categoryAxes": [category],
        "valueAxes": [value],
        "seriesParams": [series],
        "addTooltip": True,
        "addLegend": by is not None,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": False,
    }
    state = {"title": title, "type": "histogram", "params": params, "aggs": aggregations}
    return _picture(f"{pattern}-events", pattern, state)


def _most_frequent(pattern: str, field: str, *, title: str) -> dict[str, Any]:
    """Draw the most frequent values of a field."""
    params = {
        "type": "pie",
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "isDonut": True,
        "labels": {"show": False, "values": True, "last_level": True, "truncate": 100},
    }
    count = {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}}
    aggregations = [count, _terms("2", "segment", field)]
    return _picture(
        f"{pattern}-top", pattern, {"title": title, "type": "pie", "params": params, "aggs": aggregations}
    )


def _terms(id_: str, schema: str, field: str) -> dict[str, Any]:
    return {
        "id": id_,
        "enabled": True,
        "type": "terms",
        "schema": schema,
        "params": {"field": field, "size": TOP, "order": "desc", "orderBy": "1", "otherBucket": True},
    }


def _picture(id_: str, pattern: str, state: dict[str, Any]) -> dict[str, Any]:
    """Wrap what is drawn; `state` is what Dashboards calls visState."""
    source = {
        "query": {"query": "", "language": "kuery"},
        "filter": [],
        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index",
    }
    return {
        "id": id_,
        "type": "visualization",
        "attributes": {
            "title": state["title"],
            "visState": _json(state),
            "uiStateJSON": "{}",
            "description": "",
            "version": 1,
            "kibanaSavedObjectMeta": {"searchSourceJSON": _json(source)},
        },
        "references": [{"name": source["indexRefName"], "type": "index-pattern", "id": pattern}],
    }


def _dashboard(id_: str, rows: list[list[dict[str, Any]]]) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    references: list[dict[str, str]] = []
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            number = len(panels)
            width = _NARROW if x else _WIDE if len(row) > 1 else _WIDE + _NARROW
            grid = {"x": x * _WIDE, "y": y * _HIGH, "w": width, "h": _HIGH, "i": str(number)}
            name = f"panel_{number}"
            panels.append(
                {"panelIndex": str(number), "gridData": grid, "panelRefName": name, "embeddableConfig": {}}
            )
            references.append({"name": name, "type": "visualization", "id": picture["id"]})
    return {
        "id": id_,
        "type": "dashboard",
        "attributes": {
            "title": id_,
            "description": "Events by type, made from the contract",
            "panelsJSON": _json(panels),
            "optionsJSON": _json({"useMargins": True, "hidePanelTitles": False}),
            "timeRestore": True,
            "timeFrom": "now-7d",
            "timeTo": "now",
            "version": 1,
            "kibanaSavedObjectMeta": {
                "searchSourceJSON": _json({"query": {"query": "", "language": "kuery"}, "filter": []})
            },
        },
        "references": references,
    }


def _json(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"), sort_keys=True)
