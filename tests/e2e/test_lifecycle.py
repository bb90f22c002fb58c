"""However a local cloud ends, no process and no file of it is left; a second one says where the first is."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import descendants, document, gone, local, sluice

pytestmark = pytest.mark.e2e


def nothing_is_left(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """Whatever ends it, no process of the local cloud outlives it, and nobody reads a traceback."""
    children = descendants(process.pid)
    assert children
    process.send_signal(how)
    out, err = process.communicate(timeout=30)
    assert gone(children), [child.cmdline() for child in children if child.is_running()]
    assert "Traceback" not in out + err


def no_cloud_runs(project: Path) -> None:
    """Commands say so in one line, and what said where it was is gone."""
    after = sluice("audit", cwd=project)
    assert after.returncode == 3
    assert after.stderr.count("\n") == 1
    assert "sluice local" in after.stderr
    assert not (project / ".sluice" / "local.json").exists()


def test_a_second_local_cloud_names_the_first_and_leaves_it_alone_and_after_ctrl_c_nothing_is_left(
    project: Path,
) -> None:
    with local(project, "--shards", "1") as process:
        second = sluice("local", cwd=project)
        assert second.returncode == 3
        assert str(process.pid) in second.stderr
        assert second.stderr.count("\n") == 1
        assert document(sluice("audit", "--json", cwd=project))["balanced"] is True
        nothing_is_left(process, signal.SIGINT)
    no_cloud_runs(project)


def test_nothing_is_left_of_a_local_cloud_that_is_killed_and_its_state_file_is_no_obstacle(
    project: Path,
) -> None:
    with local(project, "--shards", "1") as process:
        nothing_is_left(process, signal.SIGKILL)
    assert (project / ".sluice" / "local.json").exists()
    with local(project, "--shards", "1") as again:
        assert psutil.pid_exists(again.pid)
        assert sluice("produce", "--fake", "10", cwd=project).returncode == 0
        nothing_is_left(again, signal.SIGKILL)
    no_cloud_runs(project)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo", "--input", "missing.ndjson"], "missing.ndjson"),
        (["demo", "--input", "."], "folder"),
        (["demo", "--poison", "101"], "101"),
        (["demo", "--events", "-1"], "-1"),
        (["demo", "--pipeline", "missing.py"], "missing.py"),
        (["demo", "--pipeline", "README.md"], "README.md"),
        (["produce", "--fake", "many"], "--fake"),
        (["query", "SELECT 1"], "sluice local"),
        (["dlq", "show", "nothing"], "sluice local"),
        (["graph", "--env", "mars"], "mars"),
    ],
)
def test_a_wrong_call_is_answered_with_one_clear_line(project: Path, arguments: list[str], said: str) -> None:
    done = sluice(*arguments, cwd=project)
    assert done.returncode in {2, 3}
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(lines) == 1, done.stderr


def test_sql_that_is_wrong_is_answered_with_one_clear_line_and_after_sigterm_nothing_is_left(
    project: Path,
) -> None:
    with local(project, "--shards", "1") as process:
        for sql, said in {
            "SELEC 1": "Syntax error",
            "SELECT nothing FROM search": "nothing",
            "SELECT * FROM nowhere": "nowhere",
            "SELECT SOUNDEX(username) FROM search": "SOUNDEX",
            "DROP TABLE search": "DROP",
        }.items():
            done = sluice("query", sql, cwd=project)
            assert done.returncode == 2, done
            assert said in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        nothing_is_left(process, signal.SIGTERM)
    no_cloud_runs(project)
