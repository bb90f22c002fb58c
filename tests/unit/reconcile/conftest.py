import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sluice.cli.target import Target
from tests.unit.reconcile import world as worlds


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    command = [sys.executable, "-m", "sluice.local.bigquery", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        process.stdin.close()
        process.wait(timeout=10)


@pytest.fixture
def world(
    url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[worlds.World]:
    """A world that the command finds as the local cloud that runs here."""
    (tmp_path / "pipeline.py").write_text("from tests.unit.reconcile.world import PIPELINE as pipeline\n")
    monkeypatch.setattr("sluice.cli.project.find_root", lambda: tmp_path)
    with worlds.running(url, f"d{abs(hash(request.node.nodeid))}") as running:
        monkeypatch.setattr(Target, "find", lambda *_: running.target)
        yield running
