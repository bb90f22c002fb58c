"""What a check has found: a cause, what follows from it, and what to do next."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

NOTHING_KNOWN: Final = "nothing is known of it"


class Level(StrEnum):
    """How much is in the way."""

    ok = "ok"
    unknown = "unknown"
    """It could not be looked at."""
    warning = "warning"
    """`pulumi up` goes through, but something is not as it should be."""
    problem = "problem"
    """`pulumi up` would fail, or what is deployed does not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `consequence` and `next_step` are empty where all is well."""

    check: str
    level: Level
    cause: str
    consequence: str = ""
    next_step: str = ""

    @classmethod
    def ok(cls, check: str, cause: str) -> Self:
        """All is well: `cause` says what was seen."""
        return cls(check=check, level=Level.ok, cause=cause)

    @classmethod
    def unknown(cls, check: str, cause: str, next_step: str, consequence: str = NOTHING_KNOWN) -> Self:
        """Nobody can tell: `cause` says why."""
        return cls(
            check=check, level=Level.unknown, cause=cause, consequence=consequence, next_step=next_step
        )

    @classmethod
    def warning(cls, check: str, cause: str, consequence: str, next_step: str) -> Self:
        """Something is not as it should be."""
        return cls(
            check=check, level=Level.warning, cause=cause, consequence=consequence, next_step=next_step
        )

    @classmethod
    def problem(cls, check: str, cause: str, consequence: str, next_step: str) -> Self:
        """Something is in the way."""
        return cls(
            check=check, level=Level.problem, cause=cause, consequence=consequence, next_step=next_step
        )

    def document(self) -> dict[str, str]:
        """Return it as `--json` prints it."""
        return {
            "check": self.check,
            "level": str(self.level),
            "cause": self.cause,
            "consequence": self.consequence,
            "next": self.next_step,
        }
