"""The rules that every environment keeps, stated once as plain functions over a program's resources.

No Pulumi in here: tests, `sluice graph` and the policy pack hand over the same plain resources.
"""

from collections.abc import Iterable

from sluice.policies import encryption
from sluice.policies.resource import UNKNOWN, Resource, Resources
from sluice.policies.rule import Rule, Violation

__all__ = ["RULES", "UNKNOWN", "Resource", "Resources", "Rule", "Violation", "violations"]

RULES: tuple[Rule, ...] = (*encryption.RULES,)
"""Every rule, in the order of docs/policies.md."""


def violations(resources: Iterable[Resource], *, throwaway: bool = False) -> list[Violation]:
    """Check all rules; an empty list is a clean program.

    Args:
        resources: All resources of one program, components and providers included.
        throwaway: Whether the environment may lose its data (the setting `protect` is false).
    """
    everything = Resources(resources, throwaway=throwaway)
    return [
        Violation(rule=rule.id, resource=resource, said=said)
        for rule in RULES
        for resource, said in rule.check(everything)
    ]
