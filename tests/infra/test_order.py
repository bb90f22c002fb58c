"""Upgrades are safe by order: tables before code that writes them, readers before writers."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import pytest

from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sluice.local.declared import Declared
    from sluice.local.program import Program

FUNCTION = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
FIREHOSE = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"

ORDER = [
    ("warehouse-table-*", "bigquery-sink-function", "a column is there before the code that writes it"),
    ("warehouse-table-*", "window-publisher-function", "a column is there before the code that writes it"),
    ("warehouse-view-*", "bigquery-sink-function", "a view knows a column before rows have it"),
    ("warehouse-raw", "bigquery-sink-function", "a writer is let in before it writes"),
    ("federation-provider", "bigquery-sink-function", "Google knows a role before it asks"),
    ("lake-table-*", "firehose-lake-function", "a column is there before the code that writes it"),
    ("lake-setup-invocation", "firehose-lake-function", "a column is there before the code that writes it"),
    ("search-setup-invocation", "search-sink-function", "a field has its type before documents have it"),
    ("window-publisher-function", "aggregator-function", "who reads windows knows their form first"),
    ("route-paid-transactions-function", "route-paid-function", "a route's readers know its events first"),
    ("target-paid-stream", "route-paid-function", "what a route leads to is there first"),
]
"""Names of what comes first and of what comes after it, with `*` for any rest, and why."""


@pytest.fixture(scope="module")
def found(everything: "Program") -> "dict[str, Declared]":
    return by_name(everything)


def waits_for(name: str, found: "Mapping[str, Declared]") -> set[str]:
    """The names of everything that is there, or has been changed, before a resource is touched."""
    by_urn = {each.urn: each for each in found.values()}
    seen: set[str] = set()
    todo = [found[name].urn]
    while todo:
        for urn in by_urn[todo.pop()].depends_on:
            if urn not in seen:
                seen.add(urn)
                todo.append(urn)
    return {by_urn[urn].name for urn in seen}


def of_type(kind: str, found: "Mapping[str, Declared]") -> "Sequence[Declared]":
    return [each for each in found.values() if each.type == kind]


@pytest.mark.parametrize(("first", "then", "why"), ORDER)
def test_a_deployment_does_first_what_must_be_there_first(
    first: str, then: str, why: str, found: "dict[str, Declared]"
) -> None:
    names = {name for name, each in found.items() if each.custom and fnmatchcase(name, first)}
    assert names, first
    assert names <= waits_for(then, found), why


def test_a_function_has_its_rights_and_its_log_group_before_its_code_and_its_records_after(
    found: "dict[str, Declared]",
) -> None:
    called = {each.inputs["name"]: each.name.removesuffix("-function") for each in of_type(FUNCTION, found)}
    for own in called.values():
        assert {f"{own}-policy", f"{own}-logs"} <= waits_for(f"{own}-function", found), own
    for each in of_type(MAPPING, found):
        own = called[each.inputs["functionName"].split(":")[6]]
        assert {f"{own}-function", f"{own}-policy"} <= waits_for(each.name, found), each.name
    for each in (one for one in of_type(FIREHOSE, found) if one.name.startswith("firehose-")):
        own = each.name.rpartition("-")[0]
        assert any(name.endswith("-function") for name in waits_for(each.name, found)), own


def test_what_is_replaced_lets_go_first_where_two_cannot_be_at_once(found: "dict[str, Declared]") -> None:
    """Lambda refuses a second mapping of one function on one consumer, so the old one goes first."""
    for each in of_type(MAPPING, found):
        assert each.delete_before_replace, each.name
