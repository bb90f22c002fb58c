"""The search sink against a real node: what it answers means what `answers.py` says."""

from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.sinks.opensearch.bulk import BulkWriter, Limits
from sluice.sinks.opensearch.connection import Cluster, connect
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.sink import SearchSink
from tests.opensearch.real import the_node
from tests.unit.delivery.builders import Time
from tests.unit.sinks.opensearch.events import CONTRACT, prepared

MAPPING = {
    "dynamic": False,
    "properties": {
        "page": {"type": "integer"},
        "revision": {"type": "long"},
        "id": {"type": "keyword"},
    },
}


@pytest.fixture(autouse=True)
def _impatient() -> None:
    """Be patient, unlike the other tests: a busy machine's node takes its time."""


@pytest.fixture
def node() -> Iterator[OpenSearch]:
    client = connect(the_node().url, None)
    body = {
        "index_patterns": ["unit-*"],
        "template": {"mappings": MAPPING, "settings": {"number_of_replicas": 0}},
    }
    client.indices.put_index_template(name="unit", body=body)
    client.indices.delete(index="unit-*")
    yield client
    client.cluster.put_settings(
        body={"persistent": {"action.auto_create_index": None, "cluster.max_shards_per_node": None}}
    )
    client.close()


@pytest.fixture
def sink(node: OpenSearch) -> SearchSink:
    return SearchSink(CONTRACT, BulkWriter(Cluster(node), Limits()), Indices("unit"))


def held(node: OpenSearch, index: str = "unit-visit-2023.11") -> dict[str, Any]:
    node.indices.refresh(index=index)
    hits = node.search(index=index, body={"size": 1000})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def test_events_sent_twice_are_documents_once_and_conflicts_with_the_mapping_are_rejected_alone(
    sink: SearchSink, node: OpenSearch, time: Time
) -> None:
    events = [prepared(sink, number, page="77" if number != 5 else "secret") for number in range(50)]
    for _ in range(2):
        outcomes = sink.deliver(events, time.deadline(30))
        refused = outcomes[5]
        assert [each for n, each in enumerate(outcomes) if n != 5] == [DELIVERED] * 49
        assert isinstance(refused, Rejected)
        assert refused.field == "page"
        assert "secret" not in refused.reason
    assert len(held(node)) == 49


def test_the_highest_version_stays(sink: SearchSink, node: OpenSearch, time: Time) -> None:
    for revision in (2, 3, 1, 3):
        event = prepared(sink, revision, type="order", id="o", revision=revision)
        assert sink.deliver([event], time.deadline(30)) == [DELIVERED]
    assert held(node, "unit-order-2023.11")["o"]["revision"] == 3


def test_the_first_document_of_an_id_stays(sink: SearchSink, node: OpenSearch, time: Time) -> None:
    for page in ("1", "2"):
        assert sink.deliver([prepared(sink, 1, id="same", page=page)], time.deadline(30)) == [DELIVERED]
    assert held(node)["same"]["page"] == "1"


def test_ids_of_any_length_and_of_any_characters_are_taken(
    sink: SearchSink, node: OpenSearch, time: Time
) -> None:
    ids = ["x" * 513, "\u20ac" * 171, 'a"\\\n\u0000b', "  "]
    outcomes = sink.deliver([prepared(sink, n, id=each) for n, each in enumerate(ids)], time.deadline(30))
    assert outcomes == [DELIVERED] * 4
    assert {each["_event_id"] for each in held(node).values()} == set(ids)


@pytest.mark.parametrize("trouble", ["closed", "blocked", "full", "not created", "shards"])
def test_a_cluster_that_takes_nothing_refuses_no_event(
    sink: SearchSink, node: OpenSearch, time: Time, trouble: str
) -> None:
    index = "unit-visit-2023.11"
    if trouble in ("closed", "blocked", "full"):
        node.indices.create(index=index)
    if trouble == "closed":
        node.indices.close(index=index)
    elif trouble == "blocked":
        node.indices.put_settings(index=index, body={"index.blocks.write": True})
    elif trouble == "full":
        node.indices.put_settings(index=index, body={"index.blocks.read_only_allow_delete": True})
    elif trouble == "not created":
        node.cluster.put_settings(body={"persistent": {"action.auto_create_index": "false"}})
    else:
        node.indices.create(index="unit-other")
        node.cluster.put_settings(body={"persistent": {"cluster.max_shards_per_node": 1}})
    outcomes = sink.deliver([prepared(sink, 1, page="1"), prepared(sink, 2, page="2")], time.deadline(2))
    assert all(isinstance(outcome, Retry) for outcome in outcomes), outcomes
