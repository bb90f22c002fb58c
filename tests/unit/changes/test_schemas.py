"""What becomes of a BigQuery table is what the contract's check refuses, and for the same reasons."""

import json
from typing import Any

import pytest

from sluice.changes.schemas import schema_change
from sluice.contract.evolution import Severity, check

A = {"name": "a", "type": "INTEGER", "mode": "REQUIRED"}
B = {"name": "b", "type": "STRING", "mode": "NULLABLE"}
NESTED = {"name": "n", "type": "RECORD", "mode": "NULLABLE", "fields": [B, {**B, "name": "c"}]}


def without(column: dict[str, Any], name: str) -> dict[str, Any]:
    return {**column, "fields": [each for each in column["fields"] if each["name"] != name]}


REPLACED = {
    "another type": ([A], [{**A, "type": "STRING"}]),
    "widened": ([A], [{**A, "type": "NUMERIC"}]),
    "required": ([B], [{**B, "mode": "REQUIRED"}]),
    "repeated": ([B], [{**B, "mode": "REPEATED"}]),
    "new and required": ([A], [A, {**B, "mode": "REQUIRED"}]),
    "dropped while another is added": ([A, B], [A, {**B, "name": "c"}]),
    "nested and dropped": ([A, NESTED], [A, without(NESTED, "c")]),
}
IN_PLACE = {
    "nothing": ([A, B], [A, B]),
    "new and nullable": ([A], [A, B]),
    "relaxed": ([A], [{**A, "mode": "NULLABLE"}]),
    "another description": ([A], [{**A, "description": "of it"}]),
    "the same type by another name": ([A], [{**A, "type": "INT64"}]),
    "new within a record": ([without(NESTED, "c")], [NESTED]),
    "another order": ([A, B], [B, A]),
}


def snapshot(columns: list[dict[str, Any]]) -> dict[str, Any]:
    def column(each: dict[str, Any]) -> dict[str, Any]:
        inner = {"columns": [column(one) for one in each["fields"]]} if "fields" in each else {}
        sql = {"INT64": "INTEGER"}.get(each["type"], each["type"])
        return {**each, "type": sql, "optional": each["mode"] != "REQUIRED", **inner}

    kind = {"table": "t", "time": "at", "partition": "DAY", "id": None, "cluster": []}
    return {"types": {"t": {**kind, "columns": [column(each) for each in columns]}}}


def refused(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> bool:
    return any(each.severity is Severity.REFUSE for each in check(snapshot(before), snapshot(after)))


@pytest.mark.parametrize("case", REPLACED)
def test_what_replaces_a_table_says_why_and_the_contracts_check_refuses_it(case: str) -> None:
    before, after = REPLACED[case]
    assert schema_change(json.dumps(before), json.dumps(after)).replaced_because
    assert refused(before, after)


@pytest.mark.parametrize("case", IN_PLACE)
def test_what_is_done_in_place_neither_replaces_nor_drops(case: str) -> None:
    before, after = IN_PLACE[case]
    assert schema_change(before, after) == ((), "")
    assert not refused(before, after)


def test_a_column_that_goes_alone_is_dropped_in_place() -> None:
    assert schema_change([A, B], [A]) == (("b",), "")
    assert refused([A, B], [A])
