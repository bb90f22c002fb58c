"""Whatever a project, a stack, routes, types and metrics are called, all names fit both clouds."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra import limits
from infra.names import prefix_of
from sluice.contract.names import MAX_TYPE_NAME
from sluice.local import program as running
from sluice.local.config import stack_config
from sluice.local.judged import judged
from sluice.metrics.binding import MAX_NAME as MAX_METRIC
from sluice.policies.names import LIMITS
from sluice.routes.route import MAX_NAME as MAX_ROUTE
from sluice.routes.route import MAX_SINK
from tests.infra.switches import EVERYTHING, all_on

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sluice.local.config import StackConfig
    from tests.infra.conftest import Run

PROJECT: Final = "The_Streaming.Analytics-of-a-Company-with-Many_Teams"
STACK: Final = "production-europe-central-frankfurt-blue"
GOOGLE_SUBJECT: Final = 127
"""Bytes of google.subject (IAM documentation, workload identity federation, attribute mappings)."""

LONGEST: Final = {
    **{
        name: name.ljust(MAX_ROUTE, "x") for name in ("large_orders", "free", "returned_orders", "all_orders")
    },
    "paid": "paid".ljust(MAX_SINK - len("_transactions"), "x"),
    **{name: name.ljust(MAX_METRIC, "x") for name in ("orders_by_customer", "customers", "visits")},
    **{name: name.ljust(MAX_TYPE_NAME, "x") for name in ("order", "visit")},
}


@pytest.fixture
def longest_pipeline(tmp_path: "Path") -> "Path":
    """The pipeline with everything, each route, metric and type called as long as may be."""
    text = EVERYTHING.read_text()
    for name, longest in LONGEST.items():
        text, found = re.subn(rf'((?:Route|Metric)\(\s*|type=)"{name}"', rf'\1"{longest}"', text)
        assert found == 1, name
    file = tmp_path / "pipeline.py"
    file.write_text(text)
    return file


def renamed(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings about routes, types and Firehoses under the longest names."""
    routes = {LONGEST[name]: given for name, given in settings["routes"].items()}
    firehoses = {
        name.ljust(MAX_ROUTE, "x"): {**given, "types": [LONGEST[each] for each in given.get("types", ())]}
        for name, given in settings["firehoses"].items()
    }
    return {**settings, "routes": routes, "firehoses": firehoses}


def test_all_names_fit_for_an_overlong_project_and_stack_and_the_longest_pipeline(
    run: "Run", longest_pipeline: "Path", monkeypatch: pytest.MonkeyPatch
) -> None:
    def called_otherwise(root: "Path", stack: str, overrides: "Mapping[str, Any]") -> "StackConfig":
        assert stack == STACK
        found = stack_config(root, "prod", overrides)
        values = {key.replace("sluice:", f"{PROJECT}:", 1): value for key, value in found.values.items()}
        return replace(found, project=PROJECT, values=values)

    monkeypatch.setattr(running, "stack_config", called_otherwise)
    program = run(STACK, pipeline=longest_pipeline, **renamed(all_on("prod")))

    assert [str(each) for each in judged(program)] == []
    prefix = prefix_of(PROJECT, STACK)
    assert len(prefix) == limits.PREFIX_CHARACTERS, "no accepted name makes longer ones"
    named = {(each.type, key) for each in program.resources for key in each.inputs} & LIMITS.keys()
    assert len(named) > 30, "names must have been judged, else nothing was tested"
    tags = next(each for each in program.resources if each.type == "pulumi:providers:aws")
    assert PROJECT in tags.inputs["defaultTags"], "the full names are in the tags"
    assert STACK in tags.inputs["defaultTags"]
    writers = [each for each in program.resources if "SLUICE_GOOGLE_CREDENTIALS" in str(each.inputs)]
    wanted = {"bigquery-sink-function", "probe-function", "window-publisher-function"}
    assert {each.name for each in writers} == wanted
    for each in writers:
        role = each.inputs["role"].rpartition("/")[2]
        assert len(f"{role}/{each.inputs['name']}".encode()) <= GOOGLE_SUBJECT, each.name


def test_two_long_stacks_of_one_project_share_no_name() -> None:
    assert prefix_of(PROJECT, STACK) != prefix_of(PROJECT, f"{STACK}-2")
    assert prefix_of(PROJECT, STACK) == prefix_of(PROJECT, STACK), "and the next deployment finds them again"
