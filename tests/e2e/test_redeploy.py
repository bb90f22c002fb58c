"""A contract mended under a running local cloud: what was refused is delivered, and nothing was emptied."""

import json
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from sluice.local.state import await_state, file_hash
from tests.e2e.conftest import ROOT, document, local, sluice, wait_until_settled

pytestmark = pytest.mark.e2e

PIPELINE = '''"""Readings."""

from datetime import datetime
from typing import Annotated

from sluice.contract import Event, field
from sluice.pipeline import Pipeline


class Reading(Event, type="reading", id="reading_id", time="measured_at"):
    """What a sensor measured."""

    reading_id: Annotated[str, field("Unique id of the reading", max_length=64)]
    measured_at: Annotated[datetime, field("When it was measured")]
    celsius: Annotated[float, field("Temperature")]
    # more fields


pipeline = Pipeline(events=[Reading])
'''
FIELD = '    volts: Annotated[float | None, field("Of the battery")] = None\n'
MENDED = PIPELINE.replace("    # more fields\n", FIELD)
BROKEN = PIPELINE + "pipeline = Pipeline(events=[\n"
ALARM = '''

class Alarm(Reading, type="alarm", id="reading_id", time="measured_at"):
    """A reading that somebody should look at."""

'''
WITH_ALARM = MENDED.replace("\n\npipeline =", f"{ALARM}\npipeline =").replace("[Reading]", "[Reading, Alarm]")
NARROWED = MENDED.replace("celsius: Annotated[float", "celsius: Annotated[str")


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    path = tmp_path / "readings.py"
    path.write_text(PIPELINE)
    return path


def save(pipeline: Path, text: str) -> None:
    """Write the file as editors do: nobody ever sees a part of it."""
    written = pipeline.with_suffix(".new")
    written.write_text(text)
    written.replace(pipeline)


def taken(project: Path, *, tries: int = 600) -> None:
    """Wait until the local cloud runs its pipeline file as it is now."""
    for _ in range(tries):
        state = await_state(project)
        assert state is not None
        assert state.pipeline is not None
        if state.problem is None and state.pipeline_hash == file_hash(Path(state.pipeline)):
            return
        threading.Event().wait(0.1)
    raise AssertionError("the local cloud has not taken the pipeline")


def refused(project: Path, *, tries: int = 600) -> str:
    """Wait until the local cloud has refused its pipeline file, and return why."""
    for _ in range(tries):
        state = await_state(project)
        assert state is not None
        if state.problem is not None:
            return state.problem
        threading.Event().wait(0.1)
    raise AssertionError("the local cloud has not refused the pipeline")


def reading(name: str, **fields: Any) -> str:
    event = {"type": "reading", "reading_id": name, "measured_at": datetime.now(UTC).isoformat()}
    return json.dumps({**event, "celsius": 20.5, **fields})


def produce(project: Path, names: list[str], **fields: Any) -> None:
    lines = "\n".join(reading(name, **fields) for name in names)
    done = sluice("produce", "-", cwd=project, stdin=lines)
    assert done.returncode == 0, done.stderr


def query(project: Path, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = document(sluice("query", sql, "--json", cwd=project))
    return rows


def test_a_contract_mended_while_the_cloud_runs_takes_what_it_refused(project: Path, pipeline: Path) -> None:
    with local(project, "--pipeline", str(pipeline), "--json") as process:
        produce(project, ["a", "b"])
        produce(project, ["c", "d", "e"], volts=3.3)
        books = wait_until_settled(project, produced=5)
        assert books["sinks"]["bigquery"]["dead_lettered"] == 3, books
        letters = document(sluice("dlq", "list", "--json", cwd=project))

        save(pipeline, MENDED)
        taken(project)
        done = sluice("dlq", "redrive", "--all", "--json", cwd=project)
        assert done.returncode == 0, done.stdout
        assert document(done)["delivered"] == 3
        assert done.stderr == ""
        rows = query(project, "SELECT reading_id, volts, _sequence FROM reading ORDER BY reading_id")
        assert [(row["reading_id"], row["volts"]) for row in rows] == [
            ("a", None),
            ("b", None),
            ("c", 3.3),
            ("d", 3.3),
            ("e", 3.3),
        ]
        assert {row["_sequence"] for row in rows[2:]} == {letter["sequence"] for letter in letters}
        assert wait_until_settled(project, produced=5)["balanced"] is True

        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert err == "stopped\n"
    (line,) = [json.loads(line) for line in out.splitlines() if line.startswith('{"changed"')]
    assert (line["changed"], line["deployed"], line["problem"]) == ([str(pipeline)], True, None)


def test_a_pipeline_that_cannot_be_taken_leaves_the_old_one_at_work(project: Path, pipeline: Path) -> None:
    with local(project, "--pipeline", str(pipeline), "--shards", "1") as process:
        save(pipeline, BROKEN)
        assert "readings.py, line" in refused(project)
        told = sluice(
            "produce", "-", "--pipeline", str(ROOT / "pipeline.py"), cwd=project, stdin=reading("a")
        )
        assert told.returncode == 0
        assert told.stderr.startswith("note: the local cloud runs the pipeline as it was: ")
        wait_until_settled(project, produced=1)
        assert query(project, "SELECT reading_id FROM reading") == [{"reading_id": "a"}]

        save(pipeline, MENDED)
        taken(project)
        save(pipeline, NARROWED)
        assert "celsius has changed type from FLOAT64 to STRING" in refused(project)
        save(pipeline, WITH_ALARM)
        taken(project)
        produce(project, ["b"], volts=3.1)
        assert wait_until_settled(project, produced=2)["balanced"] is True
        assert query(project, "SELECT COUNT(volts) AS n FROM reading") == [{"n": 1}]
        assert query(project, "SELECT COUNT(*) AS n FROM alarm") == [{"n": 0}]

        save(pipeline, MENDED)
        taken(project)
        assert query(project, "SELECT COUNT(*) AS n FROM alarm") == [{"n": 0}]

        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert out.count("readings.py changed: deployed again in ") == 3
    first, second, last = err.splitlines()
    assert first.startswith("error: readings.py changed, but the cloud goes on as it was: ")
    assert second.startswith("error: readings.py changed, but the cloud goes on as it was: ")
    assert last == "stopped"


def test_ctrl_c_in_the_midst_of_a_deployment_leaves_no_process(project: Path, pipeline: Path) -> None:
    with local(project, "--pipeline", str(pipeline), "--shards", "1") as process:
        parent = psutil.Process(process.pid)
        before = len(parent.children())
        save(pipeline, MENDED)
        while len(parent.children()) == before:
            threading.Event().wait(0.01)
        children = parent.children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
    assert err.strip() == "stopped"
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive


def test_a_server_that_is_killed_ends_the_cloud_with_one_line(project: Path, pipeline: Path) -> None:
    with local(project, "--pipeline", str(pipeline), "--shards", "1") as process:
        (server,) = (
            each for each in psutil.Process(process.pid).children() if "sluice.local.aws" in each.cmdline()
        )
        server.kill()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 3
    assert err.startswith("error: the local AWS has ended, killed by SIGKILL")
    assert err.endswith(": start it again; nothing was kept\n")
    assert err.count("\n") == 1
