"""However a local cloud ends, no process and no file of it is left; a second one says where the first is."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import descendants, document, gone, local, sluice

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_local_cloud(project: Path, how: signal.Signals) -> None:
    with local(project, "--shards", "1") as process:
        children = descendants(process.pid)
        assert children
        process.send_signal(how)
        out, err = process.communicate(timeout=30)
        assert gone(children), [child.cmdline() for child in children if child.is_running()]
    assert "Traceback" not in out + err
    after = sluice("audit", cwd=project)
    assert after.returncode == 3
    assert after.stderr.count("\n") == 1
    assert "sluice local" in after.stderr
    assert not (project / ".sluice" / "local.json").exists()


def test_a_second_local_cloud_names_the_first_and_leaves_it_alone(project: Path) -> None:
    with local(project, "--shards", "1") as process:
        second = sluice("local", cwd=project)
        assert second.returncode == 3
        assert str(process.pid) in second.stderr
        assert second.stderr.count("\n") == 1
        assert document(sluice("audit", "--json", cwd=project))["balanced"] is True


def test_a_state_file_of_a_dead_process_is_no_obstacle(project: Path) -> None:
    with local(project, "--shards", "1") as process:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)
    with local(project, "--shards", "1") as again:
        assert psutil.pid_exists(again.pid)
        assert sluice("produce", "--fake", "10", cwd=project).returncode == 0


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


def test_sql_that_is_wrong_is_answered_with_one_clear_line(project: Path) -> None:
    with local(project, "--shards", "1"):
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
