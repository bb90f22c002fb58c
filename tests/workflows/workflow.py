"""GitHub's workflows as they stand in their files, and their scripts run as a runner would run them."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)

SHELLS = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
"""How a runner starts scripts (GitHub docs, workflow syntax: jobs.<job_id>.steps[*].shell)."""

_STUB = """#!{python} -SEB
import json, os, pathlib, sys
name = pathlib.Path(sys.argv[0]).name
given = [name, *sys.argv[1:]]
folder = pathlib.Path(os.environ["STUBS"])
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps(given) + "\\n")
for beginning, status, said in json.loads((folder / "answers").read_text()):
    if given[: len(beginning)] == beginning:
        (sys.stderr if status else sys.stdout).write(said)
        sys.exit(status)
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: where it stands, and what it says."""

    file: str
    job: str
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.body.get("name") or self.body.get("uses") or self.body.get("run"))


@cache
def loaded(file: Path) -> dict[str, Any]:
    content = yaml.safe_load(file.read_text())
    # YAML 1.1 takes the key `on` for the truth.
    return {("on" if key is True else key): value for key, value in content.items()}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in loaded(file)["jobs"].items():
            yield file.stem, name, job


def steps() -> Iterator[Step]:
    for file, name, job in jobs():
        for body in job.get("steps", []):
            yield Step(file=file, job=name, body=body)
    for action in ACTIONS:
        for body in loaded(action)["runs"]["steps"]:
            yield Step(file=action.parent.name, job="", body=body)


def step(file: str, name: str, job: str | None = None) -> Step:
    (found,) = (
        each for each in steps() if each.file == file and each.name == name and job in {None, each.job}
    )
    return found


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a step did: its status, what it printed, its outputs and summary, and what it called."""

    status: int
    printed: str
    outputs: dict[str, str]
    summary: str
    calls: list[list[str]]


class Runner:
    """A workspace, and commands that only write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.workspace, self._stubs = folder / "workspace", folder / "stubs"
        (self.workspace / ".venv" / "bin").mkdir(parents=True)
        self._stubs.mkdir()
        (self.workspace / ".github").symlink_to(GITHUB)
        self.answers: list[tuple[list[str], int, str]] = []
        (self._stubs / "python3").symlink_to(os.path.realpath(sys.executable))
        for name in ("pulumi", "gh", "make"):
            self._stub(self._stubs / name)
        self._stub(self.workspace / ".venv" / "bin" / "sluice")

    def answer(self, *beginning: str, status: int = 0, said: str = "") -> None:
        """Let calls that begin like this end so; the first that fits counts."""
        self.answers.append((list(beginning), status, said))

    def run(self, each: Step, values: Mapping[str, str] = {}, **env: str) -> Ran:
        """Run a step's script; `values` are what its expressions come to."""
        given = {key: evaluated(str(text), values) for key, text in (each.body.get("env") or {}).items()}
        files = {name: self._stubs / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        (self._stubs / "answers").write_text(json.dumps(self.answers))
        (self._stubs / "calls").write_text("")
        script = self._stubs / "script.sh"
        script.write_text(each.body["run"])
        done = subprocess.run(
            [*SHELLS[each.body.get("shell")], str(script)],
            cwd=self.workspace,
            env={
                "PATH": f"{self._stubs}:{os.environ['PATH']}",
                "HOME": str(self.workspace),
                "STUBS": str(self._stubs),
                **{name: str(file) for name, file in files.items()},
                **given,
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines = files["GITHUB_OUTPUT"].read_text().splitlines()
        return Ran(
            status=done.returncode,
            printed=done.stdout,
            outputs=dict(line.split("=", 1) for line in lines),
            summary=files["GITHUB_STEP_SUMMARY"].read_text(),
            calls=[json.loads(line) for line in (self._stubs / "calls").read_text().splitlines()],
        )

    def commit(self, message: str) -> str:
        """Commit all of the workspace but commands and scripts; returns the commit."""
        if not (self.workspace / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main")
            (self.workspace / ".git" / "info" / "exclude").write_text(".venv\n.github\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
        return subprocess.run(
            ["git", *who, *arguments],  # noqa: S607 whichever git is there
            cwd=self.workspace,
            env={"PATH": os.environ["PATH"], "HOME": str(self.workspace), "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def _stub(self, path: Path) -> None:
        path.write_text(_STUB.replace("{python}", os.path.realpath(sys.executable)))
        path.chmod(0o755)


def evaluated(text: str, values: Mapping[str, str]) -> str:
    """Put in what expressions come to; one that the test does not know is an error of the test."""
    return EXPRESSION.sub(lambda found: values[found[1]], text)
