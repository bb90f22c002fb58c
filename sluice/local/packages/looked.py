"""All about the packages of one environment: built, measured, and checked."""

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sluice.errors import UsageError
from sluice.local.packages.archive import Sizes, files, pulumi_hash, sizes
from sluice.local.packages.budgets import FILE, Budget, budgets
from sluice.local.packages.built import Place, build
from sluice.local.packages.contents import faults, lock_text
from sluice.local.packages.imports import HOST, MOST_ROUNDS, Imported, brought
from sluice.local.packages.target import target_interpreter
from sluice.local.program import run_program

MB: Final = 1_000_000
TOLERANCE: Final = 1.1
"""By how much an import may be above its budget before it is refused: so far two machines, or a machine at
rest and a busy one, disagree about the same package."""

_FUNCTION: Final = "aws:lambda/function:Function"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A function's folder, what its handler finds in the environment, and what it runs on."""

    folder: str
    variables: dict[str, str]
    place: Place


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What is known of one package; `faults` has a line for each thing that is wrong."""

    function: str
    directory: Path
    hash: str
    sizes: Sizes
    contents: tuple[str, ...]
    imported: Imported
    budget: Budget | None
    on_target: Imported | str = "not tried"
    faults: tuple[str, ...] = field(default=())


def wanted(root: Path, stack: str, pipeline: Path | None, named: Sequence[str]) -> list[Wanted]:
    """Return the functions of an environment, or those of them that are named by their folders.

    Raises:
        UsageError: the environment has no such function.
    """
    overrides = {"package_dependencies": False, "code_signing": {"profile": "none"}}
    program = run_program(root, stack, pipeline=pipeline, overrides=overrides)
    found: dict[str, Wanted] = {}
    for inputs in (each.inputs for each in program.resources if each.type == _FUNCTION):
        folder = Path(inputs["code"]["archive"]).parent.name
        place = Place(
            python=inputs["runtime"].removeprefix("python"), architecture=inputs["architectures"][0]
        )
        variables: dict[str, str] = (inputs.get("environment") or {}).get("variables") or {}
        found.setdefault(folder, Wanted(folder=folder, variables=variables, place=place))
    for name in named:
        if name not in found:
            known = ", ".join(sorted(found))
            there = (root / "functions" / name / "handler.py").is_file()
            what = f"functions/{name} is not deployed in {stack}" if there else f"no function {name!r}"
            raise UsageError(f"{what}: name a folder of {known}, or another environment with --env")
    return [found[name] for name in sorted(set(named) or found)]


def look(
    root: Path,
    functions: Sequence[Wanted],
    pipeline: Path,
    *,
    check: bool,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Looked]:
    """Build packages and measure them; with `check`, also build them twice, and import them where they run.

    Raises:
        UsageError: the budgets cannot be read, or a package cannot be built as things are.
        EnvironmentProblem: the dependencies could not be installed.
    """
    names, allowed = [each.folder for each in functions], budgets(root)
    place = functions[0].place
    interpreter = target_interpreter(root, place) if check else "not tried"
    tell(f"building for Python {place.python} on {place.architecture}, and for this machine")
    built = build(root, names, pipeline=pipeline, place=place)
    here = build(root, names, pipeline=pipeline, place=Place())
    found = []
    with brought() as runtime:
        for each in functions:
            tell(f"importing {each.folder}")
            budget = allowed.get(each.folder)
            enough = budget.import_ms if budget else math.inf
            imported = HOST.measuring(here[each.folder], runtime, each.variables, enough)
            found.append(_measured(each, built[each.folder], imported, budget))
        if not check:
            return found
        tell("building again, elsewhere")
        hashes = _twice(root, found, pipeline, place)
        for index, each in enumerate(functions):
            on_target: Imported | str
            if isinstance(interpreter, str):
                on_target = interpreter
            else:
                tell(f"importing {each.folder} on {place.architecture}")
                on_target = interpreter.importing(built[each.folder], runtime, each.variables)
            one = replace(found[index], on_target=on_target)
            wrong = _faults(one, hashes[index], lock_text(root, each.folder), place)
            found[index] = replace(one, faults=tuple(wrong))
        return found


def _measured(which: Wanted, directory: Path, imported: Imported, budget: Budget | None) -> Looked:
    return Looked(
        function=which.folder,
        directory=directory,
        hash=pulumi_hash(directory),
        sizes=sizes(directory),
        contents=tuple(files(directory)),
        imported=imported,
        budget=budget,
    )


def _twice(root: Path, found: list[Looked], pipeline: Path, place: Place) -> list[str]:
    with tempfile.TemporaryDirectory() as elsewhere:
        names = [each.function for each in found]
        again = build(root, names, pipeline=pipeline, place=place, output=Path(elsewhere))
        return [pulumi_hash(again[name]) for name in names]


def _faults(found: Looked, again: str, lock: str, place: Place) -> Iterator[str]:
    if again != found.hash:
        yield f"built elsewhere, its hash is {again[:12]}, not {found.hash[:12]}: remove .sluice, try again"
    yield from faults(found.contents, lock, _markers(place))
    if found.imported.fault:
        yield f"on this machine, {found.imported.fault}"
    if isinstance(found.on_target, Imported) and found.on_target.fault:
        yield f"on {place.architecture}, {found.on_target.fault}"
    if found.budget is None:
        yield f"it has no budget: add a section [{found.function}] to {FILE}"
        return
    if found.sizes.zipped > found.budget.zipped_mb * MB:
        yield (
            f"it has {found.sizes.zipped / MB:.1f} MB zipped, its budget is {found.budget.zipped_mb:g}:"
            f" ship less, or allow more in {FILE}"
        )
    if found.imported.fair_ms > found.budget.import_ms * TOLERANCE:
        yield (
            f"its import took {found.imported.fair_ms:.0f} ms at best of {MOST_ROUNDS} times"
            f" ({found.imported.ms:.0f} here, before this machine's pace is allowed for), its budget is"
            f" {found.budget.import_ms:g}: import less, or allow more in {FILE}"
        )


def _markers(place: Place) -> dict[str, str]:
    """What decides about a lock's conditions on Lambda."""
    machine = {"arm64": "aarch64"}.get(place.architecture or "", "x86_64")
    version = place.python or ""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{version}.0",
        "python_version": version,
        "sys_platform": "linux",
        "extra": "",
    }


def document(found: Sequence[Looked]) -> list[dict[str, Any]]:
    """Everything as plain data."""
    return [
        {
            "function": each.function,
            "directory": str(each.directory),
            "hash": each.hash,
            "zipped_bytes": each.sizes.zipped,
            "unpacked_bytes": each.sizes.unpacked,
            "import_ms": None if each.imported.fault else round(each.imported.fair_ms, 1),
            "import_ms_here": None if each.imported.fault else round(each.imported.ms, 1),
            "budget": None
            if each.budget is None
            else {"zipped_mb": each.budget.zipped_mb, "import_ms": each.budget.import_ms},
            "on_target": _on_target(each.on_target),
            "faults": list(each.faults),
            "contents": list(each.contents),
        }
        for each in found
    ]


def _on_target(found: Imported | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"imported": False, "why": found}
    return {"imported": found.fault is None, "why": found.fault, "import_ms": round(found.ms, 1)}
