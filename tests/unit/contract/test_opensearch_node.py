"""A real OpenSearch node takes every event that the contract accepts, whatever it holds."""
# ruff: noqa: RUF012 - msgspec copies the default of a list field

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
import urllib3

from sluice.contract import Contract, Event, Json, Nested, field, opensearch
from tests.opensearch.real import the_node


class Leaf(Nested):
    number: int
    amount: Decimal | None = None


class Anything(Event, type="anything", id="key", time="at"):
    key: str
    at: datetime
    day: date | None = None
    text: str = ""
    whole: int = 0
    ratio: float = 0.0
    amount: Decimal | None = None
    exact: Annotated[Decimal | None, field(bignumeric=True)] = None
    free: Json | None = None
    frees: list[Json] = []
    leaves: list[Leaf] = []
    words: list[str] = []


CONTRACT = Contract([Anything])
KIND = CONTRACT.types["anything"]
NOW = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
LINEAGE = (
    b',"_event_id":"e","_arrived_at":"2026-11-01T12:00:00.123456Z","_shard":"shardId-000000000000",'
    b'"_sequence":"49600:2","of_a_newer_contract":{"a":[1,"x"]}}'
)


def deep(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"key": value}
    return value


HOSTILE: dict[str, dict[str, Any]] = {
    "plain": {},
    "first moment": {"at": datetime(1, 1, 1, tzinfo=UTC), "day": date(1, 1, 1)},
    "last moment": {"at": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "day": date(9999, 12, 31)},
    "a term beyond Lucene's": {"text": "x" * 100_000},
    "such terms in a list": {"words": ["y" * 40_000, "", " "]},
    "four bytes a character": {"text": "😀" * opensearch.IGNORE_ABOVE},
    "three bytes a character": {"text": "\uffff" * opensearch.IGNORE_ABOVE},
    "a megabyte of words": {"text": "word " * 190_000},
    "a zero byte": {"text": "a\0b"},
    "an endless id": {"key": "k" * 400_000},
    "least integer": {"whole": -(2**63)},
    "greatest integer": {"whole": 2**63 - 1},
    "greatest float": {"ratio": 1.7976931348623157e308},
    "least float": {"ratio": 5e-324},
    "greatest NUMERIC": {"amount": Decimal("9" * 29 + "." + "9" * 9)},
    "least NUMERIC": {"amount": Decimal("1E-9")},
    "greatest BIGNUMERIC": {"exact": Decimal("-" + "9" * 38 + "." + "9" * 38)},
    "least BIGNUMERIC": {"exact": Decimal("1E-38")},
    "free text": {"free": "text"},
    "free number": {"free": 1.5},
    "free list": {"free": [1, "a", {"b": None}]},
    "free and deep": {"free": deep(490)},
    "free and long": {"free": {"a": "z" * 200_000}},
    "free keys": {"free": {"a.b": 1, "a": {"b": "x"}, "": 2}},
    "free in lists": {"frees": [1, "a", {"x": 1}, [None]]},
    "many structs": {"leaves": [Leaf(number=number, amount=Decimal(number)) for number in range(12_000)]},
}


class Node:
    """The index that the documents go to."""

    def __init__(self) -> None:
        self._http = urllib3.PoolManager()
        self._url = the_node().url

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        answer = self._http.request(
            method, f"{self._url}/{path}", body=body, headers={"content-type": "application/json"}
        )
        return answer.json()


@pytest.fixture(scope="module")
def node() -> Node:
    found = Node()
    index = {
        "settings": {
            "number_of_replicas": 0,
            "index.mapping.total_fields.limit": opensearch.field_limit(KIND),
        },
        "mappings": opensearch.mapping(KIND),
    }
    found.ask("DELETE", "contract-anything")
    assert found.ask("PUT", "contract-anything", json.dumps(index).encode())["acknowledged"]
    for number, values in enumerate(HOSTILE.values()):
        event = Anything(**({"key": str(number), "at": NOW} | values))
        document = CONTRACT.encode_document(CONTRACT.decode(CONTRACT.encode(event)))
        action = json.dumps({"create": {"_id": str(number)}}).encode()
        answer = found.ask(
            "POST", "contract-anything/_bulk", b"\n".join((action, document[:-1] + LINEAGE, b""))
        )
        assert answer["errors"] is False, json.dumps(answer)[:1_000]
    found.ask("POST", "contract-anything/_refresh")
    return found


def hits(node: Node, query: str) -> set[str]:
    body = {"query": {"query_string": {"query": query}}, "size": 100, "_source": False}
    answer = node.ask("POST", "contract-anything/_search", json.dumps(body).encode())
    return {list(HOSTILE)[int(hit["_id"])] for hit in answer["hits"]["hits"]}


def test_no_event_is_refused_for_what_it_holds(node: Node) -> None:
    assert node.ask("GET", "contract-anything/_count")["count"] == len(HOSTILE)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text:word", {"a megabyte of words"}),
        ("key.keyword:0", {"plain"}),
        ("whole:>1000", {"greatest integer"}),
        ("amount:>1000", {"greatest NUMERIC"}),
        ("exact:<0", {"greatest BIGNUMERIC"}),
        ("at:[9999-01-01 TO *]", {"last moment"}),
        ("day:0001-01-01", {"first moment"}),
        ("free:text", {"free text"}),
        ("free:b", {"free list", "free keys"}),
        ("frees:x", {"free in lists"}),
        ("leaves.number:11999", {"many structs"}),
        ("_sequence:49600\\:2", set(HOSTILE)),
        ("of_a_newer_contract.a:x", set()),
    ],
)
def test_each_kind_is_found_by_what_it_holds(node: Node, query: str, found: set[str]) -> None:
    assert hits(node, query) == found


def test_the_source_keeps_what_the_index_rounds(node: Node) -> None:
    number = list(HOSTILE).index("greatest NUMERIC")
    source = node.ask("GET", f"contract-anything/_doc/{number}")["_source"]
    assert (source["amount"], source["at"]) == ("9" * 29 + "." + "9" * 9, "2026-11-01T12:00:00.123456Z")


def test_fields_of_a_newer_contract_are_kept_and_do_not_change_the_mapping(node: Node) -> None:
    mappings = node.ask("GET", "contract-anything/_mapping")["contract-anything"]["mappings"]
    assert list(mappings["properties"]) == sorted(opensearch.properties(KIND))
    assert node.ask("GET", "contract-anything/_doc/0")["_source"]["of_a_newer_contract"] == {"a": [1, "x"]}
