"""Pulumi's own command line, asked for what only it knows: the backend, the stacks, their state.

Shapes of `--json`: stack ls, whoami and plugin ls as Pulumi's Go sources define them (pkg/cmd/pulumi, and
sdk/go/auto, read 2026-11); stack export is {"version": 3, "deployment": {"resources": [...]}}.
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluice.errors import EnvironmentProblem, NoCloud

SECONDS = 120
"""How long it may take: it may have to ask a distant state backend."""

INSTALL = "https://www.pulumi.com/docs/install/"
_SECRET = re.compile(r"://[^/@\s]+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack as the backend lists it; `resources` is None where the backend does not say."""

    name: str
    updating: bool
    resources: int | None


class PulumiCli:
    """The command line, run in the project's directory; never interactive."""

    def __init__(self, root: Path, program: str) -> None:
        self._root, self._program = root, program

    @classmethod
    def find(cls, root: Path) -> "PulumiCli | None":
        """Return the one on the path; None when there is none."""
        program = shutil.which("pulumi")
        return None if program is None else cls(root, program)

    def version(self) -> tuple[int, ...]:
        """Return its version, such as (3, 272, 0).

        Raises:
            EnvironmentProblem: it says nothing that reads as a version.
        """
        said = self._run("version").strip()
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", said)
        if found is None:
            raise EnvironmentProblem(f"`pulumi version` says {said[:60]!r}")
        return tuple(int(part) for part in found.groups())

    def backend(self) -> str:
        """Return where the state is kept.

        Raises:
            EnvironmentProblem: nobody is logged in, or the backend does not answer.
        """
        said = self._json("whoami", "--json")
        return without_secrets(str(said.get("url") or "")) if isinstance(said, dict) else ""

    def stacks(self) -> list[Stack]:
        """List the project's stacks; raises EnvironmentProblem as `backend` does."""
        said = self._json("stack", "ls", "--json")
        return [
            Stack(
                # A backend for many organisations answers organization/project/stack.
                name=str(each["name"]).rpartition("/")[2],
                updating=bool(each.get("updateInProgress")),
                resources=each.get("resourceCount"),
            )
            for each in (said if isinstance(said, list) else [])
        ]

    def plugins(self) -> dict[str, str]:
        """Return the newest version of each resource plugin that is installed."""
        said = self._json("plugin", "ls", "--json")
        found: dict[str, str] = {}
        for each in said if isinstance(said, list) else []:
            version = str(each.get("version") or "").removeprefix("v")
            if each.get("kind") == "resource" and parts(version) >= parts(found.get(str(each["name"]), "0")):
                found[str(each["name"])] = version
        return found

    def outputs(self, stack: str) -> dict[str, Any]:
        """Return a stack's exports; raises NoCloud when there is no such stack."""
        said = self._json("stack", "output", "--json", "--stack", stack)
        return said if isinstance(said, dict) else {}

    def state(self, stack: str) -> dict[str, Any]:
        """Return a stack's deployment: its `resources`, and its `pending_operations` if there are any.

        Raises:
            NoCloud: there is no such stack.
            EnvironmentProblem: the answer is no state.
        """
        said = self._json("stack", "export", "--stack", stack)
        if not isinstance(said, dict) or not isinstance(said.get("deployment"), dict):
            raise EnvironmentProblem(f"stack {stack}: `pulumi stack export` answers with no deployment")
        deployment: dict[str, Any] = said["deployment"]
        return deployment

    def _json(self, *arguments: str) -> Any:
        said = self._run(*arguments, "--non-interactive")
        try:
            return json.loads(said)
        except ValueError as error:
            raise EnvironmentProblem(
                f"`pulumi {' '.join(arguments)}` answered with something that is not JSON"
            ) from error

    def _run(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [self._program, *arguments],
                cwd=self._root,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise EnvironmentProblem(f"Pulumi did not answer in {SECONDS} seconds") from error
        except OSError as error:
            raise EnvironmentProblem(f"{self._program} cannot be run: {error.strerror}") from error
        if done.returncode:
            said = " ".join(done.stderr.split()).removeprefix("error: ")
            raise NoCloud(without_secrets(said) or f"exit status {done.returncode}")
        return done.stdout


def without_secrets(text: str) -> str:
    """Return a text without what stands before the @ of an address."""
    return _SECRET.sub("://", text)


def parts(version: str) -> tuple[int, ...]:
    """Return a version's numbers, for comparing."""
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3])


def required_cli(root: Path, env: str) -> PulumiCli:
    """Return the command line, which knows what is deployed; raises EnvironmentProblem without one."""
    found = PulumiCli.find(root)
    if found is None:
        raise EnvironmentProblem(f"--env {env}: the Pulumi command line is not installed; see {INSTALL}")
    return found
