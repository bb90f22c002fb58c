"""Requests that both the stand-in and the real node answer, and what of their answers has to be the same."""

import json
from typing import Any

import urllib3

from sluice.local.opensearch.engines import Asked
from sluice.local.opensearch.node import Node
from sluice.local.opensearch.stand_in import StandIn

TEMPLATE = {
    "index_patterns": ["p-x-*"],
    "composed_of": ["c"],
    "priority": 500,
    "template": {
        "settings": {"index": {}},
        "mappings": {
            "dynamic": False,
            "_meta": {"hash": "1"},
            "properties": {
                "s": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 8191}}},
                "l": {"type": "long"},
                "d": {"type": "double"},
                "t": {"type": "date"},
                "day": {"type": "date", "format": "strict_date"},
                "b": {"type": "boolean"},
                "k": {"type": "keyword", "ignore_above": 8191},
                "o": {
                    "type": "object",
                    "dynamic": False,
                    "properties": {"l": {"type": "long"}, "s": {"type": "text"}},
                },
            },
        },
        "aliases": {"p-x": {}, "p": {}},
    },
}
COMPONENT = {"template": {"settings": {"index": {"number_of_shards": "1", "number_of_replicas": "0"}}}}
UNSURE = ("took", "_shards", "index_uuid", "uuid", "_seq_no", "_primary_term", "max_score", "_score")
"""What no two clusters, or two runs, have in common."""


class Real:
    """The node, asked in the way of the stand-in."""

    def __init__(self, node: Node) -> None:
        self._url, self._pool = node.url, urllib3.PoolManager()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"content-type": "application/x-ndjson" if isinstance(body, bytes) else "application/json"}
        found = self._pool.request(method, self._url + path, body=_body(body), headers=headers)
        return found.status, plain(json.loads(found.data or b"null"))


class Imitated:
    """The stand-in."""

    def __init__(self) -> None:
        self._stand_in = StandIn()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        where, _, query = path.partition("?")
        found = self._stand_in.answer(Asked(method, where, query, {}, _body(body) or b""))
        assert found is not None
        return found.status, plain(json.loads(found.body or b"null"))


def prepare(engine: Real | Imitated) -> None:
    """Give an engine the template that all tests write through."""
    assert engine.ask("PUT", "/_component_template/c", COMPONENT)[0] == 200
    assert engine.ask("PUT", "/_index_template/t", TEMPLATE)[0] == 200


def lines(*pairs: tuple[Any, Any]) -> bytes:
    """The body of a bulk request."""
    return b"".join(json.dumps(one).encode() + b"\n" for pair in pairs for one in pair)


def create(identity: str, document: Any, index: str = "p-x-1") -> tuple[Any, Any]:
    return {"create": {"_index": index, "_id": identity}}, document


def plain(answer: Any) -> Any:
    """An answer without what differs between two clusters."""
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items() if key not in UNSURE}
    return [plain(one) for one in answer] if isinstance(answer, list) else answer


def _body(body: Any) -> bytes | None:
    return body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
