"""What a rule is, and what it finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from sluice.policies.resource import Resource, Resources

Finding: TypeAlias = tuple[Resource, str]
"""A resource, and what is wrong with it and how to mend it, in one line."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: its id, what it demands and why, and how it is checked."""

    id: str
    demands: str
    reason: str
    check: Callable[[Resources], Iterable[Finding]]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that a resource breaks."""

    rule: str
    resource: Resource
    said: str

    def __str__(self) -> str:
        return f"{self.resource.name} ({self.resource.type}): {self.said} [{self.rule}]"
