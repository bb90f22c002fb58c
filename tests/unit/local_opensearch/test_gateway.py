"""The gateway before the local OpenSearch: faults strike as they were asked to, and a kill loses nothing."""

import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
import urllib3

from sluice.local.cloud_process import ChildProcess
from sluice.local.deploy_result import Deployment
from sluice.local.watch.search import SearchMeter
from tests.unit.local_opensearch.asked import COMPONENT, TEMPLATE, create, lines


class Server:
    """A stand-in in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url, self._pool = url, urllib3.PoolManager(retries=False, timeout=10)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        found = self._pool.request(method, self.url + path, body=data)
        return found.status, json.loads(found.data or b"null")

    def fault(self, **fault: Any) -> None:
        assert self.ask("POST", "/_sluice/faults", fault)[0] == 200

    def write(self, *identities: str) -> tuple[int, Any]:
        return self.ask("POST", "/_bulk", lines(*(create(each, {"l": 1}) for each in identities)))

    def count(self) -> int:
        return int(self.ask("GET", "/p-x/_count")[1]["count"])


@pytest.fixture(scope="module")
def process() -> Iterator[Server]:
    child = ChildProcess("sluice.local.opensearch", "--engine", "stand-in", name="the stand-in")
    try:
        server = Server(f"http://127.0.0.1:{child.hear(60)['port']}")
        assert server.ask("PUT", "/_component_template/c", COMPONENT)[0] == 200
        assert server.ask("PUT", "/_index_template/t", TEMPLATE)[0] == 200
        yield server
    finally:
        child.close()
        child.wait()


@pytest.fixture
def server(process: Server) -> Iterator[Server]:
    process.ask("DELETE", "/p-x-*")
    yield process
    process.ask("DELETE", "/_sluice/faults")
    process.ask("POST", "/_sluice/start")


def test_it_says_what_answers(server: Server) -> None:
    assert server.ask("GET", "/_sluice/status") == (200, {"engine": "OpenSearch (stand-in)"})


def test_a_status_fault_strikes_as_often_as_asked_and_writes_nothing(server: Server) -> None:
    server.fault(kind="status", status=503, after=1, count=1)
    assert [server.write(each)[0] for each in ("a", "b", "c")] == [200, 503, 200]
    assert server.count() == 2


def test_items_are_refused_one_by_one_and_the_others_go_in(server: Server) -> None:
    server.fault(kind="items", status=429, every=2, count=1)
    _, answer = server.write("a", "b", "c")
    assert answer["errors"]
    assert [item["create"]["status"] for item in answer["items"]] == [429, 201, 429]
    assert answer["items"][0]["create"]["error"]["type"] == "rejected_execution_exception"
    assert server.count() == 1


@pytest.mark.parametrize(("kind", "written"), [("drop", 0), ("after_write_drop", 1), ("half_response", 1)])
def test_a_broken_connection_tells_nothing_of_what_was_written(
    server: Server, kind: str, written: int
) -> None:
    server.fault(kind=kind, count=1)
    with pytest.raises(urllib3.exceptions.HTTPError):
        server.write("a")
    assert server.count() == written if written else server.write("a")[0] == 200


def test_what_was_killed_answers_nothing_and_comes_back_with_all_it_held(server: Server) -> None:
    server.write("a")
    server.ask("POST", "/_sluice/kill")
    with pytest.raises(urllib3.exceptions.HTTPError):
        server.write("b")
    server.ask("POST", "/_sluice/start")
    assert server.count() == 1


def test_a_fault_that_there_is_not_is_refused_with_those_there_are(server: Server) -> None:
    status, answer = server.ask("POST", "/_sluice/faults", {"kind": "fire"})
    assert (status, "after_write_drop" in answer["error"]) == (400, True)


def test_a_domain_tells_its_status_whether_it_blocks_writes_and_what_room_is_left(server: Server) -> None:
    def measured() -> dict[str, float]:
        found: dict[str, float] = {}
        meter = Mock()
        meter.add = lambda _namespace, name, named, value, **_: found.update({name: value}) or named
        search = SearchMeter(meter, 60)
        told = Deployment(region="r", functions=[], mappings=[], outputs={}, domains=["d"])
        search.aim(msgspec.structs.replace(told, search_url=server.url))
        search.measure()
        return found

    healthy = measured()
    assert healthy.pop("FreeStorageSpace") > 0
    fine = {"ClusterStatus.green": 1, "ClusterStatus.yellow": 0, "ClusterStatus.red": 0}
    assert healthy == {**fine, "ClusterIndexWritesBlocked": 0}
    server.fault(kind="status", status=403, count=1)
    server.fault(kind="disk", free_mb=12)
    assert (measured()["ClusterIndexWritesBlocked"], measured()["FreeStorageSpace"]) == (1, 12)
    assert server.write("1")[0] == 403
    assert measured()["ClusterIndexWritesBlocked"] == 0
    server.ask("POST", "/_sluice/kill")
    assert measured()["ClusterStatus.red"] == 1
