"""Pin what each Lambda ships: `python -m infra.function_locks` writes functions/<name>/requirements.lock.

A function's lock file is an excerpt of the project's own: its dependency group in pyproject.toml, and what
that needs in turn, at the versions and hashes of requirements.lock. So tests, laptop and Lambda run the same
versions, and writing it needs no network.
"""

import re
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sluice.errors import EnvironmentProblem, SluiceError, UsageError

_ROOT = Path(__file__).resolve().parent.parent
_LAMBDA = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
    "extra": "",
}
"""What decides about conditional dependencies where the functions run."""

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
    names = _needed(groups[group])
    absent = sorted(names - pins.keys())
    if absent:
        raise UsageError(f"requirements.lock lacks {', '.join(absent)}, which {group} needs: run `make lock`")
    return _HEADER.format(group=group) + "".join(pins[name] for name in sorted(names))


def _needed(group: list[str]) -> set[str]:
    """Follow the installed packages' own declarations, as they read on Lambda."""
    todo, names = [Requirement(line) for line in group], set[str]()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in names | NOT_SHIPPED:
            continue
        if requirement.marker and not requirement.marker.evaluate(_LAMBDA):
            continue
        names.add(name)
        try:
            todo += [Requirement(line) for line in requires(name) or []]
        except ModuleNotFoundError:
            raise EnvironmentProblem(f"{name} is not installed here: run `make setup` first") from None
    return names


def _pins(lock: Path) -> dict[str, str]:
    """Each package's lines of a lock file, without its comments and without conditions that Lambda meets."""
    pins: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8")):
        lines = [line for line in block.splitlines() if not line.lstrip().startswith("#")]
        if not lines:
            continue
        requirement = Requirement(lines[0].rstrip(" \\"))
        if requirement.marker is None or requirement.marker.evaluate(_LAMBDA):
            first = f"{requirement.name}{requirement.specifier} \\"
            pins[canonicalize_name(requirement.name)] = "\n".join([first, *lines[1:]]) + "\n"
    return pins


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
