"""What a function prints and sends while it works, over moto; a daemon of X-Ray keeps what it gets."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sluice.delivery import clients
from tests.unit.delivery.aws import BUCKET, REGION, TABLE, Aws
from tests.unit.delivery.aws import running as aws_running

TRACE = "1-5759e988-bd862e3fe1be46a994272793"
SEGMENT = "53995c3f42cd8ad8"


@dataclass
class Said:
    """What came out of a function: the lines that it printed, and the datagrams of its trace."""

    printed: Callable[[], str]
    daemon: socket.socket

    def __post_init__(self) -> None:
        self.text = ""

    def lines(self) -> list[dict[str, Any]]:
        self.text += self.printed()
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def figures(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if "_aws" in line]

    def log(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if "level" in line]

    def datagrams(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.daemon.recv(65_536))
            except BlockingIOError:
                return found

    def subsegments(self) -> list[dict[str, Any]]:
        return [json.loads(each.partition(b"\n")[2]) for each in self.datagrams()]


@pytest.fixture
def said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Said]:
    # a logger is made once per service, and writes to what was stdout then
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.nodeid)
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.setblocking(False)  # noqa: FBT003 - the socket's own signature
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{daemon.getsockname()[1]}")
        yield Said(lambda: capsys.readouterr().out, daemon)


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={TRACE};Parent={SEGMENT};Sampled=1;Lineage=1:a87bd80c:0")


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """One for all tests of a file: none looks into the books, and a batch that comes again is as before."""
    made = [clients.dynamodb, clients.sqs, clients.s3, clients._session]
    given = {"AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with pytest.MonkeyPatch.context() as patch, aws_running() as running:
        for name, value in (given | keys).items():
            patch.setenv(name, value)
        for each in made:
            each.cache_clear()
        yield running
        for each in made:
            each.cache_clear()


@pytest.fixture
def environ(aws: Aws) -> dict[str, str]:
    """The environment of a sink's function."""
    return {
        "SLUICE_ENVIRONMENT": "sluice-test",
        "SLUICE_PARALLELIZATION": "1",
        "SLUICE_LEDGER_TABLE": TABLE,
        "SLUICE_DEAD_LETTER_QUEUE_URL": aws.queue_url,
        "SLUICE_DEAD_LETTER_BUCKET": BUCKET,
    }
