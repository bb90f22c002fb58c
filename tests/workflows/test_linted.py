"""Judges of workflows, and of the shell in them, find nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflows.workflow import GITHUB, ROOT

BIN = Path(sys.executable).parent


def said(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode or not done.stdout.strip(), done.stdout
    return done.stdout + done.stderr if done.returncode else ""


def test_actionlint_finds_nothing(actionlint: Path) -> None:
    assert said(actionlint, "-no-color", "-shellcheck", BIN / "shellcheck") == ""


def test_actionlint_finds_what_is_wrong(actionlint: Path, tmp_path: Path) -> None:
    text = (GITHUB / "workflows" / "plan.yml").read_text()
    spoilt = text.replace("run: make setup", "run: echo $UNQUOTED ${{ github.head_ref }}")
    assert spoilt != text
    file = tmp_path / "spoilt.yml"
    file.write_text(spoilt)
    found = said(actionlint, "-no-color", "-shellcheck", BIN / "shellcheck", file)
    assert "SC2086" in found
    assert "untrusted" in found


def test_shellcheck_finds_nothing_in_what_continuous_integration_runs() -> None:
    assert said(BIN / "shellcheck", ".ci/run") == ""


def test_zizmor_finds_nothing() -> None:
    """A judge of security: injection, credentials that stay, permissions, pins, dangerous triggers."""
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", "--format=plain", "."],
        cwd=GITHUB,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "No findings to report" in done.stdout


@pytest.mark.parametrize(
    ("line", "instead", "audit"),
    [
        ("run: make setup\n", "run: make ${{ github.event.pull_request.title }}\n", "template-injection"),
        ("permissions:\n      contents: read\n", "permissions: write-all\n", "excessive-permissions"),
        ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
    ],
)
def test_zizmor_finds_what_is_wrong(line: str, instead: str, audit: str, tmp_path: Path) -> None:
    text = (GITHUB / "workflows" / "plan.yml").read_text()
    assert line in text
    file = tmp_path / ".github" / "workflows" / "plan.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace(line, instead))
    assert audit in said(BIN / "zizmor", "--offline", "--no-progress", "--format=plain", file)
