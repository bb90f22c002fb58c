"""Pin what each Lambda ships: `python -m infra.function_locks` writes functions/<name>/requirements.lock.

A function's lock file is an excerpt of the project's own: its dependency group in pyproject.toml, and what
that needs in turn, at the versions and hashes of requirements.lock. So tests, laptop and Lambda run the same
versions, and writing it needs no network. It holds for each version of Python and processor that may be set;
what only some need has that as its condition, which uv reads for the one that is set.
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.packaging_target import ARCHITECTURES, PYTHONS, Target
from sluice.errors import EnvironmentProblem, SluiceError, UsageError

_ROOT = Path(__file__).resolve().parent.parent
_TARGETS = tuple(
    Target(python=python, architecture=architecture) for python in PYTHONS for architecture in ARCHITECTURES
)
"""Where the functions may run, or be tried: what is pinned holds for each."""

NOT_SHIPPED = frozenset({"opensearch-protobufs"})
"""Declared, but loaded by nothing that a function calls: opensearch-py needs it for gRPC alone, and it brings
grpcio, at 19 MB more than all the rest of a sink's package."""

_HEADER = "# Written by `make lock` from requirements.lock: the dependency group {group} and what it needs.\n"


def lock_file(function: str, root: Path = _ROOT) -> Path:
    """Where a function's pinned dependencies stand."""
    return root / "functions" / function / "requirements.lock"


def locked(function: str, root: Path = _ROOT) -> str:
    """Make the text of a function's lock file.

    Raises:
        UsageError: the function has no dependency group, or requirements.lock lacks a package.
        EnvironmentProblem: a package is not installed here, so that nothing says what it needs.
    """
    group = function.replace("_", "-")
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")).get("dependency-groups", {})
    if group not in groups:
        raise UsageError(
            f"functions/{function} has no dependency group: add `{group} = [...]` to pyproject.toml"
        )
    pins = _pins(root / "requirements.lock")
    needed = {target: _needed(groups[group], target) for target in _TARGETS}
    every = set().union(*needed.values())
    absent = sorted(every - {pin.name for pin in pins})
    if absent:
        raise UsageError(f"requirements.lock lacks {', '.join(absent)}, which {group} needs: run `make lock`")
    texts = [
        pin.written([target for target in _TARGETS if pin.name in needed[target] and pin.is_for(target)])
        for pin in sorted(pins, key=lambda pin: pin.name)
        if pin.name in every
    ]
    return _HEADER.format(group=group) + "".join(texts)


@dataclass(frozen=True)
class _Pin:
    """One version of a package in requirements.lock, its hashes, and where it holds."""

    name: str
    requirement: Requirement
    hashes: tuple[str, ...]

    def is_for(self, target: Target) -> bool:
        """Whether it is this version that holds there."""
        return self.requirement.marker is None or self.requirement.marker.evaluate(target.markers)

    def written(self, targets: list[Target]) -> str:
        """Write it for those targets, which its condition tells; nothing if there are none."""
        if not targets:
            return ""
        first = f"{self.requirement.name}{self.requirement.specifier}"
        if len(targets) < len(_TARGETS):
            first += f" ; {_condition(targets)}"
        return "\n".join([f"{first} \\", *self.hashes]) + "\n"


def _condition(targets: list[Target]) -> str:
    pythons = [python for python in PYTHONS if any(target.python == python for target in targets)]
    if len(targets) == len(pythons) * len(ARCHITECTURES):
        return " or ".join(f"python_version == '{python}'" for python in pythons)
    places = [target.markers for target in targets]
    return " or ".join(
        f"(python_version == '{each['python_version']}' and platform_machine == '{each['platform_machine']}')"
        for each in places
    )


def _needed(group: list[str], target: Target) -> set[str]:
    """Follow the installed packages' own declarations, as they read there."""
    todo, names = [Requirement(line) for line in group], set[str]()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in names | NOT_SHIPPED:
            continue
        if requirement.marker and not requirement.marker.evaluate(target.markers):
            continue
        names.add(name)
        todo += _required(name)
    return names


@cache
def _required(name: str) -> tuple[Requirement, ...]:
    try:
        return tuple(Requirement(line) for line in requires(name) or [])
    except ModuleNotFoundError:
        raise EnvironmentProblem(f"{name} is not installed here: run `make setup` first") from None


def _pins(lock: Path) -> list[_Pin]:
    """Read a lock file; a package may have several versions, each for other versions of Python."""
    found = []
    for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8")):
        lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
        if lines:
            requirement = Requirement(lines[0].rstrip(" \\"))
            found.append(_Pin(canonicalize_name(requirement.name), requirement, tuple(lines[1:])))
    return found


def functions(root: Path = _ROOT) -> list[str]:
    """All functions of the project."""
    return sorted(path.parent.name for path in root.glob("functions/*/handler.py"))


def main() -> int:
    """Write every function's lock file."""
    try:
        for function in functions():
            lock_file(function).write_text(locked(function), encoding="utf-8")
    except SluiceError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
