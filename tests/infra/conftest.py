"""The program, run under both environments as `pulumi up` would run it, without any account."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluice.local.declared import Declared
from sluice.local.program import Program, run_program
from tests.infra.switches import EVERYTHING, all_on

ROOT = Path(__file__).resolve().parents[2]
ORDERS = Path(__file__).with_name("orders.py")
OFF = {
    "lake": {"enabled": False},
    "search_sink": {"mode": "none"},
    "alarms": {"enabled": False},
    "auditor": {"enabled": False},
}
"""What has tests of its own, and the others do without: sinks that are switched per environment, the auditor,
and alarms, which are more than all else together."""

AMBIENT = ("AWS_", "GOOGLE_", "CLOUDSDK_", "PULUMI_", "SLUICE_")

Run = Callable[..., Program]


@pytest.fixture(autouse=True)
def _no_ambient_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a shell happens to hold may change what is declared."""
    for name in [name for name in os.environ if name.startswith(AMBIENT)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def run() -> Run:
    """Run the program; each run has an event loop and a Pulumi runtime of its own."""

    def run(stack: str, *, pipeline: Path = ORDERS, preview: bool = False, **overrides: Any) -> Program:
        return run_program(
            ROOT,
            stack,
            overrides={"package_dependencies": False, **OFF, **overrides},
            pipeline=pipeline,
            preview=preview,
        )

    return run


@pytest.fixture(scope="session")
def programs(run: Run) -> dict[str, Program]:
    return {"dev": run("dev"), "prod": run("prod")}


@pytest.fixture(scope="session")
def everything(run: Run) -> Program:
    """All that can be declared at once."""
    return run("dev", pipeline=EVERYTHING, **all_on("dev"))


@pytest.fixture(params=["dev", "prod"])
def program(request: pytest.FixtureRequest, programs: dict[str, Program]) -> Program:
    found: Program = programs[request.param]
    return found


@pytest.fixture
def resources(program: Program) -> dict[str, Declared]:
    return by_name(program)


@pytest.fixture(scope="session")
def named() -> Callable[[Program], dict[str, Declared]]:
    return by_name


@pytest.fixture(scope="session")
def without_metrics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small pipeline, with nothing to count."""
    file = tmp_path_factory.mktemp("plain") / "pipeline.py"
    text, _, _ = ORDERS.read_text().partition("pipeline = Pipeline(")
    file.write_text(f"{text}pipeline = Pipeline(events=[Order, Visit])\n")
    return file


def by_name(program: Program) -> dict[str, Declared]:
    """All resources by logical name; two of one name would hide each other, so there must be none."""
    found = {each.name: each for each in program.resources}
    assert len(found) == len(program.resources)
    return found
