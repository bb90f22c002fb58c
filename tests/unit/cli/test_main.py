import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from sluice.cli import main, project
from sluice.cli.main import run
from sluice.errors import AlreadyRunning

HEAVY = ("boto3", "duckdb", "google", "moto", "msgspec", "pulumi", "sqlglot", "rich")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from sluice.cli.main import run; run(['--help']); run(['demo', '--help']);"
        f"print('loaded', *(name for name in {HEAVY} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded"


def test_help_and_no_arguments_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    said = capsys.readouterr().out
    assert run([]) == 0
    assert capsys.readouterr().out == said
    assert "130  stopped with Ctrl-C" in said


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("sluice ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "No such command 'nothing'; `sluice --help` shows how"),
        (["demo", "--evnts", "3"], "`sluice demo --help` shows how"),
        (["demo", "--events", "many"], "'--events'"),
        (["demo", "--events", "-1"], "--events -1: give a whole number of 0 or more"),
        (["demo", "--poison", "101"], "--poison 101: give a percentage from 0 to 100"),
        (["demo", "--poison", "nan"], "--poison nan: give a percentage from 0 to 100"),
        (["demo", "--duplicates", "-0.5"], "--duplicates -0.5: give a percentage from 0 to 100"),
        (["demo", "--shards", "0"], "--shards 0: give a whole number of 1 or more"),
        (["demo", "--input", "nowhere.ndjson"], "nowhere.ndjson: no such file"),
        (["demo", "--input", "/"], "/: this is a folder"),
        (["demo", "--pipeline", "nowhere.py"], "nowhere.py: no such pipeline file"),
        (["local", "--pipeline", "nowhere.py"], "nowhere.py: no such pipeline file"),
        (["produce"], "give either a FILE (or - for stdin) or --fake N"),
        (["produce", "x", "--fake", "3"], "give either a FILE (or - for stdin) or --fake N"),
        (["produce", "--fake", "1", "--rate", "0"], "--rate 0: give a number above 0"),
        (["query"], "Missing argument"),
        (["query", " "], "no SQL"),
        (["query", "SELECT 1", "--most-gib", "0"], "--most-gib 0: give a number above 0"),
        (["audit", "--since", "yesterday"], "--since yesterday: give a time span like 30m, 6h or 2d"),
        (["audit", "--since", "2999-01-01"], "--since 2999-01-01: this is in the future"),
        (["dlq"], "Missing command"),
        (["dlq", "redrive"], "name dead letters by ID, or give --all"),
        (["dlq", "redrive", "1", "--all"], "name dead letters by ID, or give --all"),
        (["dlq", "list", "--limit", "-1"], "--limit -1: give a whole number of 0 or more"),
    ],
)
def test_a_wrong_call_is_one_clear_line_and_status_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert says in said.err


@pytest.mark.parametrize(
    "arguments", [["audit"], ["query", "SELECT 1"], ["dlq", "list"], ["produce", "--fake", "1"]]
)
def test_without_a_local_cloud_the_line_says_how_to_start_one(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / project.MARKER).touch()
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 3
    said = capsys.readouterr().err
    assert "`sluice local`" in said
    assert said.count("\n") == 1


def test_env_without_the_pulumi_command_line_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert run(["audit", "--env", "dev"]) == 3
    assert "the Pulumi command line is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "says"),
    [
        (AlreadyRunning("one runs already"), 3, "error: one runs already"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), 3, "error: AWS: Could not connect"),
        (KeyboardInterrupt(), 130, "stopped"),
        (ZeroDivisionError("by\nzero"), 1, "error: unexpected ZeroDivisionError: by zero ("),
    ],
)
def test_every_way_to_end_has_its_line_and_its_status(
    raised: BaseException,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Command:
        def main(self, **_: Any) -> None:
            raise raised

    monkeypatch.setattr(main, "command", Command)
    assert run(["demo"]) == status
    said = capsys.readouterr().err
    assert said.startswith(says)
    assert said.count("\n") == 1


def test_debug_shows_where_an_error_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(["--debug", "query", "SELECT 1"])


def test_ctrl_c_in_the_middle_of_a_command_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sluice.cli.project.find_root", interrupted)
    assert run(["query", "SELECT 1"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    code = "import sys; from sluice.cli.main import main; sys.argv = ['sluice', '--help']; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_a_full_disk_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sluice.cli.project.find_root", full)
    assert run(["query", "SELECT 1"]) == 3
    assert capsys.readouterr().err == "error: the output cannot be written: No space left on device\n"


def test_closed_streams_are_no_error() -> None:
    code = "from sluice.cli.main import main; main()"
    shell = f'exec "{sys.executable}" -c "{code}" >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", shell], check=False).returncode == 0
