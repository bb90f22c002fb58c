"""What a package may hold, and what it must."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROVIDED: Final = ("boto3", "botocore", "s3transfer")
"""What Lambda's Python runtimes bring (Lambda developer guide, Python runtimes)."""

TOOLS: Final = (
    *("pulumi", "pulumi_aws", "pulumi_gcp", "moto", "duckdb", "typer", "rich", "uv", "pip", "pyarrow"),
)
"""What builds, deploys and tries functions, and runs in none."""

_OWN_TOOLS: Final = ("infra", "sluice/cli", "sluice/local")


def faults(files: Iterable[str], lock: str, markers: dict[str, str]) -> Iterator[str]:
    """Say what is wrong with a package, a line each.

    Args:
        files: The paths in it.
        lock: The text of the function's requirements.lock.
        markers: What decides about the lock's conditions where the package runs.
    """
    names = list(files)
    for name in names:
        path = PurePosixPath(name)
        if path.suffix == ".pyc" or "__pycache__" in path.parts:
            yield f"{name} is bytecode, which differs between machines: it must not be shipped"
        elif path.name in {"RECORD", "INSTALLER", "direct_url.json"} or path.parts[0] == "bin":
            yield f"{name} tells of this machine: it must not be shipped"
    tops = {PurePosixPath(name).parts[0].partition(".")[0] for name in names}
    for top in sorted(tops & {*PROVIDED, *TOOLS}):
        why = "Lambda brings it" if top in PROVIDED else "it is a tool"
        yield f"{top} must not be shipped: {why}; drop it from the function's group in pyproject.toml"
    for own in _OWN_TOOLS:
        if any(name.startswith(f"{own}/") for name in names):
            yield f"{own} must not be shipped: no handler or pipeline file may import it"
    yield from (f"{name} is missing" for name in ("handler.py", "pipeline.py") if name not in names)
    locked, shipped = _locked(lock, markers), _shipped(names)
    yield from (f"{name} is locked, but missing" for name in sorted(locked - shipped))
    yield from (f"{name} is shipped, but not locked" for name in sorted(shipped - locked))


def _locked(lock: str, markers: dict[str, str]) -> set[str]:
    lines = [line.rstrip(" \\") for line in lock.splitlines() if "==" in line and not line.startswith(" ")]
    pins = [Requirement(line) for line in lines]
    return {canonicalize_name(pin.name) for pin in pins if not pin.marker or pin.marker.evaluate(markers)}


def _shipped(names: list[str]) -> set[str]:
    folders = {PurePosixPath(name).parts[0] for name in names}
    return {
        canonicalize_name(folder.partition("-")[0]) for folder in folders if folder.endswith(".dist-info")
    }


def lock_text(root: Path, function: str) -> str:
    """Read a function's lock file."""
    return (root / "functions" / function / "requirements.lock").read_text(encoding="utf-8")
