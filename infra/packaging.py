"""A function's package: a directory of its handler, the pipeline file, what both import, and dependencies.

The same input gives the same bytes in the same place: the directory is named by a hash of all that goes into
it, so an unchanged function is neither built nor uploaded again. Pulumi hashes a directory by names and
contents.

What does not change is left alone, so that a preview neither builds nor uploads it. What has not been asked
for in two days goes when something new is built.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.closure import closure
from infra.packaging_target import Host, Target
from infra.pruning import is_installers, pruned
from sluice.errors import EnvironmentProblem, UsageError

_ROOT: Final = Path(__file__).resolve().parent.parent
_OUTPUT: Final = Path(".sluice")
_PROVIDED: Final = frozenset({"boto3", "botocore"})
"""What Lambda's Python runtime brings along."""

_USUAL: Final = Target()
_LEFT_BY_EDITORS: Final = re.compile(r"/[.#][^/]*$|(~|\.bak|\.orig|\.rej|\.swp|\.tmp)$")
"""Copies, locks and folders' views, which lie beside the files of a checkout and differ between machines."""

_PACKAGES_KEPT: Final = 10
"""Of each function: one per environment, and some to go back to."""

_DEPENDENCIES_KEPT: Final = 20
_UNUSED_SECONDS: Final = 2 * 24 * 3600.0


def package(
    function: str,
    *,
    pipeline: str,
    with_dependencies: bool,
    target: Target | Host = _USUAL,
    root: Path = _ROOT,
    output: Path | None = None,
) -> str:
    """Build a function's package, or find it built, and return its directory: below `output`, else .sluice.

    Raises:
        UsageError: the pipeline file imports something that the function does not ship.
        EnvironmentProblem: the dependencies could not be installed.
    """
    source = root / "functions" / function
    if not (source / "handler.py").is_file():
        raise UsageError(
            f"functions/{function} has no handler.py: the program names a function that is not there"
        )
    beside = {path.stem: path for path in source.glob("*.py")} | {"pipeline": Path(pipeline)}
    found = closure(("handler", "pipeline"), beside, root)
    files = {f"{name}.py": beside[name] for name in found.beside}
    files |= {str(path.relative_to(root)): path for path in (*found.files, *_static(found.files))}
    contents = {name: path.read_bytes() for name, path in sorted(files.items())}
    output = output or root / _OUTPUT
    installed: dict[str, Path] = {}
    salt = ""
    if with_dependencies:
        dependencies = _dependencies(source / "requirements.lock", root, target, output)
        _check_foreign(found.foreign, dependencies, function=function, pipeline=pipeline)
        every = sorted(str(path.relative_to(dependencies)) for path in _files(dependencies))
        installed = {name: dependencies / name for name in pruned(every, found.imported)}
        salt = "\0".join([dependencies.name, *installed])
    directory = output / "packages" / function / _digest(contents, salt)
    if _found(directory):
        return str(directory)
    with _appearing(directory) as draft:
        for name in {**installed, **contents}:
            draft.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        for name, path in installed.items():
            shutil.copyfile(path, draft / name)
        for name, content in contents.items():
            draft.joinpath(name).write_bytes(content)
    tidy(directory.parent, keep=_PACKAGES_KEPT)
    return str(directory)


def _found(directory: Path) -> bool:
    """Whether it is built; if so, note that it was asked for, where that can be noted."""
    with suppress(OSError):  # a checkout may be read-only, or another user's
        os.utime(directory)
    return directory.exists()


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())


def _static(modules: Iterable[Path]) -> Iterator[Path]:
    """Yield what lies in the folders `static` of the packages that ship: a page's styles and scripts."""
    for module in modules:
        if module.name == "__init__.py":
            for path in sorted(module.parent.joinpath("static").rglob("*")):
                if path.is_file() and not _LEFT_BY_EDITORS.search(path.as_posix()):
                    yield path


def _dependencies(lock: Path, root: Path, target: Target | Host, output: Path) -> Path:
    """Install a locked dependency group for a platform, once per lock file."""
    if not lock.is_file():
        group = lock.parent.name.replace("_", "-")
        raise UsageError(
            f"{lock.relative_to(root)} is missing: name what the function ships in the dependency group"
            f" {group} of pyproject.toml, such as router's, then run `make lock`"
        )
    directory = output / "dependencies" / _digest({"lock": lock.read_bytes()}, target.salt)
    if _found(directory):
        return directory
    with _appearing(directory) as draft:
        command = [
            str(Path(sys.executable).with_name("uv")),
            *("pip", "install", "--quiet", "--target", str(draft), "--link-mode", "copy"),
            *(*target.chosen, "--only-binary", ":all:"),
            *("--no-deps", "--require-hashes", "-r", str(lock)),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, cwd=root)
        except FileNotFoundError:
            raise EnvironmentProblem("uv is missing beside the interpreter: run `make setup`") from None
        except subprocess.CalledProcessError as error:
            raise EnvironmentProblem(
                f"could not install {lock.relative_to(root)} for {target.salt}: {_reason(error.stderr)};"
                " check the network, run `make lock` if the file was edited, or set package_dependencies to"
                " false for a look without dependencies"
            ) from None
        for path in list(_files(draft)):
            if is_installers(path.relative_to(draft).as_posix()):
                path.unlink()
    tidy(directory.parent, keep=_DEPENDENCIES_KEPT)
    return directory


def _reason(said: str) -> str:
    """Join what uv says is wrong and why; the lines between quote files and hashes."""
    lines = [line.strip().partition(": ") for line in said.splitlines()]
    told = [words.rstrip(".") for head, _, words in lines if head in {"error", "cause"}]
    return ": ".join(told) or "no reason given"


def tidy(folder: Path, *, keep: int, now: float | None = None) -> None:
    """Drop builds that nobody has asked for in two days, beyond the `keep` that were asked for last.

    Younger ones may be those of a local cloud that runs, or of a preview elsewhere in this checkout.
    """
    used = sorted(((_used(path), path) for path in folder.iterdir()), reverse=True)
    latest = (time.time() if now is None else now) - _UNUSED_SECONDS
    for when, path in used[keep:]:
        if when < latest:
            shutil.rmtree(path, ignore_errors=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process tidies, too
        return 0.0


def _check_foreign(foreign: frozenset[str], dependencies: Path, *, function: str, pipeline: str) -> None:
    shipped = {path.name.partition(".")[0] for path in dependencies.iterdir()}
    missing = sorted(foreign - shipped - sys.stdlib_module_names - _PROVIDED)
    if missing:
        raise UsageError(
            f"{pipeline} or the handler imports {', '.join(missing)}, which functions/{function} does not"
            f" ship: drop the import, or add it to the group {function.replace('_', '-')} in pyproject.toml,"
            " and run `make lock`"
        )


class _appearing:  # noqa: N801 reads as a verb phrase where it is used
    """Build a directory aside and let it appear whole; if another process was faster, theirs stays."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=self._target.parent))
        except OSError as error:
            raise EnvironmentProblem(
                f"{self._target.parent} cannot be written, where packages are built: {error.strerror}"
            ) from None
        self._draft.chmod(0o755)
        return self._draft

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                os.rename(self._draft, self._target)  # noqa: PTH104 must fail, not merge, when the target exists
        except OSError:
            if not self._target.exists():
                raise
        finally:
            shutil.rmtree(self._draft, ignore_errors=True)


def _digest(contents: Mapping[str, bytes], salt: str) -> str:
    digest = hashlib.sha256(salt.encode())
    for name, content in contents.items():
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]
