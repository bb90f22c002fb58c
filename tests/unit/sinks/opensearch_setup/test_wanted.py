"""What OpenSearch must hold follows from the contract and the settings, the same each time."""

import json
from typing import Any

import pytest

from sluice.contract.opensearch import properties
from sluice.sinks.opensearch.dashboards import saved_objects
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.templates import PERIOD_DAYS, Shape, wanted
from tests.unit.sinks.opensearch_setup.wanting import CONTRACT, state

INDICES = Indices("shop")


def objects() -> dict[tuple[str, str], dict[str, Any]]:
    lines = [json.loads(line) for line in saved_objects(CONTRACT, INDICES).splitlines()]
    found = {(each["type"], each["id"]): each for each in lines}
    assert len(found) == len(lines)
    return found


def test_each_type_has_a_template_of_its_own_over_one_shared_component() -> None:
    wanting = state("shop", shards=3, replicas=2)
    assert wanting["component"] is not None
    index = wanting["component"]["body"]["template"]["settings"]["index"]
    assert index == {"number_of_shards": "3", "number_of_replicas": "2"}
    for template, kind in zip(wanting["templates"], CONTRACT.types.values(), strict=True):
        body = template["body"]
        assert body["index_patterns"] == [f"shop-{kind.table}-*"]
        assert body["composed_of"] == ["shop"]
        assert body["template"]["aliases"] == {f"shop-{kind.table}": {}, "shop": {}}
        assert body["template"]["mappings"]["properties"] == properties(kind)
        assert body["template"]["mappings"]["dynamic"] is False


def test_no_pattern_takes_in_the_indices_of_another_type() -> None:
    templates = state("shop")["templates"]
    patterns = [each["body"]["index_patterns"][0].removesuffix("*") for each in templates]
    assert not [(one, other) for one in patterns for other in patterns if one != other and one in other]


def test_the_mark_of_a_mapping_changes_with_it_and_with_nothing_else() -> None:
    def marks(**shape: Any) -> list[str]:
        return [
            each["body"]["template"]["mappings"]["_meta"]["hash"]
            for each in state("shop", **shape)["templates"]
        ]

    assert marks() == marks(shards=5, retention_days=9)
    assert len(set(marks())) == len(CONTRACT.types)


@pytest.mark.parametrize(("period", "days"), PERIOD_DAYS.items())
def test_no_index_goes_before_its_last_event_is_old_enough_though_a_clock_ahead_made_it_early(
    period: Any, days: int
) -> None:
    shape = Shape(indices=Indices("shop", period, ahead_days=2), retention_days=30)
    body = wanted(CONTRACT, shape)["retention"]["body"]
    assert body is not None
    (transition,) = body["policy"]["states"][0]["transitions"]
    assert transition == {"state_name": "deleted", "conditions": {"min_index_age": f"{30 + days + 2}d"}}


def test_without_writers_nobodys_rights_are_touched() -> None:
    assert wanted(CONTRACT, Shape(indices=INDICES))["security"] is None


def test_the_dashboard_refers_to_nothing_that_is_not_imported_with_it() -> None:
    found = objects()
    seen: set[tuple[str, str]] = set()
    for key, each in found.items():
        assert {(other["type"], other["id"]) for other in each["references"]} <= seen, key
        seen.add(key)
    (dashboard,) = [each for (kind, _), each in found.items() if kind == "dashboard"]
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    named = {each["name"]: each["id"] for each in dashboard["references"]}
    assert {panel["panelRefName"] for panel in panels} == named.keys()
    assert set(named.values()) == {id_ for kind, id_ in found if kind == "visualization"}


def test_the_pictures_count_by_fields_that_are_mapped() -> None:
    by_alias = {INDICES.alias(kind.table): properties(kind) for kind in CONTRACT.types.values()}
    by_alias["shop"] = {name: by_alias["shop-visit"][name] for name in ("type", "_arrived_at")}
    pictures = 0
    for (kind, _), each in objects().items():
        if kind == "index-pattern":
            assert (
                by_alias[each["attributes"]["title"]][each["attributes"]["timeFieldName"]]["type"] == "date"
            )
        if kind != "visualization":
            continue
        pictures += 1
        fields = by_alias[each["references"][0]["id"]]
        for aggregation in json.loads(each["attributes"]["visState"])["aggs"]:
            name, _, part = aggregation["params"].get("field", "type").partition(".")
            mapped = fields[name]["fields"][part] if part else fields[name]
            assert mapped["type"] in {"keyword", "date"}, name
    assert pictures == 1 + len(CONTRACT.types) + 1, "visits have nothing that tells them apart"


def test_panels_lie_beside_each_other_and_not_on_top() -> None:
    (dashboard,) = [each for (kind, _), each in objects().items() if kind == "dashboard"]
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(dashboard["attributes"]["panelsJSON"]):
        grid = panel["gridData"]
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 48
        taken |= cells
