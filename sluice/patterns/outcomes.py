"""What a condition comes to for an event, which in SQL is one of three things, or none."""

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

from sluice.predicate.compiled import compiled
from sluice.predicate.tree import IsNull, Node, Not


class Outcome(Enum):
    """What a condition comes to."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    NULL = "NULL"
    ERROR = "an error"
    """BigQuery would stop; a filter then takes the event under no circumstances."""


Judged: TypeAlias = Callable[[Any], Outcome]
"""Takes an event, of which it needs the fields that the condition looks at."""


def judged(node: Node) -> Judged:
    """What tells the outcome of a condition, or of a part of one."""
    tests = (
        (compiled(node), Outcome.TRUE),
        (compiled(Not(node)), Outcome.FALSE),
        (compiled(IsNull(node)), Outcome.NULL),
    )

    def outcome(event: Any) -> Outcome:
        return next((found for test, found in tests if test(event)), Outcome.ERROR)

    return outcome
