"""What of installed packages no function needs, by rule: it is not shipped.

Each rule names what it drops and why. A rule about a part that somebody may import is off for a function that
does: its handler, the pipeline or what they lead to in Sluice. What the remaining code itself imports is
proven by importing it, with nothing else in reach: `sluice package --check`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Drops files by a pattern of their path in the package (`*` matches `/`, too)."""

    drops: tuple[str, ...]
    because: str
    unless: tuple[str, ...] = ()
    """Whoever imports one of these modules, or what is in them, keeps the files."""


_UTILITIES: Final = (
    *("auth_alpha", "batch", "circuit_breaker", "data_classes", "data_masking", "feature_flags"),
    *("idempotency", "kafka", "parameters", "parser", "streaming", "validation"),
)
"""All of powertools' but those that its logger needs itself."""

RULES: Final = (
    Rule(drops=("*.pyi", "*/py.typed"), because="only type checkers read them"),
    Rule(
        drops=("*.c", "*.h", "*.hpp", "*.pxd", "*.pyx", "*.a", "*.pc"),
        because="only compilers and linkers read them",
    ),
    Rule(drops=("*/tests/*", "*/conftest.py"), because="a library's own tests"),
    Rule(
        drops=(
            "aws_lambda_powertools/event_handler/*",
            *(f"aws_lambda_powertools/utilities/{name}/*" for name in _UTILITIES),
        ),
        because="a web framework and utilities that logs and metrics do without: 4 MB",
        unless=("aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities"),
    ),
    Rule(drops=("numpy/f2py/*",), because="it makes extensions from Fortran, with a compiler"),
    Rule(
        drops=("numpy/random/*",),
        because="the sketches, for which NumPy is there, draw nothing: 4 MB",
        unless=("numpy.random",),
    ),
    Rule(drops=("numpy/testing/*", "numpy/typing/*"), because="for tests and type checkers of others"),
)


def pruned(files: Iterable[str], imported: frozenset[str]) -> list[str]:
    """Return which of these files are shipped, given what the function and Sluice import, with dots."""
    rules = [rule for rule in RULES if not any(_reached(each, imported) for each in rule.unless)]
    patterns = [pattern for rule in rules for pattern in rule.drops]
    return [file for file in files if not any(fnmatchcase(file, pattern) for pattern in patterns)]


def _reached(module: str, imported: frozenset[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for name in imported)


def is_installers(file: str) -> bool:
    """Whether a file is about the installation, and so differs between machines: paths, records, bytecode."""
    path = PurePosixPath(file)
    if path.parts[0] == "bin" or file == ".lock" or "__pycache__" in path.parts:
        return True
    return path.parts[0].endswith(".dist-info") and path.name in _RECORDS


_RECORDS: Final = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})
