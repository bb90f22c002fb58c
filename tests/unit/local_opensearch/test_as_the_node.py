"""The stand-in answers as a real node does: the same requests to both, and their answers compared."""

from functools import lru_cache
from typing import Any

import pytest

from tests.opensearch.real import the_node
from tests.unit.local_opensearch.asked import Imitated, Real, create, lines, prepare

LONG = "x" * 40_000
TAKEN_OR_NOT = [
    {"l": "abc"}, {"l": "12"}, {"l": 1.5}, {"l": "1.5"}, {"l": 2**63}, {"l": True}, {"l": {"a": 1}},
    {"l": [1, 2]}, {"l": None}, {"l": ""}, {"l": [1, "x"]}, {"d": "x"}, {"d": "1e400"}, {"d": "NaN"},
    {"d": True}, {"d": "12.50"}, {"t": "yesterday"}, {"t": "2026-11-21"}, {"t": 1760000000000}, {"t": 1.5},
    {"t": True}, {"t": {"a": 1}}, {"t": "2026-11-21T10:00:00.123456Z"}, {"t": "2026-11-21 10:00:00"},
    {"t": "0001-01-01T00:00:00Z"}, {"t": "9999-12-31T23:59:59.999999Z"}, {"t": "2026-11-21T10:00:00+02:00"},
    {"day": "2026-11-21"}, {"day": "2026-11-21T00:00:00Z"}, {"day": "2026-11"}, {"b": "yes"}, {"b": "true"},
    {"b": 1}, {"b": ""}, {"o": 5}, {"o": [{"l": 1}, {"l": 2}]}, {"o": [1]}, {"o": {"l": "x"}}, {"o": None},
    {"s": {"a": 1}}, {"s": 5}, {"s": True}, {"s": LONG}, {"s": [["a"], "b"]}, {"k": {"a": 1}}, {"k": LONG},
    {"zz": {"a": 1}}, {"zz": LONG}, {"": 1}, {"l": " 7"}, {"l": "1_0"}, {"l": "1e3"}, {"l": "1e30"},
    {"l": str(2**63)}, {"d": "1_0"}, {"d": " 1.5"}, {"d": "nan"}, {"d": ".5"},
]  # fmt: skip
"""Documents for each type of field: some are taken, some are not."""

EVENTS = [
    {"s": "Hello brave World", "l": 1, "d": 0.5, "t": "2026-11-21T10:00:00.5Z", "b": True, "k": "Alpha"},
    {"s": "hello, world!", "l": 2, "d": 1.5, "t": "2026-11-22T10:00:00Z", "b": False, "k": "beta"},
    {"s": "O'Neill's e-mail: a.b@example.com 3.14 2026", "l": -7, "t": "2026-12-01T00:00:00Z", "k": "a b"},
    {"s": ["first value", "second value"], "l": [5, 9], "o": [{"l": 1, "s": "inner"}, {"l": 3}], "k": "5"},
    {"s": LONG, "k": LONG, "day": "2026-11-21", "t": "2025-01-01T00:00:00Z"},
    {"s": "under_score snake_case_name CamelCase 12:30 1,000", "d": 2026, "l": 2026},
    {"unknown": "hello"},
    {"s": "/path/to/page?query=hello+world", "k": "/path/to/page", "b": True, "t": 0},
]
QUERIES = [
    "hello", "HELLO", "hello world", "hello OR brave", "hello AND brave", "hello AND NOT brave", "-hello",
    "NOT hello", "+hello -brave", '"hello world"', '"brave world"', "s:hello", "s:(hello brave)", "k:Alpha",
    "k:alpha", 'k:"a b"', "l:1", "l:5", "l:[1 TO 2]", "l:{1 TO 2]", "l:>=2", "l:<0", "l:[* TO 2]", "d:1.5",
    "d:>1", "t:[2026-11-21 TO 2026-11-21]", "t:2026-11-21", "t:2026-11", "t:2026", "t:>2026-11-21",
    "t:<2026-11-22", "t:[2026-11-21T10:00:00.500Z TO *]", "b:true", "true", "o.l:3", "o.s:inner", "inner",
    "nope:x", "hel*", "s:*score*", "w?rld", "k:*pha", "s:*", "*", "_exists_:o.l", "_exists_:nope", "2026",
    "3.14", "o'neill's", "e-mail", "a.b@example.com", "under_score", "snake", "camelcase", "12\\:30", "12",
    "1,000", "hello OR brave AND second", "(hello OR second) AND NOT world", "hello (brave OR NOT second)",
    "a\\ b", "hello || second", "brave && hello", "!hello", 's.keyword:"hello, world!"', "day:2026-11-21",
    "xx", "path", "\\/path\\/to\\/page", "hello\\+world", "value second", '"value second"', "5", "l:x", "",
    "b:TRUE", "k:5", "unknown:hello", "t:0", "not", "and", "l:2_026", "d:1_5",
]  # fmt: skip
BROKEN = ["hello AND (", "hello AND", "(hello", "hello)", "s:", '"open', "l:[1 TO", "AND hello"]
SEARCHES: list[dict[str, Any]] = [
    {"sort": [{"t": {"order": "desc"}}, {"l": "asc"}], "size": 3},
    {"sort": [{"t": "asc"}], "from": 2, "size": 2, "query": {"exists": {"field": "t"}}},
    {"sort": [{"nope": {"order": "desc", "unmapped_type": "date"}}, {"l": "desc"}]},
    {"sort": [{"nope": "desc"}]},
    {"sort": ["l"], "query": {"bool": {"filter": [{"range": {"t": {"gte": "2026-11-21", "lt": "2027"}}}]}}},
    {"sort": ["l"], "query": {"bool": {"should": [{"term": {"l": 1}}, {"term": {"k": "beta"}}]}}},
    {"sort": ["l"], "query": {"bool": {"must": {"match_all": {}}, "must_not": [{"exists": {"field": "d"}}]}}},
    {"sort": ["l"], "query": {"terms": {"l": [1, 5, 2026]}}},
    {"sort": [{"d": "desc"}, "l"]}, {"sort": [{"k": "asc"}, "l"]}, {"sort": [{"b": "asc"}, "l"]},
    {"sort": [{"s.keyword": "desc"}, "l"]}, {"sort": [{"s": "desc"}]}, {"sort": [{"o.l": "desc"}, "l"]},
    {"sort": ["l"], "query": {"term": {"s": "hello"}}},
    {"sort": ["l"], "query": {"term": {"s": "Hello"}}},
    {"sort": ["l"], "query": {"ids": {"values": ["e1", "e4", "none"]}}},
    {"sort": ["l"], "query": {"range": {"k": {"gte": "a", "lt": "b"}}}},
    {"size": 0, "query": {"range": {"d": {"gt": 0.5}}}, "track_total_hits": True},
    {"sort": ["l"], "query": {"term": {"l": "abc"}}},
    {"sort": ["l"], "query": {"range": {"t": {"gte": "abc"}}}},
]  # fmt: skip


@lru_cache(maxsize=1)
def both() -> tuple[Real, Imitated]:
    """A node and a stand-in that hold the same."""
    engines = Real(the_node()), Imitated()
    events = lines(*(create(f"e{number}", event, "p-x-events") for number, event in enumerate(EVENTS)))
    for engine in engines:
        prepare(engine)
        answer = engine.ask("POST", "/_bulk", events)[1]
        assert not answer["errors"], answer
        engine.ask("POST", "/p-x-events/_refresh")
    return engines


def kinds(answer: Any) -> Any:
    """What of an item's answer is promised: all but the words of Java's JSON reader."""
    (action, one), *_ = answer.items()
    error = one.get("error", {})
    cause = error.get("caused_by", {})
    reason = cause.get("reason", "") if cause.get("type") == "illegal_argument_exception" else ""
    return action, one["status"], one.get("result"), error.get("type"), error.get("reason"), reason


def test_a_document_is_taken_or_refused_in_the_nodes_words() -> None:
    real, imitated = both()
    body = lines(*(create(f"d{number}", one) for number, one in enumerate(TAKEN_OR_NOT)))
    found = [engine.ask("POST", "/_bulk", body)[1]["items"] for engine in (real, imitated)]
    for document, *answers in zip(TAKEN_OR_NOT, *found, strict=True):
        assert kinds(answers[1]) == kinds(answers[0]), str(document)[:200]


def test_versions_and_conflicts_are_the_nodes() -> None:
    def external(version: int) -> tuple[Any, Any]:
        meta = {"_index": "p-x-2", "_id": "v", "version": version, "version_type": "external"}
        return {"index": meta}, {"l": version}

    body = lines(
        create("1", {"l": 1}, "p-x-2"), create("1", {"l": 2}, "p-x-2"), *(external(v) for v in (5, 5, 4, 9)),
        create("", {"l": 1}, "p-x-2"), create("1", {"l": 1}, "P-x"), create("q", [1], "p-x-2"),
    )  # fmt: skip
    real, imitated = both()
    answers = [engine.ask("POST", "/_bulk", body) for engine in (real, imitated)]
    assert answers[1] == answers[0]
    for identity in ("1", "v", "none"):
        path = f"/p-x-2/_doc/{identity}"
        assert imitated.ask("GET", path) == real.ask("GET", path)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"create":{"_index":"p-x-1","_id":"n"}}\n{"s":"no end"}',
        b'{"foo":{}}\n{}\n',
        lines(create("z" * 513, {})),
        lines(({"index": {"_index": "p-x-1", "_id": "v", "version": -1, "version_type": "external"}}, {})),
    ],
)
def test_a_whole_request_is_refused_in_the_nodes_words(body: bytes) -> None:
    real, imitated = both()
    assert imitated.ask("POST", "/_bulk", body) == real.ask("POST", "/_bulk", body)


def test_a_filtered_answer_has_what_the_nodes_has() -> None:
    path = "/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.caused_by"
    body = lines(create("f", {"l": 1}, "p-x-3"), create("f", {}, "p-x-3"), create("g", {"t": "x"}, "p-x-3"))
    real, imitated = both()
    answers = [engine.ask("POST", path, body) for engine in (real, imitated)]
    for _, answer in answers:
        answer["items"][2]["create"]["error"]["caused_by"].pop("caused_by", None)
    assert answers[1] == answers[0]


@pytest.mark.parametrize("operator", ["and", "or"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_finds_what_the_node_finds(query: str, operator: str) -> None:
    what = {"query_string": {"query": query, "default_operator": operator, "lenient": True}}
    found = []
    for engine in both():
        status, answer = engine.ask("POST", "/p-x-events/_search", {"query": what, "sort": ["l"], "size": 50})
        assert status == 200, answer
        found.append({hit["_id"] for hit in answer["hits"]["hits"]})
    assert found[1] == found[0]


@pytest.mark.parametrize("query", BROKEN)
def test_a_broken_query_is_refused_as_the_node_does(query: str) -> None:
    what = {"query": {"query_string": {"query": query, "lenient": True}}, "sort": ["l"]}
    real, imitated = (engine.ask("POST", "/p-x-events/_search", what) for engine in both())
    assert (imitated[0], imitated[1]["error"]["root_cause"][0]) == (
        real[0],
        {key: value for key, value in real[1]["error"]["root_cause"][0].items() if key != "index"},
    )


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_finds_and_sorts_as_the_node(search: dict[str, Any]) -> None:
    real, imitated = (engine.ask("POST", "/p-x-events/_search", search) for engine in both())
    assert imitated[0] == real[0]
    if real[0] == 200:
        assert imitated[1]["hits"]["total"] == real[1]["hits"]["total"]
        hits = [[(hit["_id"], hit["sort"]) for hit in each[1]["hits"]["hits"]] for each in (imitated, real)]
        assert hits[0] == hits[1]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/none/_count", None),
        ("GET", "/none-*/_count", None),
        ("GET", "/none-*/_mapping", None),
        ("GET", "/p-x-events/_mapping", None),
        ("GET", "/p-x-events/_alias", None),
        ("PUT", "/p-x-events/_mapping", {"properties": {"l": {"type": "text"}}}),
        ("PUT", "/p-x-events/_mapping", {"properties": {"l": {"properties": {"x": {"type": "long"}}}}}),
        ("PUT", "/p-x-events/_mapping", {"properties": {"o": {"type": "long"}}}),
        ("PUT", "/p-x-events/_mapping", {"_meta": {"hash": "2"}, "properties": {"new": {"type": "long"}}}),
        ("GET", "/p-x-*/_mapping", None),
        ("POST", "/_aliases", {"actions": [{"add": {"index": "p-x-events", "alias": "more"}}]}),
        ("GET", "/more/_alias", None),
        ("GET", "/more/_count", None),
        ("POST", "/p-x-events/_count", {"query": {"term": {"b": True}}}),
        ("GET", "/_index_template/none", None),
        ("GET", "/_plugins/_ism/policies/x", None),
        ("PUT", "/_plugins/_security/api/roles/x", {}),
        ("HEAD", "/p-x-events", None),
        ("HEAD", "/none", None),
    ],
)
def test_indices_mappings_and_aliases_answer_as_the_nodes(method: str, path: str, body: Any) -> None:
    real, imitated = (engine.ask(method, path, body) for engine in both())
    if real[0] >= 400 and isinstance((real[1] or {}).get("error"), dict):
        found = [(each[0], each[1]["error"]["type"], each[1]["error"]["reason"]) for each in (imitated, real)]
        assert found[0] == found[1]
    else:
        assert imitated == real
