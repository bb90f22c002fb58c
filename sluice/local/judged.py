"""What a program declared, as the rules of sluice/policies see it."""

from collections.abc import Iterable

from sluice.local.declared import Declared
from sluice.local.program import Program
from sluice.policies import Resource, Violation, violations


def judged(program: Program) -> list[Violation]:
    """Check a program against every rule."""
    return violations(plain(program.resources), throwaway=program.throwaway)


def plain(resources: Iterable[Declared]) -> list[Resource]:
    """Write declared resources as the plain ones that rules take."""
    return [
        Resource(
            type=each.type,
            name=each.name,
            inputs=each.inputs,
            urn=each.urn,
            parent=each.parent,
            component=not each.custom,
            protect=each.protect,
            depends_on=each.depends_on,
        )
        for each in resources
    ]
