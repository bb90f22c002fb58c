"""Subsegments reach the daemon that Lambda runs: within its segment, in time, where it samples."""

import socket
import subprocess
import sys

import pytest

from sluice.delivery.function import handler_of
from sluice.observing.tracing import HEADER, subsegment
from sluice.sinks.memory import MemorySink
from tests.unit.delivery.builders import CONTRACT, Context, batch, visit
from tests.unit.observing.conftest import SEGMENT, TRACE, Said


@pytest.mark.usefixtures("sampled")
def test_an_invocation_is_traced_step_by_step(said: Said, environ: dict[str, str]) -> None:
    handler_of(CONTRACT, MemorySink("bigquery"), environ)(batch([visit(0), b"bad"]), Context())
    found = {each["name"]: each for each in said.subsegments()}
    assert list(found) == [
        "open the books",
        "decode",
        "deliver",
        "dead letters",
        "close the books",
        "bigquery",
    ]
    whole = found.pop("bigquery")
    assert (whole["trace_id"], whole["parent_id"], whole["type"]) == (TRACE, SEGMENT, "subsegment")
    assert whole["annotations"] == {"sink": "bigquery"}
    for each in found.values():
        assert (each["trace_id"], each["parent_id"]) == (TRACE, whole["id"])
        assert whole["start_time"] <= each["start_time"] <= each["end_time"] <= whole["end_time"]
    assert found["deliver"]["annotations"] == {"events": 1}


@pytest.mark.usefixtures("sampled")
def test_a_document_is_what_the_daemon_reads(said: Said) -> None:
    with subsegment("step", shard="s"):
        pass
    (datagram,) = said.datagrams()
    assert datagram.startswith(HEADER)
    assert datagram.count(b"\n") == 1


@pytest.mark.usefixtures("sampled")
def test_a_block_that_raises_is_a_fault_of_a_kind_and_no_more_is_told(said: Said) -> None:
    with pytest.raises(KeyError), subsegment("outer"), subsegment("inner"):
        raise KeyError("secret")
    inner, outer = said.subsegments()
    assert (inner["fault"], inner["annotations"]) == (True, {"error": "KeyError"})
    assert inner["parent_id"] == outer["id"]
    with subsegment("after"):
        pass
    (after,) = said.subsegments()
    assert (after["parent_id"], after.get("fault")) == (SEGMENT, None)


@pytest.mark.parametrize("header", ["", f"Root={TRACE}", f"Root={TRACE};Parent={SEGMENT};Sampled=0"])
def test_what_lambda_does_not_sample_costs_nothing(
    said: Said, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    with subsegment("step"):
        pass
    assert said.datagrams() == []


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid", "127.0.0.1:no-port", ""])
def test_a_daemon_that_is_not_there_holds_up_nothing(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", address)
    with subsegment("step"):
        pass


@pytest.mark.usefixtures("sampled")
def test_a_full_socket_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise BlockingIOError

    monkeypatch.setattr(socket.socket, "sendto", full)
    with subsegment("step"):
        pass


def test_tracing_loads_nothing_that_a_function_has_not_loaded() -> None:
    code = (
        "import msgspec, socket, contextvars, contextlib, sys; before = set(sys.modules);"
        "import sluice.observing.tracing; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {"sluice", "sluice.observing", "sluice.observing.tracing"}
