"""Every Google resource of dev and prod, by its exact inputs; nothing more, nothing less."""

import json
from typing import TYPE_CHECKING

import pytest

from sluice.contract.bigquery import DEAD_LETTER_SCHEMA
from sluice.publisher.tables import WINDOW_SEGMENTS, WINDOW_WATERMARKS
from tests.infra.conftest import ORDERS, by_name
from tests.infra.expected_google import ENVS, expected

if TYPE_CHECKING:
    from pathlib import Path

    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

LINEAGE = [
    ("_event_id", "STRING"),
    ("_arrived_at", "TIMESTAMP"),
    ("_shard", "STRING"),
    ("_sequence", "STRING"),
]
COLUMNS = {
    "order": [
        ("type", "STRING"),
        ("order_id", "STRING"),
        ("customer", "STRING"),
        ("ordered_at", "TIMESTAMP"),
        *LINEAGE,
    ],
    "visit": [("type", "STRING"), ("at", "TIMESTAMP"), *LINEAGE],
}
WINDOWS = {table.name: table.schema for table in (WINDOW_SEGMENTS, WINDOW_WATERMARKS)}


@pytest.mark.parametrize(("stack", "count"), [("dev", 20), ("prod", 21)])
def test_google_holds_exactly_these_resources(stack: str, count: int, programs: "dict[str, Program]") -> None:
    declared: dict[str, Declared] = {
        each.name: each
        for each in programs[stack].resources
        if each.type.startswith(("gcp:", "pulumi:providers:gcp"))
    }
    wanted = expected(ENVS[stack])
    assert {name: each.type for name, each in declared.items()} == {
        name: kind for name, (kind, _) in wanted.items()
    }
    for name, (_, inputs) in wanted.items():
        given = {key: value for key, value in declared[name].inputs.items() if key != "schema"}
        if name.startswith("warehouse-view-"):
            del given["view"]
        assert given == inputs, name
    assert len(declared) == count


def test_tables_have_exactly_the_columns_of_the_contract(program: "Program") -> None:
    declared = {each.name: each for each in program.resources}
    for name, columns in COLUMNS.items():
        schema = json.loads(declared[f"warehouse-table-{name}"].inputs["schema"])
        assert [(field["name"], field["type"]) for field in schema] == columns
        assert {field["mode"] for field in schema} == {"REQUIRED"}
    for name, whole in {"dead_letters": DEAD_LETTER_SCHEMA, **WINDOWS}.items():
        assert json.loads(declared[f"warehouse-table-{name}"].inputs["schema"]) == list(whole)


@pytest.mark.parametrize("stack", ENVS)
def test_views_hold_each_event_and_each_dead_letter_once(stack: str, programs: "dict[str, Program]") -> None:
    env = ENVS[stack]
    views = {each.name: each.inputs.get("view") for each in programs[stack].resources}
    assert views["warehouse-view-order"] == {
        "useLegacySql": False,
        "query": (
            "SELECT\n  `type`,\n  `order_id`,\n  `customer`,\n  `ordered_at`,\n"
            "  `_event_id`,\n  `_arrived_at`,\n  `_shard`,\n  `_sequence`\n"
            f"FROM `{env.project}.{env.words}.order`\n"
            "WHERE TRUE\n"
            "QUALIFY ROW_NUMBER() OVER (\n"
            "  PARTITION BY `ordered_at`, `_event_id` ORDER BY `_arrived_at`,"
            " SPLIT(`_sequence`, ':')[SAFE_OFFSET(0)], LENGTH(`_sequence`), `_sequence`\n"
            ") = 1"
        ),
    }
    letters = views["warehouse-view-dead_letters"]["query"]
    assert f"FROM `{env.project}.{env.words}.dead_letters`\n" in letters
    assert letters.endswith(
        "(PARTITION BY `arrived_at`, `id` ORDER BY `failed_at` DESC) = 1\n  AND `kind` != 'redriven'"
    )
    assert "*" not in letters


def test_metrics_have_views_over_the_tables_of_windows(resources: "dict[str, Declared]") -> None:
    """What the query answers is tested where it is written; here, that it reads what is declared."""
    tables = [resources[f"warehouse-table-{name}"] for name in ("window_segments", "window_watermarks")]
    for name in ("orders_by_customer", "visits"):
        view = resources[f"warehouse-view-{name}"]
        assert view.inputs["view"]["useLegacySql"] is False
        for table in tables:
            where = (table.inputs[key] for key in ("project", "datasetId", "tableId"))
            assert f"FROM `{'.'.join(where)}`" in view.inputs["view"]["query"]
            assert table.urn in view.depends_on


def test_sketches_are_merged_by_functions_of_the_location_or_the_teams_own(
    run: "Run", tmp_path: "Path"
) -> None:
    pipeline = tmp_path / "pipeline.py"
    text = ORDERS.read_text().replace('{"orders": Count()}', '{"n": CountDistinct("customer")}, groups=9')
    pipeline.write_text(text.replace("import Count,", "import Count, CountDistinct,"))
    for settings, functions in (
        ({}, "`bqutil.datasketches_eu."),
        ({"warehouse": {"sketch_functions": "team.sketches"}}, "`team.sketches."),
    ):
        program = run("dev", pipeline=pipeline, **settings)
        view = by_name(program)["warehouse-view-orders_by_customer"].inputs["view"]
        assert functions.rstrip(".") in view["query"]


def test_dev_and_prod_have_nothing_else(programs: "dict[str, Program]") -> None:
    counts = {stack: sum(each.custom for each in program.resources) for stack, program in programs.items()}
    assert counts == {"dev": 32 + 20, "prod": 32 + 21}
