"""This machine: Pulumi's command line, the pinned packages, the providers' plugins, and git."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from sluice.doctor.case import Case
from sluice.doctor.finding import Finding
from sluice.doctor.pulumi_cli import INSTALL, parts
from sluice.errors import SluiceError

TOOLS, PACKAGES, GIT = "tools", "packages", "git"
PLUGINS: Final = {"pulumi-aws": "aws", "pulumi-gcp": "gcp"}
"""Packages whose version is also that of a plugin."""

_PINNED: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)
_SHOWN: Final = 5
_GIT_SECONDS: Final = 20


def tools(case: Case) -> Iterator[Finding]:
    """Look for Pulumi's command line, and compare its version with that of the library."""
    yield Finding.ok(TOOLS, f"Python {'.'.join(map(str, sys.version_info[:3]))}")
    if case.cli is None:
        yield Finding.problem(
            TOOLS,
            "the Pulumi command line is not on the path",
            "nothing can be deployed, and nobody can say what is",
            f"install it: {INSTALL}",
        )
        return
    here, library = case.cli.version(), parts(version("pulumi"))
    shown = ".".join(map(str, here))
    if here < library:
        yield Finding.warning(
            TOOLS,
            f"the Pulumi command line is {shown}, older than the library, {version('pulumi')}",
            "what the program asks for may be unknown to it",
            f"install a newer one: {INSTALL}",
        )
    else:
        yield Finding.ok(TOOLS, f"Pulumi {shown}")


def packages(case: Case) -> Iterator[Finding]:
    """Compare what is installed with requirements.lock, and the providers' plugins with their packages."""
    pinned = _pins(case.root / "requirements.lock")
    if not pinned:
        yield Finding.warning(
            PACKAGES,
            "there is no requirements.lock to compare with",
            "two people may deploy the same program with different providers",
            "restore it from version control, or write it with `make lock`",
        )
        return
    other = [
        f"{name} {found} for {min(wanted)}"
        for name, wanted in pinned.items()
        if (found := _other(name, wanted))
    ]
    if other:
        more = f" and {len(other) - _SHOWN} more" if len(other) > _SHOWN else ""
        yield Finding.warning(
            PACKAGES,
            f"installed are other versions than requirements.lock pins: {', '.join(other[:_SHOWN])}{more}",
            "the preview may differ from that of others, for no change of yours",
            "make setup",
        )
    else:
        yield Finding.ok(PACKAGES, f"{len(pinned)} packages are as requirements.lock pins them")
    if case.cli is not None:
        yield from _plugins(case.cli.plugins())


def _plugins(installed: dict[str, str]) -> Iterator[Finding]:
    for package, name in PLUGINS.items():
        wanted, found = version(package), installed.get(name)
        if found == wanted:
            yield Finding.ok(PACKAGES, f"plugin {name} {found}")
        else:
            there = f"there is {found}" if found else "none is there"
            yield Finding.ok(PACKAGES, f"plugin {name} {wanted} is fetched by the next preview; {there}")


def git(case: Case) -> Iterator[Finding]:
    """Ask whether what would be deployed is in the history."""
    if shutil.which("git") is None:
        cause = "git is not on the path: whether everything is committed is not known"
        yield Finding.unknown(GIT, cause, "install git, and run this again")
        return
    if _git(case.root, "rev-parse", "--is-inside-work-tree") != "true":
        yield Finding.warning(
            GIT,
            f"{case.root} is no git checkout",
            "what is deployed cannot be told from what was deployed before",
            "keep the project in git: `git init`",
        )
        return
    changed = _git(case.root, "status", "--porcelain", "--", ".").splitlines()
    branch, revision = (
        _git(case.root, "rev-parse", *asked, "HEAD") for asked in (["--abbrev-ref"], ["--short"])
    )
    if changed:
        shown = ", ".join(line[3:] for line in changed[:_SHOWN]) + (", ..." if len(changed) > _SHOWN else "")
        yield Finding.warning(
            GIT,
            f"changed and not committed: {shown}",
            "what `pulumi up` deploys would be in nobody's history",
            "git commit, or git stash",
        )
    else:
        yield Finding.ok(GIT, f"{branch} at {revision}, nothing uncommitted")
    behind = _git(case.root, "rev-list", "--count", "HEAD..@{upstream}")
    if behind.isdigit() and int(behind):
        yield Finding.warning(
            GIT,
            f"{branch} is {behind} commits behind what was last fetched",
            "what others have deployed since would be taken back",
            "git pull",
        )


def _pins(lock: Path) -> dict[str, set[str]]:
    try:
        lines = _PINNED.findall(lock.read_text(encoding="utf-8"))
    except OSError:
        return {}
    found: dict[str, set[str]] = {}
    for name, pinned in lines:  # several where they differ by the version of Python
        found.setdefault(name, set()).add(pinned)
    return found


def _other(name: str, wanted: set[str]) -> str:
    """Return the version that is installed in the place of a pinned one, if any is."""
    try:
        found = version(name)
    except PackageNotFoundError:  # of another platform or Python
        return ""
    return "" if found in wanted else found


def _git(root: Path, *arguments: str) -> str:
    program = shutil.which("git") or "git"
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise SluiceError(f"git did not answer in {_GIT_SECONDS} seconds") from error
    return done.stdout.rstrip() if done.returncode == 0 else ""
