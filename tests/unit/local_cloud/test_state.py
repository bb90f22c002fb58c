"""The file by which other commands find a running local cloud."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sluice.errors import AlreadyRunning, EnvironmentProblem
from sluice.local.state import await_state, claim, read_state

URLS = {"aws_url": "http://a", "lambda_url": "http://l", "bigquery_url": "http://b"}
HOLD = """
import sys
from pathlib import Path
from sluice.local.state import claim
with claim(Path(sys.argv[1])) as claimed:
    claimed.announce(aws_url="http://a", lambda_url="http://l", bigquery_url="http://b", outputs={"a": 1})
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_a_running_cloud_is_found_and_a_second_one_is_told_the_process(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        state = read_state(tmp_path)
        assert state is not None
        assert (state.pid, state.aws_url, state.outputs) == (process.pid, "http://a", {"a": 1})
        with pytest.raises(AlreadyRunning, match=f"process {process.pid}"), claim(tmp_path):
            pass
        assert read_state(tmp_path) == state
    finally:
        end(process)
    assert read_state(tmp_path) is None
    assert not list((tmp_path / ".sluice").iterdir())


def test_a_killed_cloud_leaves_no_trace_for_others(tmp_path: Path) -> None:
    process = holder(tmp_path)
    process.kill()
    end(process)
    assert (tmp_path / ".sluice" / "local.json").exists()
    assert read_state(tmp_path) is None
    assert not (tmp_path / ".sluice" / "local.json").exists()
    with claim(tmp_path):
        pass


def test_a_stale_file_does_not_keep_the_next_one_from_starting(tmp_path: Path) -> None:
    (tmp_path / ".sluice").mkdir()
    (tmp_path / ".sluice" / "local.json").write_text(json.dumps({"pid": 1, "started_at": 0} | URLS))
    with claim(tmp_path) as claimed:
        claimed.announce(outputs={}, pipeline=Path("other.py"), **URLS)
        stored = json.loads((tmp_path / ".sluice" / "local.json").read_text())
        assert stored["pipeline"] == "other.py"


def test_a_cloud_that_is_still_starting_is_not_found(tmp_path: Path) -> None:
    with claim(tmp_path):
        assert read_state(tmp_path) is None
    assert not (tmp_path / ".sluice" / "local.json").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / ".sluice").write_text("a file where the folder should be")
    with pytest.raises(EnvironmentProblem, match=r"\.sluice cannot be created"), claim(tmp_path):
        pass


def test_a_cloud_that_is_still_starting_is_waited_for(tmp_path: Path) -> None:
    assert await_state(tmp_path) is None
    with claim(tmp_path) as claimed:
        with pytest.raises(EnvironmentProblem, match="still starting after 0 s; `sluice local --verbose`"):
            await_state(tmp_path, 0)
        later = threading.Timer(0.2, lambda: claimed.announce(outputs={}, **URLS))
        later.start()
        state = await_state(tmp_path)
        later.join()
    assert state is not None
    assert state.aws_url == "http://a"


def test_a_cloud_that_ends_while_it_starts_is_not_waited_for(tmp_path: Path) -> None:
    process = holder(tmp_path)
    (tmp_path / ".sluice" / "local.json").write_text("{}")
    threading.Timer(0.2, process.kill).start()
    assert await_state(tmp_path) is None
    end(process)
