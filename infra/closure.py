"""Which modules a function needs: what its handler and pipeline import, followed to the end."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sluice.errors import UsageError

_OWN = "sluice"
_ONLY_CHECKERS = ("TYPE_CHECKING", "typing.TYPE_CHECKING")


@dataclass(frozen=True)
class Closure:
    """The files of `sluice` to ship, the modules that lie beside the handler, and the foreign ones.

    `beside` are names; `imported` are names with dots.
    """

    files: tuple[Path, ...]
    beside: frozenset[str]
    imported: frozenset[str]

    @property
    def foreign(self) -> frozenset[str]:
        """The top-level names of the foreign modules."""
        return frozenset(name.partition(".")[0] for name in self.imported)


def closure(entries: Iterable[str], beside: Mapping[str, Path], root: Path) -> Closure:
    """Follow imports from some of the modules that may lie beside each other in a package, by their names.

    Only what runs counts: imports under `if TYPE_CHECKING` do not. Imports inside functions do, since nothing
    says that they will not run.
    """
    files: set[Path] = set()
    needed = set(entries)
    imported: set[str] = set()
    seen: set[str] = set()
    todo = [beside[entry] for entry in sorted(needed)]
    while todo:
        path = todo.pop()
        for name in _imports(path, root):
            top = name.partition(".")[0]
            if top in beside:
                if top not in needed:
                    needed.add(top)
                    todo.append(beside[top])
                continue
            if top != _OWN:
                imported.add(name)
                continue
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):  # the packages above a module are imported before it
                module = ".".join(parts[:depth])
                if module not in seen:
                    seen.add(module)
                    found = [own for own in _own_files(module, root) if own not in files]
                    files.update(found)
                    todo += found
    return Closure(files=tuple(sorted(files)), beside=frozenset(needed), imported=frozenset(imported))


def _own_files(module: str, root: Path) -> Iterator[Path]:
    """Yield a module's file, or a package's `__init__`; a name in a module has none."""
    base = root.joinpath(*module.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            yield candidate


def _imports(path: Path, root: Path) -> tuple[str, ...]:
    package = path.relative_to(root).parent.parts if path.is_relative_to(root) else ()
    try:
        return _imported(path.read_bytes(), package)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)  # a null byte has none
        where = f", line {line}: {error.msg}" if isinstance(error, SyntaxError) and line else f": {error}"
        raise UsageError(f"{path} cannot be packaged{where}") from None


@lru_cache(maxsize=1000)
def _imported(source: bytes, package: tuple[str, ...]) -> tuple[str, ...]:
    """Names that a module imports; most functions share most modules, so each text is parsed once."""
    return tuple(_names(ast.parse(source), package))


def _names(tree: ast.Module, package: tuple[str, ...]) -> Iterator[str]:
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [above, node.module]))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree without the branches that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in _ONLY_CHECKERS:
            yield from (found for other in child.orelse for found in [other, *_running(other)])
            continue
        yield child
        yield from _running(child)
