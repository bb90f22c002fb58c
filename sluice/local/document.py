"""Everything that a program declared, as one JSON document: for checks, inventories and comparisons."""

from typing import Any

from sluice.contract.snapshot import snapshot
from sluice.local.declared import Declared
from sluice.local.inventory import created
from sluice.local.program import Program
from sluice.pipeline import Pipeline
from sluice.policies import Violation
from sluice.routes.route import Route

_PROVIDER = "pulumi:providers:"


def graph_document(
    env: str, program: Program, found: list[Violation], pipeline: Pipeline | None = None
) -> dict[str, Any]:
    """Return what an environment would have, what is wrong with it, and what flows through it."""
    components = {each.urn: each.name for each in program.resources if not each.custom}
    resources = created(program.resources)
    document = {
        "environment": env,
        "count": len(resources),
        "protected": sum(each.protect for each in resources),
        "resources": [_resource(each, components) for each in sorted(resources, key=lambda each: each.urn)],
        "outputs": program.outputs,
        "warnings": list(program.warnings),
        "violations": [
            {
                "rule": each.rule,
                "type": each.resource.type,
                "name": each.resource.name,
                "said": each.said,
                "urn": each.resource.urn,
            }
            for each in found
        ],
        "providers": {
            each.name: each.inputs for each in program.resources if each.type.startswith(_PROVIDER)
        },
    }
    if pipeline is not None:
        document["contract"] = snapshot(pipeline.contract)
        document["metrics"] = {each.name: each.definition.as_dict() for each in pipeline.metrics}
        document["routes"] = {each.name: _route(each) for each in pipeline.routes}
    return document


def _resource(each: Declared, components: dict[str, str]) -> dict[str, Any]:
    return {
        "component": components.get(each.parent or ""),
        "type": each.type,
        "name": each.name,
        "protected": each.protect,
        "depends_on": list(each.depends_on),
        "urn": each.urn,
        "aliases": list(each.aliases),
        "retained": each.retained,
        "ignore_changes": list(each.ignore_changes),
        "inputs": each.inputs,
    }


def _route(route: Route) -> dict[str, Any]:
    return {
        "where": route.where,
        "types": [kind.name for kind in route.types],
        "to": repr(route.to),
        "partition": route.partition,
        "description": route.description,
    }
