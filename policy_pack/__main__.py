"""The rules of sluice/policies as a policy pack: `pulumi preview --policy-pack policy_pack`.

Nothing is decided here. Pulumi's engine hands over every resource of the stack, with what it will answer;
that becomes the plain resources that the rules take, and each rule is a policy of its own, so that a stack's
policy configuration can turn one down. docs/policies.md shows how to run it.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from sluice.policies import RULES, UNKNOWN, Resource, Resources, Rule  # noqa: E402 - found through the line above


def plain(resources: Sequence[PolicyResource]) -> list[Resource]:
    """Write the engine's resources as the plain ones that rules take."""
    return [
        Resource(
            type=each.resource_type,
            name=each.name,
            inputs=known(each.props),
            urn=each.urn,
            parent=each.parent.urn if each.parent else None,
            # The engine says not which resources are components, but a component alone has no provider.
            component=each.provider is None and not each.resource_type.startswith("pulumi:"),
            protect=each.opts.protect,
            depends_on=tuple(other.urn for other in each.dependencies),
        )
        for each in resources
    ]


def known(value: Any) -> Any:
    """Copy what the engine handed over, with UNKNOWN wherever it raises because a preview knows no better."""
    match value:
        case str() | bool() | None:
            return value
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: _item(value, key) for key in value}
        case Sequence():
            return [_item(value, index) for index in range(len(value))]
        case pulumi.FileArchive():
            return {"archive": str(value.path)}
        case _:
            return value


def _item(values: Any, key: Any) -> Any:
    try:
        return known(values[key])
    except UnknownValueError:
        return UNKNOWN


def throwaway() -> bool:
    """Whether the stack's setting `protect` is false: then it may lose its data."""
    return pulumi.Config().get_bool("protect") is False


def policy(rule: Rule) -> StackValidationPolicy:
    """Make a policy of a rule."""

    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        for resource, said in rule.check(Resources(plain(args.resources), throwaway=throwaway())):
            report_violation(f"{resource.name}: {said}", resource.urn)

    return StackValidationPolicy(
        name=rule.id, description=f"{rule.demands}: {rule.reason}.", validate=validate
    )


if __name__ == "__main__":
    PolicyPack(
        name="sluice",
        enforcement_level=EnforcementLevel.MANDATORY,
        policies=[policy(rule) for rule in RULES],
    )
