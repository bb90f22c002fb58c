"""The URNs of all that the program can declare, as committed in urns.txt: see test_renames.py.

`python -m tests.infra.urns` writes the list again, after something was added, or dropped on purpose.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sluice.local.program import run_program
from tests.infra.switches import EVERYTHING, adopting, all_on

if TYPE_CHECKING:
    from sluice.local.declared import Declared

ROOT: Final = Path(__file__).resolve().parents[2]
LIST: Final = Path(__file__).with_name("urns.txt")
STACK: Final = "prod"
OTHERWISE: Final[tuple[dict[str, Any], ...]] = (
    all_on(STACK),
    {**adopting(STACK), "report": {"auth": "iam"}},
)
"""Settings that have everything on which can be on together."""


def everything() -> "Iterator[Declared]":
    """Declare all that the program can declare."""
    for settings in OTHERWISE:
        overrides = {**settings, "package_dependencies": False}
        program = run_program(ROOT, STACK, overrides=overrides, pipeline=EVERYTHING)
        yield from program.resources


def identity(urn: str) -> str:
    """Return a URN without stack and project."""
    return urn.split("::", 2)[2]


def listed() -> list[str]:
    """Return the committed list."""
    return LIST.read_text().splitlines()


def forgotten(resources: "Iterable[Declared]", committed: Iterable[str]) -> list[str]:
    """Return what is in the list, and neither declared nor what something declared used to be."""
    known = {identity(urn) for each in resources for urn in (each.urn, *each.aliases)}
    return sorted(set(committed) - known)


if __name__ == "__main__":
    LIST.write_text("".join(f"{each}\n" for each in sorted({identity(one.urn) for one in everything()})))
