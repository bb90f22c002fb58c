"""Lambda's API for mappings answers AWS's own client."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
import uvicorn
from botocore.exceptions import ClientError
from starlette.applications import Starlette

from sluice.local.clock import FakeClock
from sluice.local.control_mappings import MappingsApi
from sluice.local.deploy_result import mapping
from sluice.local.mapping import Mapping
from sluice.local.mapping_runner import MappingRunner
from sluice.local.runners import Runners
from tests.unit.local_cloud.clients import client

STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
T = TypeVar("T")
U1, U2, NONE = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 4))
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:"


class StubRunner(MappingRunner):
    """A runner without its thread: what is asked of the mapping is answered at once."""

    def __init__(self, uuid: str, function: str, **more: Any) -> None:
        declared = {
            "uuid": uuid,
            "functionName": FUNCTION + function,
            "eventSourceArn": STREAM,
            "startingPosition": "TRIM_HORIZON",
            **more,
        }
        nothing: Any = None
        super().__init__(Mapping(mapping(declared)), nothing, nothing, nothing, FakeClock())
        self.mapping.next_work(0)
        self.mapping.listed([], 0)

    def between(self, call: Callable[[], T]) -> T | None:
        return call()


@pytest.fixture
def runners() -> list[StubRunner]:
    pattern = '{"data": {"amount": [{"numeric": [">=", 0]}]}}'
    filters = {"filterCriteria": {"filters": [{"pattern": pattern}]}}
    return [StubRunner(U1, "first"), StubRunner(U2, "second", **filters)]


@pytest.fixture
def api(runners: list[StubRunner]) -> Iterator[Any]:
    class Stub(Runners):
        def __init__(self) -> None:
            pass

        @property
        def mappings(self) -> list[MappingRunner]:
            return list(runners)

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = Starlette(routes=MappingsApi(Stub()).routes())
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    lambda_ = client("lambda", f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield lambda_
    lambda_.close()
    server.should_exit = True
    thread.join()


def uuids(answer: Any) -> list[str]:
    return [each["UUID"] for each in answer["EventSourceMappings"]]


def test_mappings_are_listed_by_function_and_source_and_in_pages(api: Any) -> None:
    assert uuids(api.list_event_source_mappings()) == [U1, U2]
    assert uuids(api.list_event_source_mappings(FunctionName="second")) == [U2]
    assert uuids(api.list_event_source_mappings(FunctionName=FUNCTION + "first")) == [U1]
    assert uuids(api.list_event_source_mappings(EventSourceArn=STREAM + "/consumer/x:1")) == []
    pages = api.get_paginator("list_event_source_mappings").paginate(PaginationConfig={"PageSize": 1})
    assert [uuids(page) for page in pages] == [[U1], [U2]]


def test_a_mapping_is_described_as_lambda_does(api: Any) -> None:
    found = api.get_event_source_mapping(UUID=U2)
    assert found["FunctionArn"] == FUNCTION + "second"
    assert (found["State"], found["StateTransitionReason"]) == ("Enabled", "User action")
    assert json.loads(found["FilterCriteria"]["Filters"][0]["Pattern"])["data"]
    assert (found["BatchSize"], found["MaximumRetryAttempts"]) == (100, -1)
    assert found["LastModified"].timestamp() == FakeClock().now()


def test_enabled_is_changed_and_told_as_a_beginning(api: Any, runners: list[StubRunner]) -> None:
    assert api.update_event_source_mapping(UUID=U1, Enabled=False)["State"] == "Disabling"
    assert api.get_event_source_mapping(UUID=U1)["State"] == "Disabled"
    assert runners[1].mapping.state == "Enabled"
    assert api.update_event_source_mapping(UUID=U1, Enabled=True)["State"] == "Enabling"
    with pytest.raises(api.exceptions.ResourceInUseException):
        api.update_event_source_mapping(UUID=U1, Enabled=False)
    runners[0].mapping.next_work(0)
    runners[0].mapping.listed([], 0)
    assert api.update_event_source_mapping(UUID=U1, Enabled=True)["State"] == "Enabled"


def test_what_is_not_there_and_what_is_the_programs_is_refused(api: Any) -> None:
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        api.get_event_source_mapping(UUID=NONE)
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        api.update_event_source_mapping(UUID=NONE, Enabled=False)
    with pytest.raises(ClientError, match="BatchSize: only Enabled changes here"):
        api.update_event_source_mapping(UUID=U1, BatchSize=5)


def test_a_pause_outlives_what_is_declared_anew_unless_that_was_changed(runners: list[StubRunner]) -> None:
    runner = runners[1]
    runner.enable(enabled=False)
    config = runner.mapping.config
    runner.declare(mapping({**DECLARED, "uuid": U2}))
    assert runner.mapping.next_work(0) == []
    assert runner.mapping.state == "Disabled"
    assert runner.mapping.config.filters == ()
    assert runner.mapping.config.function == config.function
    runner.declare(mapping({**DECLARED, "uuid": U2, "enabled": False}))
    assert runner.mapping.state == "Disabled"
    runner.declare(mapping({**DECLARED, "uuid": U2, "enabled": True}))
    assert runner.mapping.state == "Enabling"


DECLARED: dict[str, Any] = {
    "functionName": FUNCTION + "second",
    "eventSourceArn": STREAM,
    "startingPosition": "TRIM_HORIZON",
}
