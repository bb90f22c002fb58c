"""New code in steps on the local cloud: bad code is called back, good code takes over, nothing is lost."""

import time
from pathlib import Path
from typing import Any

import pytest

from sluice.cli.rolling import BACK, DONE, NOTHING, Part, Rolling
from sluice.local.cloud import LocalCloud
from tests.e2e.conftest import OFF, ROOT, Running, of_sink
from tests.e2e.test_upgrade import COLUMN, PIPELINE, Rehearsal, flowing

pytestmark = pytest.mark.e2e

BAD = """import os

if os.environ.get("AWS_LAMBDA_FUNCTION_VERSION") == "2":
    raise RuntimeError("bad code")

from datetime"""
OVERRIDES: dict[str, Any] = {
    **OFF,
    "alarms": {"enabled": True, "dashboard": False, "errors": 0, "contract_violations": 1000},
    "rollout": {"strategy": "canary", "steps": "Canary10Percent10Minutes"},
    "bigquery_sink": {"batch_size": 2, "batching_window_seconds": 0},
}
QUIET_SECONDS = 60


def rolled_out(run: Running) -> Part:
    rolling = Rolling.of(run.target, ())
    rolling.run(lambda _: None)
    (part,) = rolling.parts
    return part


def wait_until_quiet(cloud: LocalCloud) -> None:
    deadline = time.monotonic() + QUIET_SECONDS
    while ringing := [alarm.name for alarm in cloud.alarms() if alarm.state == "ALARM"]:
        assert time.monotonic() < deadline, ringing
        time.sleep(0.2)


def test_code_that_fails_is_called_back_by_an_alarm_and_code_that_works_takes_over(tmp_path: Path) -> None:
    path = tmp_path / "readings.py"
    path.write_text(PIPELINE)
    with LocalCloud(ROOT, path, overrides=OVERRIDES, shards=2, minute_seconds=1) as cloud:
        rehearsal = Rehearsal.of(cloud, path)
        with flowing(rehearsal.run, pause=0.2, size=4) as flow:
            assert rolled_out(rehearsal.run).state == NOTHING

            rehearsal.write("from datetime", BAD)
            rehearsal.deploy()
            bad = rolled_out(rehearsal.run)
            assert (bad.state, bad.before, bad.after) == (BACK, "1", "2"), bad
            assert "sluice-dev-bigquery-function-failing" in bad.why

            rehearsal.write(BAD, "from datetime")
            rehearsal.write("    # more fields\n", COLUMN)
            rehearsal.deploy()
            wait_until_quiet(cloud)
            good = rolled_out(rehearsal.run)
            assert (good.state, good.before, good.after) == (DONE, "1", "3"), good
            flow.with_volts = True
            flow.put()
        books = rehearsal.run.books()
        assert books.balanced, books.sentences
        of = of_sink(books, "bigquery")
        assert (of.delivered, of.dead_lettered) == (len(flow.good), flow.bad)
        (rows,) = rehearsal.run.rows("SELECT COUNT(*) AS n, COUNT(volts) AS with_volts FROM reading")
        assert rows["n"] == len(flow.good)
        assert rows["with_volts"] > 0
