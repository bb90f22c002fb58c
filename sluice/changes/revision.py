"""The program of another revision: its files in a folder of their own, run by a process of its own."""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Final

import msgspec

from sluice.changes.document import Document, nothing, read
from sluice.contract.snapshot import SNAPSHOT_FILE, read_snapshot
from sluice.errors import EnvironmentProblem, SluiceError, UsageError

_RUN: Final = """
import contextlib, pathlib, sys
from sluice.cli.main import run
folder, pipeline, *environments = sys.argv[1:]
for name in environments:
    with (pathlib.Path(folder) / f"{name}.json").open("w", encoding="utf-8") as file:
        with contextlib.redirect_stdout(file):
            status = run(["graph", "--env", name, "--json", *(["--pipeline", pipeline] if pipeline else [])])
    sys.stderr.write(f"\\n{name} ended with {status}\\n")
"""
"""Runs in the older revision: its own `sluice graph --json`, for each environment in one process.

Status 1 is a rule that is broken: the document is there all the same.
"""
_TIME: Final = 600.0
_DONE: Final = (0, 1)


def commit(root: Path, revision: str) -> str:
    """Return the short hash of a revision.

    Raises:
        UsageError: git knows no such revision here.
        EnvironmentProblem: there is no git, or no repository.
    """
    _git(root, "rev-parse", "--git-dir")
    try:
        return _git(root, "rev-parse", "--verify", "--short", f"{revision}^{{commit}}").decode().strip()
    except EnvironmentProblem:
        raise UsageError(
            f"--diff {revision}: git knows no such revision here; give a branch, a tag or a commit that is"
            f" fetched (`git fetch origin {revision}`, then --diff FETCH_HEAD)"
        ) from None


def changed_here(root: Path) -> bool:
    """Whether the working tree has anything that its commit has not."""
    return bool(_git(root, "status", "--porcelain", "--", ".").strip())


@contextmanager
def tree(root: Path, hash_: str) -> Iterator[Path]:
    """Lay out the files of a commit below a temporary folder, those of the project's directory alone.

    Of a commit that has no such directory, nothing; links that lead out of it are left out.
    """
    there = _git(root, "ls-tree", hash_, "./")
    archive = _git(root, "archive", "--format=tar", hash_) if there else b""
    with tempfile.TemporaryDirectory(prefix="sluice-plan-") as folder:
        target = Path(folder).resolve() / "project"
        target.mkdir()
        if archive:
            with tarfile.open(fileobj=BytesIO(archive)) as tar:
                tar.extractall(target, filter=_within)  # noqa: S202 - by the filter that tarfile has for it
        yield target


def _within(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    try:
        return tarfile.data_filter(member, folder)
    except tarfile.FilterError:
        return None


def documents(project: Path, environments: Sequence[str], pipeline: Path | None) -> dict[str, Document | str]:
    """Run the program of another revision; by environment its document, or the line why there is none.

    An environment that it does not have is empty there.
    """
    there = [name for name in environments if (project / f"Pulumi.{name}.yaml").is_file()]
    found: dict[str, Document | str] = {name: nothing(name) for name in environments if name not in there}
    if there:
        found |= _run(project, there, pipeline)
    return {name: found[name] for name in environments}


def _run(project: Path, environments: list[str], pipeline: Path | None) -> dict[str, Document | str]:
    with tempfile.TemporaryDirectory(prefix="sluice-graph-") as folder:
        command = [sys.executable, "-c", _RUN, folder, str(pipeline or ""), *environments]
        surroundings = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
        surroundings.pop("SLUICE_PIPELINE", None)
        try:
            done = subprocess.run(
                command,
                check=False,
                cwd=project,
                env=surroundings,
                capture_output=True,
                text=True,
                timeout=_TIME,
            )
        except subprocess.TimeoutExpired:
            return dict.fromkeys(environments, f"it did not end within {_TIME:.0f} seconds")
        said = _by_environment(done.stderr, environments)
        found = {name: _document(Path(folder) / f"{name}.json", said[name]) for name in environments}
        return {name: _with_contract(each, project) for name, each in found.items()}


def _with_contract(document: Document | str, project: Path) -> Document | str:
    """Take the committed contract of a revision that does not tell it by itself."""
    lock = project / SNAPSHOT_FILE
    if isinstance(document, str) or document.contract is not None or not lock.is_file():
        return document
    try:
        return msgspec.structs.replace(document, contract=read_snapshot(lock))
    except SluiceError:
        return document


def _by_environment(said: str, environments: list[str]) -> dict[str, str]:
    """Part what a run has said on stderr; what was said before it broke off belongs to all that follow."""
    parts = {}
    rest = said
    for name in environments:
        part, _, after = rest.partition(f"\n{name} ended with ")
        parts[name] = part
        rest = after.partition("\n")[2] if after else rest
    return parts


def _document(file: Path, said: str) -> Document | str:
    try:
        return read(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return _reason(said)
    except SluiceError as error:
        return str(error)


def _reason(said: str) -> str:
    """Return the one line that says why a run failed: the error's, else the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines[-1:] or ["it said nothing of why"])[-1]


def _git(root: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", *arguments], check=True, cwd=root, capture_output=True).stdout  # noqa: S607 whichever git the user has
    except FileNotFoundError:
        raise EnvironmentProblem("git is not installed, which --diff takes the other revision from") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().splitlines()
        raise EnvironmentProblem(f"git: {(reason or ['no reason given'])[0]}") from None
