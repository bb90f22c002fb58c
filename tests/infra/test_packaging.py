"""A function's package: the same bytes for the same input, all that it imports, and nothing else."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra import packaging
from infra.function_locks import functions
from infra.packaging import package
from infra.packaging_target import Host, Target
from sluice.errors import EnvironmentProblem, UsageError
from sluice.local.packages.archive import pulumi_hash
from tests.infra.conftest import ORDERS, ROOT

FUNCTION = "bigquery_sink"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with one function, so that nothing is built in the repository."""
    (tmp_path / "functions" / "sink").mkdir(parents=True)
    (tmp_path / "functions" / "sink" / "handler.py").write_text("from sluice import used\n")
    own = tmp_path / "sluice"
    (own / "deep").mkdir(parents=True)
    (own / "__init__.py").write_text("")
    (own / "used.py").write_text("import json\nfrom .deep import inner\n")
    (own / "unused.py").write_text("import pulumi\n")
    (own / "deep" / "__init__.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import moto\n"
    )
    (own / "deep" / "inner.py").write_text("def later():\n    from sluice.deep.late import value\n")
    (own / "deep" / "late.py").write_text("value = 1\n")
    (tmp_path / "pipeline.py").write_text("pipeline = None\n")
    return tmp_path


def build(project: Path, *, dependencies: bool = False) -> Path:
    return Path(
        package(
            "sink",
            pipeline=str(project / "pipeline.py"),
            with_dependencies=dependencies,
            root=project,
        )
    )


def contents(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_a_package_holds_what_the_handler_imports_and_nothing_else(project: Path) -> None:
    assert sorted(contents(build(project))) == [
        "handler.py",
        "pipeline.py",
        "sluice/__init__.py",
        "sluice/deep/__init__.py",
        "sluice/deep/inner.py",
        "sluice/deep/late.py",
        "sluice/used.py",
    ]


def test_what_lies_beside_a_handler_ships_if_it_is_imported(project: Path) -> None:
    beside = project / "functions" / "sink"
    (beside / "handler.py").write_text("import rows\n")
    (beside / "rows.py").write_text("from sluice import used\n")
    for left in ("scratch.py", "._handler.py"):
        (beside / left).write_bytes(b"\0 no Python")
    (beside / ".#handler.py").symlink_to("somebody@somewhere.1")
    assert [name for name in contents(build(project)) if "/" not in name] == [
        "handler.py",
        "pipeline.py",
        "rows.py",
    ]


def test_the_branch_without_type_checkers_runs(project: Path) -> None:
    (project / "functions" / "sink" / "handler.py").write_text(
        "import typing\nif not typing.TYPE_CHECKING:\n    import sluice.deep.late\n"
    )
    assert "sluice/deep/late.py" in contents(build(project))


def test_a_package_is_found_where_nothing_can_be_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = build(project)

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(packaging.os, "utime", refused)
    assert build(project) == there


def test_a_packages_static_files_go_with_it(project: Path) -> None:
    left = ("deep/static/.hidden", "deep/static/page.html~", "deep/static/#page.html#")
    for name in ("deep/static/page.html", "deep/static/parts/style.css", *left):
        (project / "sluice" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "sluice" / name).write_text("text")
    (project / "sluice" / "other" / "static").mkdir(parents=True)
    (project / "sluice" / "other" / "__init__.py").write_text("")
    (project / "sluice" / "other" / "static" / "page.html").write_text("not imported, not shipped")
    static = [name for name in contents(build(project)) if "static" in name]
    assert static == ["sluice/deep/static/page.html", "sluice/deep/static/parts/style.css"]


def test_the_same_input_gives_the_same_package_wherever_it_is_built(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(project, elsewhere, ignore=shutil.ignore_patterns("elsewhere", ".sluice"))
    here, there = build(project), build(elsewhere)
    assert here.name == there.name
    assert contents(here) == contents(there)


def test_surroundings_leave_no_trace_in_a_package(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = build(project)
    for name, value in {"TZ": "Pacific/Chatham", "LC_ALL": "C", "LANG": "C", "USER": "another"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    before = os.umask(0o077)
    try:
        there = Path(
            package(
                "sink",
                pipeline=str(project / "pipeline.py"),
                with_dependencies=False,
                root=project,
                output=tmp_path / "output",
            )
        )
    finally:
        os.umask(before)
    assert there.is_relative_to(tmp_path / "output")
    assert pulumi_hash(here) == pulumi_hash(there)


def installing(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stand in for uv: it installs one package with what installers leave behind; the calls are returned."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        calls.append(command)
        target = Path(command[command.index("--target") + 1])
        for name in ("six.py", "six-1.dist-info/METADATA", "six-1.dist-info/RECORD", "bin/six", "six.pyi"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text(f"{len(calls)}" if "RECORD" in name else "")

    monkeypatch.setattr(packaging.subprocess, "run", run)
    return calls


def with_target(project: Path, target: Target | Host) -> Path:
    pipeline = str(project / "pipeline.py")
    return Path(package("sink", pipeline=pipeline, with_dependencies=True, root=project, target=target))


def test_a_preview_of_unchanged_code_installs_and_builds_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "functions" / "sink" / "requirements.lock").write_text("six==1\n")
    calls = installing(monkeypatch)
    first = build(project, dependencies=True)
    foreign = [name for name in contents(first) if "six" in name or name.startswith("bin")]
    assert foreign == ["six-1.dist-info/METADATA", "six.py"], "nothing of the installation, no stubs"
    (project / "functions" / "sink" / "handler.py").write_text("from sluice import used as other\n")
    second = build(project, dependencies=True)
    assert second != first
    assert build(project, dependencies=True) == second
    assert len(calls) == 1, "other code needs no other dependencies"


def test_each_python_and_processor_has_a_package_of_its_own(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "functions" / "sink" / "requirements.lock").write_text("six==1\n")
    calls = installing(monkeypatch)
    targets = [Target(), Target(python="3.12"), Target(architecture="x86_64"), Host()]
    assert len({with_target(project, target) for target in targets}) == len(targets)
    asked = [" ".join(call[call.index("copy") + 1 : call.index("--only-binary")]) for call in calls]
    assert asked == [
        "--python-version 3.13 --python-platform aarch64-manylinux_2_28",
        "--python-version 3.12 --python-platform aarch64-manylinux_2_28",
        "--python-version 3.13 --python-platform x86_64-manylinux_2_28",
        f"--python {sys.executable}",
    ]


def test_old_packages_go_and_those_in_use_stay(tmp_path: Path) -> None:
    now = 1_000_000_000.0
    for days in range(6):
        (tmp_path / f"{days}").mkdir()
        os.utime(tmp_path / f"{days}", (now, now - days * 86_400))
    packaging.tidy(tmp_path, keep=1, now=now)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"], "two days are in use"
    packaging.tidy(tmp_path, keep=2, now=now + 10 * 86_400)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"], "the last ones stay"


def test_the_bigquery_sink_ships_these_parts_of_sluice_and_no_more() -> None:
    directory = Path(package(FUNCTION, pipeline=str(ORDERS), with_dependencies=False))
    parts = {path.parts[1] for path in map(Path, contents(directory)) if path.parts[0] == "sluice"}
    assert parts == {
        *("__init__.py", "deadline.py", "errors.py", "pipeline.py", "signals.py"),
        *("contract", "deadletters", "delivery", "metrics", "observing", "records", "routes", "sinks"),
    }
    sinks = {
        path.parts[2] for path in map(Path, contents(directory)) if path.parts[:2] == ("sluice", "sinks")
    }
    assert sinks == {"__init__.py", "answers.py", "bigquery", "requests.py"}


def test_an_unchanged_function_is_not_built_again(project: Path) -> None:
    first = build(project)
    (first / "handler.py").write_text("# left as it is\n")
    assert build(project) == first
    assert (first / "handler.py").read_text() == "# left as it is\n"


@pytest.mark.parametrize("file", ["pipeline.py", "functions/sink/handler.py", "sluice/deep/late.py"])
def test_a_change_of_anything_that_ships_is_a_new_package(file: str, project: Path) -> None:
    before = build(project)
    (project / file).write_text((project / file).read_text() + "# changed\n")
    assert build(project) != before


def test_a_change_of_what_does_not_ship_is_not(project: Path) -> None:
    before = build(project)
    (project / "sluice" / "unused.py").write_text("# changed\n")
    assert build(project) == before


def test_a_failed_build_leaves_nothing_behind(project: Path) -> None:
    (project / "functions" / "sink" / "requirements.lock").write_text("nonsense that no index knows ===\n")
    with pytest.raises(
        EnvironmentProblem,
        match=r"install functions/sink/requirements.lock .*: Couldn't parse .*: .*, found `t`; .*`make lock`",
    ):
        build(project, dependencies=True)
    assert not list((project / ".sluice").rglob("*draft*"))


def test_a_folder_that_cannot_be_written_is_named(project: Path) -> None:
    (project / ".sluice").write_text("a file where the folder should be")
    with pytest.raises(EnvironmentProblem, match=r"\.sluice/packages.* cannot be written"):
        build(project)


def test_a_missing_handler_or_lock_file_is_named(project: Path) -> None:
    with pytest.raises(UsageError, match=r"functions/sink/requirements.lock is missing: .* group sink of"):
        build(project, dependencies=True)
    (project / "functions" / "sink" / "handler.py").unlink()
    with pytest.raises(UsageError, match=r"functions/sink has no handler.py"):
        build(project)


def test_an_import_that_is_not_shipped_is_refused_before_a_deployment(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = project / "installed"
    (installed / "msgspec").mkdir(parents=True)
    monkeypatch.setattr(packaging, "_dependencies", lambda *_: installed)
    (project / "pipeline.py").write_text("import boto3\nimport msgspec\nimport json\nimport pandas\n")
    with pytest.raises(UsageError, match="imports pandas, which functions/sink does not ship"):
        build(project, dependencies=True)


def test_a_file_that_is_no_python_is_named(project: Path) -> None:
    (project / "pipeline.py").write_text("pipeline = (\n")
    with pytest.raises(UsageError, match=r"pipeline.py cannot be packaged, line 1: "):
        build(project)


@pytest.mark.parametrize("function", functions())
def test_the_real_package_runs_on_its_own_and_imports_no_tools(function: str, tmp_path: Path) -> None:
    """In an interpreter that sees the package first, as Lambda's does, and the repository not at all."""
    directory = package(function, pipeline=str(ORDERS), with_dependencies=False)
    module = next(
        node.module
        for node in ast.parse((ROOT / "functions" / function / "handler.py").read_text()).body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("sluice.")
    )
    program = (
        "import importlib, json, sys; sys.path.insert(0, sys.argv[1]);"
        "import pipeline; function = importlib.import_module(sys.argv[2]);"
        "modules = sorted({name.partition('.')[0] for name in sys.modules});"
        "print(json.dumps([pipeline.__file__, function.__file__, modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, directory, str(module)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    pipeline, imported, modules = json.loads(done.stdout)
    assert pipeline == f"{directory}/pipeline.py"
    place = f"{directory}/{str(module).replace('.', '/')}"
    assert imported in {f"{place}.py", f"{place}/__init__.py"}
    assert not {"pulumi", "pulumi_aws", "moto", "duckdb", "pydantic", "typer", "mimesis"} & set(modules)


@pytest.mark.parametrize("function", functions())
def test_the_real_package_has_no_bytecode_and_no_code_of_the_command_line(function: str) -> None:
    directory = Path(package(function, pipeline=str(ORDERS), with_dependencies=False))
    names = contents(directory)
    assert not [name for name in names if name.endswith(".pyc")]
    assert not [name for name in names if name.startswith(("sluice/cli", "sluice/local", "infra"))]
