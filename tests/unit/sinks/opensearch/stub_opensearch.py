"""A small HTTP server that answers bulk requests as OpenSearch 2.19 does, and misbehaves on request."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Any

from tests.unit.sinks.stub_server import Behaviour, Exchange, StubServer

Verdict = tuple[int, dict[str, Any]]


def error(kind: str, reason: str, cause: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "reason": reason}
    return found | ({"caused_by": {"type": cause, "reason": "why"}} if cause else {})


UNPARSED = error(
    "mapper_parsing_exception",
    "failed to parse field [page] of type [long] in document with id 'v1'. "
    "Preview of field's value: 'secret'",
    "illegal_argument_exception",
)
FULL = error(
    "rejected_execution_exception",
    "rejected execution of coordinating operation [coordinating_and_primary_bytes=1, all_bytes=53687091]",
)


class SearchExchange(Exchange):
    """One bulk request."""

    stub: "StubOpenSearch"

    def read(self, body: bytes) -> None:
        assert body.endswith(b"\n")
        lines = [json.loads(line) for line in body.split(b"\n")[:-1]]
        self.actions = [next(iter(line.items())) for line in lines[::2]]
        self.documents = lines[1::2]

    def write(self, *, without: Collection[int] = ()) -> list[dict[str, Any]]:  # type: ignore[override] # its items
        return [
            {kind: {"status": 0}} if n in without else {kind: self.stub.take(kind, where, document)}
            for n, ((kind, where), document) in enumerate(zip(self.actions, self.documents, strict=True))
        ]


def fine(exchange: SearchExchange) -> None:
    items = exchange.write()
    errors = any("error" in next(iter(item.values())) for item in items)
    exchange.answer(200, {"errors": errors, "items": items})


class StubOpenSearch(StubServer):
    """Holds documents by index and id; `judge` refuses some of them, with a status and an error."""

    exchange = SearchExchange
    fine = staticmethod(fine)

    def __init__(self) -> None:
        self.indices: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.versions: dict[tuple[str, str], int] = {}
        self.writes: list[str] = []
        self.judge: Callable[[dict[str, Any]], Verdict | None] = lambda _document: None
        super().__init__()

    def take(self, kind: str, where: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            refused = self.judge(document)
            if refused:
                return {"status": refused[0], "error": refused[1]}
            index, key = self.indices[where["_index"]], (where["_index"], where["_id"])
            version = where.get("version", 1)
            if where["_id"] in index and (kind == "create" or version <= self.versions[key]):
                return {"status": 409, "error": error("version_conflict_engine_exception", "[v1]: conflict")}
            created = where["_id"] not in index
            index[where["_id"]], self.versions[key] = document, version
            self.writes.append(where["_id"])
            return {"status": 201 if created else 200}


def items(results: dict[int, Verdict]) -> Behaviour:
    """Write the events that are not named, and answer for the others as told."""

    def behave(exchange: SearchExchange) -> None:
        written = exchange.write(without=results)
        for index, (status, failure) in results.items():
            written[index] = {exchange.actions[index][0]: {"status": status, "error": failure}}
        exchange.answer(200, {"errors": True, "items": written})

    return behave


def status(code: int, kind: str = "exception", reason: str = "reason", **headers: str) -> Behaviour:
    body = {"error": error(kind, reason) | {"root_cause": []}, "status": code}
    return lambda exchange: exchange.answer(code, body, **headers)
