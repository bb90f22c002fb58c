"""A preview, where ARNs and addresses are not known yet, works and writes nothing wrong into documents."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from sluice.local.declared import UNKNOWN

if TYPE_CHECKING:
    from sluice.local.program import Program
    from tests.infra.conftest import Run


@pytest.fixture(scope="module", params=["dev", "prod"])
def both(
    request: pytest.FixtureRequest, run: "Run", programs: "dict[str, Program]"
) -> "tuple[Program, Program]":
    return run(request.param, preview=True), programs[request.param]


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_a_preview_declares_what_a_deployment_does(both: "tuple[Program, Program]") -> None:
    preview, deployed = both
    assert {each.urn for each in preview.resources} == {each.urn for each in deployed.resources}


def test_a_document_is_either_whole_or_unknown(both: "tuple[Program, Program]") -> None:
    unknown = 0
    for each in both[0].resources:
        for text in texts(each.inputs):
            if text == UNKNOWN:
                unknown += 1
                continue
            assert UNKNOWN not in text, (each.name, text)
            assert "04da6b54-80e4-46f7-96ec-b56ff0331ba9" not in text, "Pulumi's own sign for unknown"
            assert "Output" not in text, (each.name, text)
            if text[:1] in {"{", "["}:
                json.loads(text)
    assert unknown > 5, "ARNs and addresses must be unknown, else nothing was tested"


def test_known_inputs_are_the_same_in_preview_and_deployment(both: "tuple[Program, Program]") -> None:
    preview, deployed = ({each.urn: each.inputs for each in program.resources} for program in both)
    for urn, inputs in preview.items():
        for key, value in inputs.items():
            if UNKNOWN not in texts(value):
                assert value == deployed[urn][key], (urn, key)


def test_policies_wait_for_their_arns_and_tables_do_not(both: "tuple[Program, Program]") -> None:
    names = {each.name: each for each in both[0].resources}
    assert names["bigquery-sink-policy"].inputs["policy"] == UNKNOWN
    assert names["warehouse-view-order"].inputs["view"]["query"].startswith("SELECT")
    assert json.loads(names["warehouse-table-order"].inputs["schema"])
