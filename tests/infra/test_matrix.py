"""Each environment, with everything on, everything off, as it is, and adopting: deployed and previewed.

A preview does not know ARNs and addresses yet: it must declare the same, and write nothing wrong into
documents.
"""

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from sluice.local.declared import UNKNOWN
from sluice.local.inventory import KINDS, created
from sluice.local.judged import judged, plain
from sluice.policies.names import LIMITS
from tests.infra.conftest import by_name
from tests.infra.switches import EVERYTHING, adopted, all_off, all_on

if TYPE_CHECKING:
    from sluice.local.program import Program
    from tests.infra.conftest import Run

CELLS: Final = (
    ("dev", "on"),
    ("dev", "off"),
    ("dev", "as it is"),
    ("staging", "as it is"),
    ("prod", "on"),
    ("prod", "off"),
    ("prod", "as it is"),
    ("prod", "adopting"),
)
NAMELESS: Final = frozenset(
    {
        "aws:apigatewayv2/integration:Integration",
        "aws:apigatewayv2/route:Route",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "aws:glue/catalogTableOptimizer:CatalogTableOptimizer",
        "aws:kinesis/resourcePolicy:ResourcePolicy",
        "aws:kms/key:Key",
        "aws:lambda/codeSigningConfig:CodeSigningConfig",
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "aws:lambda/functionUrl:FunctionUrl",
        "aws:lambda/invocation:Invocation",
        "aws:signer/signingJob:SigningJob",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:sqs/queuePolicy:QueuePolicy",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "gcp:bigquery/datasetAccess:DatasetAccess",
        "gcp:projects/iAMMember:IAMMember",
        "gcp:projects/service:Service",
        "gcp:serviceaccount/iAMMember:IAMMember",
    }
)
"""Kinds that have no name of their own: an id that the cloud gives, or the names of others."""

OF_A_BUCKET: Final = "aws:s3/bucket"
"""What is set on a bucket bears its name; an object's key may have 1,024 bytes."""


@pytest.fixture(scope="module", params=CELLS, ids=lambda cell: "-".join(cell).replace(" ", "-"))
def both(
    request: pytest.FixtureRequest, run: "Run", programs: "dict[str, Program]"
) -> "tuple[Program, Program]":
    stack, switches = request.param
    if switches == "as it is":
        return run(stack, preview=True), programs.get(stack) or run(stack)
    settings = {
        "on": all_on,
        "off": all_off,
        "adopting": lambda stack: {**all_off(stack), "adopt": adopted(stack)},
    }[switches](stack)
    preview, deployed = (
        run(stack, pipeline=EVERYTHING, preview=preview, **settings) for preview in (True, False)
    )
    return preview, deployed


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_no_rule_is_broken_by_a_deployment_or_in_a_preview(both: "tuple[Program, Program]") -> None:
    for program in both:
        assert [str(each) for each in judged(program)] == []


def test_every_resource_lies_in_a_component_that_lies_in_none_or_another(
    both: "tuple[Program, Program]",
) -> None:
    components = {each.urn for each in both[1].resources if not each.custom}
    for each in created(both[1].resources):
        assert each.parent in components, each.name
    assert {each.parent for each in both[1].resources if not each.custom} <= {None, *components}


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
            assert "Output" not in text.replace("OutputPrefix", ""), (each.name, text)
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
    names = by_name(both[0])
    assert names["bigquery-sink-policy"].inputs["policy"] == UNKNOWN
    assert names["warehouse-view-order"].inputs["view"]["query"].startswith("SELECT")
    assert json.loads(names["warehouse-table-visit"].inputs["schema"])


def test_every_kind_of_resource_has_a_name_in_words_and_a_limit(both: "tuple[Program, Program]") -> None:
    kinds = {each.type for each in plain(created(both[1].resources))}
    assert kinds - KINDS.keys() == set(), "name it in sluice/local/inventory.py"
    limited = {kind for kind, _ in LIMITS} | NAMELESS
    unlimited = {kind for kind in kinds - limited if not kind.startswith(OF_A_BUCKET)}
    assert unlimited == set(), "look its name's limit up for sluice/policies/names.py"
