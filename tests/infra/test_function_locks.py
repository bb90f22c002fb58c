"""The lock files of functions: what each ships, pinned as it is tested here."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from infra.closure import closure
from infra.function_locks import functions, lock_file, locked
from sluice.errors import UsageError
from tests.infra.conftest import ORDERS, ROOT

FUNCTION = "bigquery_sink"


@pytest.mark.parametrize("function", functions())
def test_what_a_function_imports_is_what_its_lock_file_pins(function: str) -> None:
    handler = ROOT / "functions" / function / "handler.py"
    found = closure(("handler", "pipeline"), {"handler": handler, "pipeline": ORDERS}, ROOT)
    pinned = set(re.findall(r"^([\w-]+)==", lock_file(function).read_text(), re.MULTILINE))
    foreign = found.foreign - sys.stdlib_module_names - {"boto3", "botocore"}
    for module in foreign:
        by = {canonicalize_name(name) for name in packages_distributions().get(module, ())}
        assert by & pinned, f"{module} is not shipped"


def test_what_only_some_pythons_need_is_locked_for_those(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\nsink = ['six', 'msgspec']\n")
    (tmp_path / "requirements.lock").write_text(
        "msgspec==0.22.0 ; python_full_version >= '3.13' \\\n    --hash=sha256:aa\n"
        "msgspec==0.19.0 ; python_full_version < '3.13' \\\n    --hash=sha256:bb\n"
        "six==1.17.0 \\\n    --hash=sha256:cc\n"
    )
    lines = locked("sink", tmp_path).splitlines()[1:]
    assert lines == [
        "msgspec==0.22.0 ; python_version == '3.13' \\",
        "    --hash=sha256:aa",
        "msgspec==0.19.0 ; python_version == '3.11' or python_version == '3.12' \\",
        "    --hash=sha256:bb",
        "six==1.17.0 \\",
        "    --hash=sha256:cc",
    ]


@pytest.mark.parametrize("function", functions())
def test_lock_files_of_functions_are_current(function: str) -> None:
    assert lock_file(function).read_text() == locked(function), "run `make lock`"


def test_functions_ship_the_versions_that_are_tested_here() -> None:
    project = (ROOT / "requirements.lock").read_text()
    pins = [line for line in locked(FUNCTION).splitlines() if "==" in line]
    assert len(pins) > 5
    for line in pins:
        assert line.removesuffix(" \\") in project
    assert "--hash=sha256:" in locked(FUNCTION)


def test_make_lock_pins_what_every_function_ships_so_that_a_new_one_may_need_something_new() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "lock"],  # noqa: S607 whichever make is there
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for function in functions():
        assert f"--group {function.replace('_', '-')} " in done.stdout, function


def test_a_group_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[dependency-groups]\n")
    with pytest.raises(UsageError, match=r"add `new-sink = \[\.\.\.\]` to pyproject.toml"):
        locked("new_sink", tmp_path)
