"""Packages looked into: the hash that Pulumi computes, what they may hold, imports with nothing else near."""

import json
import os
import sys
from pathlib import Path

import pytest

from sluice.errors import UsageError
from sluice.local.packages.archive import pulumi_hash, sizes
from sluice.local.packages.budgets import Budget, budgets
from sluice.local.packages.built import Place
from sluice.local.packages.contents import faults
from sluice.local.packages.imports import (
    FEWEST_ROUNDS,
    HOST,
    MOST_ROUNDS,
    YARDSTICK_MS,
    Imported,
    Interpreter,
    brought,
    fastest,
)
from sluice.local.packages.target import VARIABLE, target_interpreter

LOCK = """\
msgspec==0.22.0 \\
    --hash=sha256:00
numpy==2.4.6 ; python_version == '3.11' \\
    --hash=sha256:00
"""
MARKERS = {"python_version": "3.13", "platform_machine": "aarch64", "extra": ""}
WHOLE = [
    "handler.py",
    "pipeline.py",
    "sluice/errors.py",
    "msgspec/__init__.py",
    "msgspec-0.22.0.dist-info/METADATA",
]


def written(directory: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return directory


def test_the_hash_is_the_one_that_pulumi_computes(tmp_path: Path) -> None:
    """The expected one is what Go's archive/tar made, fed as Pulumi feeds it; one name needs a prefix."""
    long = f"a/b/{'d' * 60}/{'f' * 70}.txt"
    files = {"a.py": b"one", "a/x.py": b"two\n", long: bytes(600)}
    found = pulumi_hash(written(tmp_path, files))
    assert found == "7b9e83c344e3d2f9e0a7e4dcf73c88c28d26ac88c0698570a373b9357b1e775f"


def test_the_hash_sees_names_and_contents_and_nothing_else(tmp_path: Path) -> None:
    files = {"handler.py": b"x = 1\n", "sluice/a.py": b""}
    one, two = written(tmp_path / "one", files), written(tmp_path / "two", dict(reversed(files.items())))
    os.utime(two / "handler.py", (0, 0))
    (two / "handler.py").chmod(0o600)
    (two / "empty").mkdir()
    assert pulumi_hash(one) == pulumi_hash(two)
    (two / "sluice" / "a.py").rename(two / "sluice" / "b.py")
    assert pulumi_hash(one) != pulumi_hash(two)


def test_sizes_are_of_the_archive_and_of_the_files(tmp_path: Path) -> None:
    found = sizes(written(tmp_path, {"handler.py": b"x" * 100_000}))
    assert found.unpacked == 100_000
    assert 100 < found.zipped < 1_000


def test_a_package_as_it_must_be_has_no_faults() -> None:
    assert list(faults(WHOLE, LOCK, MARKERS)) == []


@pytest.mark.parametrize(
    ("more", "less", "said"),
    [
        ("sluice/__pycache__/a.cpython-313.pyc", None, "is bytecode"),
        ("six.dist-info/RECORD", None, "tells of this machine"),
        ("bin/uvicorn", None, "tells of this machine"),
        ("botocore/session.py", None, "botocore must not be shipped: Lambda brings it"),
        ("pulumi/__init__.py", None, "pulumi must not be shipped: it is a tool"),
        ("sluice/cli/main.py", None, "sluice/cli must not be shipped"),
        ("left_pad-1.0.dist-info/METADATA", None, "left-pad is shipped, but not locked"),
        (None, "msgspec-0.22.0.dist-info/METADATA", "msgspec is locked, but missing"),
        (None, "handler.py", "handler.py is missing"),
    ],
)
def test_what_is_foreign_or_missing_is_named(more: str | None, less: str | None, said: str) -> None:
    names = [name for name in [*WHOLE, more] if name and name != less]
    assert any(said in line for line in faults(names, LOCK, MARKERS))


def test_a_lock_of_another_python_asks_for_what_that_one_needs() -> None:
    older = {**MARKERS, "python_version": "3.11"}
    assert list(faults(WHOLE, LOCK, older)) == ["numpy is locked, but missing"]


def handler(tmp_path: Path, text: str) -> Imported:
    with brought() as runtime:
        package = written(tmp_path / "package", {"handler.py": text.encode()})
        found = HOST.importing(package, runtime, {"SLUICE_SINK": "bigquery"})
    assert not list(package.rglob("*.pyc")), "a package is as it was"
    return found


def test_a_handler_finds_its_variables_and_what_lambda_brings(tmp_path: Path) -> None:
    found = handler(
        tmp_path,
        "import os\nimport botocore.session\nassert os.environ['SLUICE_SINK'] == 'bigquery'\n"
        "def handler(event, context): ...\n",
    )
    assert found.fault is None
    assert found.ms > 0
    assert "botocore" in found.modules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import msgspec\n", "ModuleNotFoundError: No module named 'msgspec'"),
        ("import sluice\n", "ModuleNotFoundError: No module named 'sluice'"),
        ("handler = 1\n", "handler.handler is no function"),
        ("raise ValueError('no table')\n", "ValueError: no table"),
    ],
)
def test_a_handler_that_needs_more_than_its_package_says_so_in_one_line(
    text: str, said: str, tmp_path: Path
) -> None:
    found = handler(tmp_path, text)
    assert found.fault is not None
    assert said in found.fault
    assert "\n" not in found.fault


def test_a_busy_core_is_not_held_against_an_import() -> None:
    assert Imported(ms=600.0, yardstick_ms=2 * YARDSTICK_MS).fair_ms == pytest.approx(300.0)
    assert Imported(ms=300.0, yardstick_ms=YARDSTICK_MS / 2).fair_ms == pytest.approx(300.0), (
        "a fast one keeps its own"
    )


def test_a_moment_in_which_the_yardstick_was_slow_flatters_no_import() -> None:
    rounds = [
        Imported(ms=440.0, yardstick_ms=2 * YARDSTICK_MS),
        Imported(ms=460.0, yardstick_ms=YARDSTICK_MS),
    ]
    assert fastest(rounds).fair_ms == pytest.approx(440.0)


def test_an_import_is_measured_until_it_is_within_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    took = [500.0] * (FEWEST_ROUNDS + 2) + [390.0] * MOST_ROUNDS
    calls: list[float] = []

    def importing(*_: object) -> Imported:
        calls.append(took[len(calls)])
        return Imported(ms=calls[-1])

    monkeypatch.setattr(Interpreter, "importing", importing)
    assert HOST.measuring(tmp_path, tmp_path, {}, enough_ms=400.0).ms == pytest.approx(390.0)
    assert len(calls) == FEWEST_ROUNDS + 3
    calls.clear()
    assert HOST.measuring(tmp_path, tmp_path, {}, enough_ms=100.0).ms == pytest.approx(390.0)
    assert len(calls) == MOST_ROUNDS


def test_budgets_are_read(tmp_path: Path) -> None:
    written(tmp_path, {"functions/budgets.toml": b"[router]\nzipped_mb = 2\nimport_ms = 400.5\n"})
    assert budgets(tmp_path) == {"router": Budget(zipped_mb=2.0, import_ms=400.5)}


@pytest.mark.parametrize("text", ["[router]\nzipped_mb = 2\n", "router = 1\n", "nonsense"])
def test_budgets_that_cannot_be_read_are_one_line(text: str, tmp_path: Path) -> None:
    written(tmp_path, {"functions/budgets.toml": text.encode()})
    with pytest.raises(UsageError, match=r"budgets\.toml: .*; accepted are sections"):
        budgets(tmp_path)


def test_every_function_has_a_budget() -> None:
    root = Path(__file__).parents[3]
    functions = {path.parent.name for path in root.glob("functions/*/handler.py")}
    assert budgets(root).keys() == functions


def python(tmp_path: Path, version: str, machine: str) -> str:
    """A command that says that it is some Python, and starts this one."""
    fake = tmp_path / "python"
    said = json.dumps([version, machine, "Linux"])
    fake.write_text(
        f"#!/bin/sh\ncase \"$*\" in *platform.machine*) echo '{said}' ;;\n"
        f'*) exec {sys.executable} "$@" ;;\nesac\n'
    )
    fake.chmod(0o755)
    return str(fake)


def test_a_python_for_the_target_is_taken_from_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, python(tmp_path, "3.13", "aarch64"))
    found = target_interpreter(tmp_path, Place(python="3.13", architecture="arm64"))
    assert isinstance(found, Interpreter)
    package = written(tmp_path / "package", {"handler.py": b"def handler(event, context): ...\n"})
    assert found.importing(package, tmp_path, {}).fault is None
    assert not list(package.rglob("*.pyc"))


def test_a_python_for_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, python(tmp_path, "3.12", "x86_64"))
    with pytest.raises(UsageError, match=r"is Python 3\.12 for Linux on x86_64: the functions run on 3\.13"):
        target_interpreter(tmp_path, Place(python="3.13", architecture="arm64"))


def test_a_command_that_is_no_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="starts no Python"):
        target_interpreter(tmp_path, Place(python="3.13", architecture="arm64"))


def test_without_one_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    found = target_interpreter(tmp_path, Place(python="3.13", architecture="arm64"))
    assert (
        found
        == f"no Python for Linux on arm64 is here: `make emulation` fetches one, or name it in {VARIABLE}"
    )
