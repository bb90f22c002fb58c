"""A runner for each test, and the tools that judge workflows."""

import os
import shutil
from pathlib import Path

import pytest

from tests.workflows.workflow import ROOT, Runner

ACTIONLINT = ROOT / ".sluice" / "bin" / "actionlint"


def required(reason: str) -> None:
    """Skip for want of a tool; on continuous integration, fail."""
    if os.environ.get("SLUICE_REQUIRE_ACTIONLINT"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


@pytest.fixture
def _jq() -> None:
    if shutil.which("jq") is None:
        required("no jq here, which GitHub's runners have: apt-get install jq")


@pytest.fixture
def actionlint() -> Path:
    if not ACTIONLINT.exists():
        required("no actionlint here, which takes Go: make actionlint")
    return ACTIONLINT
