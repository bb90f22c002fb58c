"""A change of the contract never replaces a table and never drops a column."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.conftest import ORDERS, by_name

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

REPLACES = ("project", "datasetId", "tableId")
"""Inputs of which any change makes the provider replace a table."""


@pytest.fixture
def changed(tmp_path: Path, run: "Run") -> Any:
    """Run prod with the small pipeline, some of its text replaced."""

    def changed(*edits: tuple[str, str]) -> "dict[str, Declared]":
        text = ORDERS.read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "pipeline.py"
        file.write_text(text)
        return by_name(run("prod", pipeline=file))

    return changed


@pytest.fixture
def before(programs: "dict[str, Program]") -> "dict[str, Declared]":
    return by_name(programs["prod"])


AT_THE_END = '    ordered_at: Annotated[datetime, field("When it was placed")]\n'


def columns(table: "Declared") -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in json.loads(table.inputs["schema"])}


def without_schema(table: "Declared") -> dict[str, Any]:
    return {key: value for key, value in table.inputs.items() if key != "schema"}


def test_a_new_field_adds_one_nullable_column_and_changes_nothing_else(
    changed: Any, before: "dict[str, Declared]"
) -> None:
    new = '    coupon: Annotated[str | None, field("Code of a discount")] = None\n'
    after = changed((AT_THE_END, AT_THE_END + new))
    old_table, new_table = before["warehouse-table-order"], after["warehouse-table-order"]
    assert without_schema(old_table) == without_schema(new_table)
    assert old_table.urn == new_table.urn
    old_columns, new_columns = columns(old_table), columns(new_table)
    assert new_columns.pop("coupon")["mode"] == "NULLABLE"
    assert new_columns == old_columns


def test_a_retired_field_keeps_its_column(changed: Any) -> None:
    old = '    note: Annotated[str | None, field("What the customer wrote")] = None\n'
    retired = old.replace('wrote")', 'wrote", retired=True)')
    with_field = changed((AT_THE_END, AT_THE_END + old))["warehouse-table-order"]
    without = changed((AT_THE_END, AT_THE_END + retired))["warehouse-table-order"]
    assert columns(without).keys() == columns(with_field).keys()
    assert columns(without)["note"]["mode"] == "NULLABLE"
    assert without_schema(without) == without_schema(with_field)


def test_a_new_type_adds_a_table_and_a_view_and_lets_nobody_in_anew(
    changed: Any, before: "dict[str, Declared]"
) -> None:
    new = 'class Refund(Event, type="refund", time="at"):\n    """Money back."""\n\n'
    new += '    at: Annotated[datetime, field("When")]\n\n\npipeline = '
    after = changed(("pipeline = ", new), ("Order, Visit]", "Order, Visit, Refund]"))
    assert after.keys() - before.keys() == {"warehouse-table-refund", "warehouse-view-refund"}
    assert not before.keys() - after.keys()
    assert after["warehouse-raw"].inputs == before["warehouse-raw"].inputs


def test_a_new_metric_adds_a_view_and_touches_no_data(changed: Any, before: "dict[str, Declared]") -> None:
    new = '        Metric("orders", events=[Order], window="1m", measures={"n": Count()}),\n    ],\n)'
    after = changed(("    ],\n)", new))
    assert after.keys() - before.keys() == {"warehouse-view-orders"}
    assert not before.keys() - after.keys()
    assert {name for name in before if before[name].inputs != after[name].inputs} == {
        "aggregator-function",
        "bigquery-sink-function",
        "window-publisher-function",
    }, "the functions ship the pipeline file"


def test_the_last_metric_takes_its_view_and_what_counts_but_no_table(
    run: "Run", without_metrics: Path, before: "dict[str, Declared]"
) -> None:
    after = by_name(run("prod", pipeline=without_metrics))
    gone = {name for name in before.keys() - after.keys() if before[name].custom}
    assert {name for name in gone if before[name].protect} == {"aggregator-mapping"}
    assert {name.partition("-")[0] for name in gone} == {"aggregator", "census", "warehouse", "window"}
    assert {name for name in gone if name.startswith("warehouse")} == {
        "warehouse-view-orders_by_customer",
        "warehouse-view-visits",
    }


def test_a_new_description_touches_no_more_than_words(changed: Any, before: "dict[str, Declared]") -> None:
    after = changed(("An order in the shop.", "What somebody bought."))
    old, new = before["warehouse-table-order"].inputs, after["warehouse-table-order"].inputs
    assert {key for key in old if old[key] != new[key]} == {"description"}


def test_no_table_lets_the_provider_drop_what_it_did_not_declare(resources: "dict[str, Declared]") -> None:
    tables = [each for each in resources.values() if "schema" in each.inputs]
    assert len(tables) == 5
    for table in tables:
        assert table.inputs["ignoreAutoGeneratedSchema"] is True
        assert not table.inputs.keys() & {"externalDataConfiguration", "rangePartitioning"}


def test_a_setting_never_replaces_a_table_or_its_dataset(run: "Run", before: "dict[str, Declared]") -> None:
    after = by_name(
        run(
            "prod",
            protect=False,
            warehouse={"partition_days": 30, "require_partition_filter": True, "analysts": []},
        )
    )
    for name in before:
        if name.startswith("warehouse-table-") or name == "warehouse-raw":
            old, new = before[name].inputs, after[name].inputs
            assert {key: old.get(key) for key in REPLACES} == {key: new.get(key) for key in REPLACES}
            assert old.get("location") == new.get("location")
            assert old.get("timePartitioning", {}).get("field") == new.get("timePartitioning", {}).get(
                "field"
            )
    assert after["warehouse-table-order"].inputs["timePartitioning"]["expirationMs"] == 30 * 86_400_000
    assert after["warehouse-table-order"].inputs["requirePartitionFilter"] is True
    assert after["warehouse-table-dead_letters"].inputs["requirePartitionFilter"] is False
