"""`sluice report`: the page of a target, on this machine alone, until Ctrl-C."""

import json
import socket
import time
from typing import Any

import pytest
import urllib3

from sluice.cli.main import run
from sluice.cli.target import Target
from tests.unit.windows.aws import create_windows


@pytest.fixture
def table(target: Target) -> None:
    create_windows(target.dynamodb)
    object.__setattr__(target.outputs, "windows_table", "windows")


def test_it_serves_until_ctrl_c_and_says_where(
    table: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del table
    seen: list[Any] = []

    def look(_: float) -> None:
        url = json.loads(capsys.readouterr().out)["report_url"]
        assert url.startswith("http://127.0.0.1:")
        pool = urllib3.PoolManager(retries=False)
        paths = ("", "api/overview", "api/flow", "api/letters")
        seen.extend(pool.request("GET", url + path).status for path in paths)
        pool.clear()
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", look)
    assert run(["report", "--json", "--port", "0"]) == 130
    assert seen == [200, 200, 200, 200]


@pytest.mark.usefixtures("table")
def test_a_port_that_is_taken_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert run(["report", "--port", str(port)]) == 3
    assert f"port {port} cannot be taken" in capsys.readouterr().err


@pytest.mark.usefixtures("target")
def test_a_stack_without_a_table_of_windows_and_a_port_that_is_none_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["report"]) == 3
    assert "has no table of windows: deploy this version" in capsys.readouterr().err
    assert run(["report", "--port", "70000"]) == 2
    assert "--port 70000: give a number from 1 to 65535" in capsys.readouterr().err
