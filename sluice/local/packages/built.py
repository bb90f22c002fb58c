"""Packages of a project, built by its own `infra` in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sluice.errors import EnvironmentProblem, UsageError

ELSEWHERE: Final = {"TZ": "Pacific/Chatham", "LC_ALL": "C", "PYTHONHASHSEED": "1"}
"""Surroundings of a second build: nothing of them may find its way into a package."""

_TIGHT: Final = 0o077
_USUAL: Final = 0o022


@dataclass(frozen=True, kw_only=True)
class Place:
    """What packages run on: a Lambda runtime, or this machine where both are None."""

    python: str | None = None
    architecture: str | None = None


def build(
    root: Path,
    functions: Sequence[str],
    *,
    pipeline: Path,
    place: Place,
    output: Path | None = None,
) -> dict[str, Path]:
    """Build packages, or find them built, and return their directories by the functions' folders.

    With `output`, everything is built there from nothing, in another working directory and with another
    umask, time zone, locale and hash seed.

    Raises:
        UsageError: a function imports something that it does not ship.
        EnvironmentProblem: the dependencies could not be installed.
    """
    request = {
        "functions": list(functions),
        "pipeline": str(pipeline),
        "python": place.python,
        "architecture": place.architecture,
        "output": str(output) if output else None,
    }
    surroundings: Mapping[str, str] = ELSEWHERE if output else {}
    done = subprocess.run(
        [sys.executable, "-m", "infra.build_packages", json.dumps(request)],
        check=False,
        capture_output=True,
        text=True,
        cwd=output or root,
        env={**os.environ, **surroundings, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        umask=_TIGHT if output else _USUAL,
    )
    if done.returncode:
        line = (done.stderr.strip() or "no reason given").splitlines()[-1]
        kind = UsageError if done.returncode == UsageError.exit_code else EnvironmentProblem
        raise kind(line)
    found: dict[str, str] = json.loads(done.stdout)
    return {function: Path(directory) for function, directory in found.items()}
