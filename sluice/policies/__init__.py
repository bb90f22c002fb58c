"""The rules that every environment keeps, stated once as plain functions over a program's resources.

No Pulumi in here, and nothing but Python's own library: tests, `sluice graph` and the policy pack, which has
an environment of its own, hand over the same plain resources.
"""

from collections.abc import Iterable
from typing import Final

from sluice.policies import access, encryption, google, keeping, names, rights, running, structure
from sluice.policies.resource import UNKNOWN, Resource, Resources
from sluice.policies.rule import Rule, Violation

__all__ = ["RULES", "UNKNOWN", "Resource", "Resources", "Rule", "Violation", "violations"]

RULES: Final[tuple[Rule, ...]] = (
    *rights.RULES,
    *access.RULES,
    *encryption.RULES,
    *running.RULES,
    *keeping.RULES,
    *google.RULES,
    *names.RULES,
    *structure.RULES,
)
"""Every rule, in the order of docs/policies.md."""


def violations(resources: Iterable[Resource], *, throwaway: bool = False) -> list[Violation]:
    """Check all rules; an empty list is a clean program.

    Args:
        resources: All resources of one program, components and providers included.
        throwaway: Whether the environment may lose its data: its setting `protect` is false.
    """
    everything = Resources(resources, throwaway=throwaway)
    return [
        Violation(rule=rule.id, resource=resource, said=said)
        for rule in RULES
        for resource, said in rule.check(everything)
    ]
