"""What the stand-in cannot answer as a node would, it refuses by name: it is never quietly wrong."""

from typing import Any

import pytest

from tests.unit.local_opensearch.asked import TEMPLATE, Imitated, create, lines, prepare

MAPPED = {"dynamic": False, "properties": {}}


@pytest.fixture(scope="module")
def engine() -> Imitated:
    found = Imitated()
    prepare(found)
    found.ask("POST", "/_bulk", lines(create("1", {"s": "hello", "l": 1, "t": "2026-11-21"})))
    return found


def refused(answer: tuple[int, Any], what: str) -> bool:
    error = answer[1]["error"]
    assert answer[0] == 400
    assert error["type"] == "unsupported_by_the_stand_in"
    assert "make opensearch" in error["reason"]
    return what in error["reason"]


@pytest.mark.parametrize(
    "body",
    [
        {"aggs": {"a": {"terms": {"field": "k"}}}},
        {"query": {"match": {"s": "hello"}}, "sort": ["l"]},
        {"query": {"query_string": {"query": "hello"}}, "sort": ["l"]},
        {"query": {"query_string": {"query": "hello", "lenient": True}}},
        {"query": {"range": {"t": {"gte": "now-1d"}}}, "sort": ["l"]},
        {"query": {"range": {"s": {"gte": "a"}}}, "sort": ["l"]},
        {"sort": [{"l": {"order": "asc", "missing": "_first"}}]},
        {"_source": ["l"]},
        {"highlight": {}},
        *(
            {"query": {"query_string": {"query": query, "lenient": True}}, "sort": ["l"]}
            for query in ("helo~", "hello^2", "/hel+o/", "hel/lo", "[1 TO 2]", "東京")
        ),
    ],
)
def test_a_search_beyond_it_is_refused(engine: Imitated, body: dict[str, Any]) -> None:
    assert refused(engine.ask("POST", "/p-x/_search", body), "")


@pytest.mark.parametrize(
    "mapping",
    [
        {"properties": {"g": {"type": "geo_point"}}},
        {"properties": {"s": {"type": "text", "analyzer": "english"}}},
        {"properties": {"t": {"type": "date", "format": "epoch_second"}}},
        {"dynamic": True},
        {"dynamic_templates": []},
        {"properties": {"n": {"type": "nested"}}},
    ],
)
def test_a_mapping_beyond_it_is_refused(engine: Imitated, mapping: dict[str, Any]) -> None:
    template = {**TEMPLATE, "template": {"mappings": mapping}}
    assert refused(engine.ask("PUT", "/_index_template/other", template), "")


def test_an_index_that_no_template_describes_is_refused_as_nothing_would_be_mapped(engine: Imitated) -> None:
    items = engine.ask("POST", "/_bulk", lines(create("1", {}, "elsewhere")))[1]["items"]
    assert items[0]["create"]["error"]["type"] == "unsupported_by_the_stand_in"
    assert engine.ask("GET", "/elsewhere/_count")[0] == 404


@pytest.mark.parametrize("path", ["/_sql", "/_cat/indices", "/p-x/_search?scroll=1m", "/_nodes"])
def test_an_interface_or_a_parameter_beyond_it_is_refused(engine: Imitated, path: str) -> None:
    assert engine.ask("GET", path)[0] == 400


def test_a_document_with_dots_in_a_name_is_refused(engine: Imitated) -> None:
    items = engine.ask("POST", "/_bulk", lines(create("dots", {"o.l": 1})))[1]["items"]
    assert "dots" in items[0]["create"]["error"]["reason"]


@pytest.mark.parametrize("document", [{"d": "1d"}, {"d": "0x1p3"}, {"l": "٣"}])
def test_a_number_that_java_alone_reads_is_refused(engine: Imitated, document: dict[str, Any]) -> None:
    status, answer = engine.ask("POST", "/_bulk", lines(create("n", document)))
    assert status == 200
    assert answer["items"][0]["create"]["error"]["type"] == "unsupported_by_the_stand_in"
