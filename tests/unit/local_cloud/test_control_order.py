"""A deployment over a running one: what prepares a sink comes before the sink's new code, as in the cloud."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from sluice.local.control import Control
from sluice.local.deploy_result import Deployment
from sluice.local.mapping_types import Invocation, Verdict

FUNCTIONS = ("search-sink", "search-setup", "bigquery-sink")


@dataclass
class Recorder:
    """A runtime, and what reads the streams; keeps what it was asked, in order."""

    fails: bool = False
    asked: list[str] = field(default_factory=list)

    def replace(self, function: Any) -> None:
        self.asked.append(f"new {function.name}")

    def invoke(self, name: str, _payload: bytes) -> Invocation:
        self.asked.append(f"invoke {name}")
        return Invocation(Verdict.FAILED, error="E: no") if self.fails else Invocation(Verdict.ANSWERED)

    def take(self, _deployment: Deployment) -> None:
        self.asked.append("mappings")

    def warm(self, but: object) -> None: ...


class Put:
    """A request with the deployment."""

    async def body(self) -> bytes:
        declared = [
            {
                "name": name,
                "arn": name,
                "code": {"archive": "/nowhere"},
                "handler": "h",
                "role": "arn:aws:iam::1:role/r",
            }
            for name in FUNCTIONS
        ]
        invocations = [{"functionName": "search-setup", "input": "{}"}]
        deployment = Deployment(
            region="r", functions=declared, mappings=[], outputs={}, invocations=invocations
        )
        return deployment.encoded()


def put(recorder: Recorder) -> Any:
    running: Any = recorder
    control = Control(running, running, {}, Deployment(region="r", functions=[], mappings=[], outputs={}))
    request: Any = Put()
    return json.loads(bytes(asyncio.run(control.replace(request)).body))


def test_what_a_deployment_invokes_is_done_before_any_sink_runs_its_new_code() -> None:
    recorder = Recorder()
    assert put(recorder) == {}
    assert recorder.asked[:2] == ["new search-setup", "invoke search-setup"]
    assert set(recorder.asked[2:-1]) >= {"new search-sink", "new bigquery-sink"}
    assert recorder.asked[-1] == "mappings"


def test_a_setup_that_fails_leaves_every_sink_as_it_was() -> None:
    recorder = Recorder(fails=True)
    assert "search-setup, which the deployment invokes, failed: no" in put(recorder)["error"]
    assert recorder.asked == ["new search-setup", "invoke search-setup"]
