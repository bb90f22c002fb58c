"""Which functions ship other code or other dependencies than before."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from sluice.changes.document import Document

_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_LOCK: Final = "requirements.lock"
_PULUMI: Final = "pulumi"


class PackageChange(msgspec.Struct, frozen=True, kw_only=True):
    """A function's folder whose package differs.

    `files` are those of Sluice and the pipeline that are new, gone or others; `dependencies` are told as
    `name 1.0 -> 2.0`.
    """

    folder: str
    files: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()


def package_changes(before: Document, after: Document, was: Path | None, root: Path) -> list[PackageChange]:
    """Compare the packages of functions that both programs have; `was` and `root` are their directories."""
    old, new = dict(_archives(before)), dict(_archives(after))
    found = []
    for folder in sorted(old.keys() & new.keys()):
        files = (
            tuple(_files(Path(old[folder]), Path(new[folder]))) if _named(old[folder], new[folder]) else ()
        )
        pinned = tuple(_dependencies(was, root, folder)) if was else ()
        if files or pinned:
            found.append(PackageChange(folder=folder, files=files, dependencies=pinned))
    return found


def provider_changes(was: Path, root: Path) -> tuple[str, ...]:
    """Return what differs between two checkouts' pins of Pulumi and its providers, as `name 1.0 -> 2.0`."""
    return tuple(each for each in _pins_changed(was / _LOCK, root / _LOCK) if each.startswith(_PULUMI))


def _archives(document: Document) -> Iterator[tuple[str, str]]:
    """Yield each function's folder, and the directory of its package, which is named by its contents."""
    for each in document.resources:
        for archive in _held(each.inputs):
            yield Path(archive).parent.name, archive


def _held(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"archive"}:
            yield str(value["archive"])
            return
        for item in value.values():
            yield from _held(item)
    elif isinstance(value, list):
        for item in value:
            yield from _held(item)


def _named(old: str, new: str) -> bool:
    return Path(old).name != Path(new).name


def _files(old: Path, new: Path) -> Iterator[str]:
    """Yield what differs; a package that is no longer there differs as a whole."""
    before, after = _contents(old), _contents(new)
    if not before or not after:
        yield "the package as a whole"
        return
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            sign = "+ " if name not in before else "- " if name not in after else ""
            yield f"{sign}{name}"


def _contents(directory: Path) -> dict[str, bytes]:
    if not directory.is_dir():
        return {}
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _dependencies(was: Path, root: Path, folder: str) -> Iterator[str]:
    lock = Path("functions") / folder / _LOCK
    return _pins_changed(was / lock, root / lock)


def _pins_changed(before: Path, after: Path) -> Iterator[str]:
    old, new = _pinned(before), _pinned(after)
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"


def _pinned(lock: Path) -> dict[str, str]:
    return dict(_PINNED.findall(lock.read_text(encoding="utf-8"))) if lock.is_file() else {}
