"""Faults on purpose: what a sink meets when OpenSearch is ill, at the level of HTTP and of single items."""

import itertools
import threading
from dataclasses import dataclass
from typing import Any, Final

import msgspec

KINDS: Final = ("status", "items", "slow", "hang", "drop", "after_write_drop", "half_response", "disk")
BLOCKED: Final = 403
BULK: Final = ("_bulk", "*")
TYPES: Final = {
    400: "mapper_parsing_exception",
    403: "cluster_block_exception",
    404: "index_not_found_exception",
    429: "rejected_execution_exception",
    503: "unavailable_shards_exception",
}
"""Of the error when a fault names none, by status (OpenSearch's exceptions in snake case)."""


class FaultRefused(Exception):  # noqa: N818 - an answer, not a failure
    """A fault that there is not; its text says what there is."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault, and how often it still strikes: `after` matching requests pass first, then `count` are hit.

    `match` is a request's operation (`_bulk`, `_search`, ...) or `*`. For `items`, `every` n-th item of a
    bulk request is refused with `status` and `type`, without ever reaching the index. `disk` strikes no
    request: as long as it is set, the cluster has `free_mb` megabytes left.
    """

    number: int = 0
    match: str = "_bulk"
    kind: str = "status"
    status: int = 503
    type: str | None = None
    reason: str | None = None
    every: int = 1
    count: int | None = None
    after: int = 0
    seconds: float = 3600.0
    free_mb: float = 0.0
    hits: int = 0

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it was to."""
        return self.count is not None and self.hits >= self.count

    @property
    def error(self) -> dict[str, Any]:
        """The error as OpenSearch writes it."""
        kind = self.type or TYPES.get(self.status, "exception")
        return {"type": kind, "reason": self.reason or f"injected fault {self.number}"}

    def body(self) -> bytes:
        """An answer to a whole request."""
        error = {"root_cause": [self.error], **self.error}
        return msgspec.json.encode({"error": error, "status": self.status})


class Faults:
    """The faults that are set. Safe for several threads."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, given: Any) -> int:
        """Set a fault and return its number; raises FaultRefused."""
        known = set(Fault.__dataclass_fields__) - {"number", "hits"}
        if not isinstance(given, dict) or set(given) - known or given.get("kind", "status") not in KINDS:
            raise FaultRefused(f"a fault has {', '.join(sorted(known))}; kind is one of {', '.join(KINDS)}")
        fault = Fault(number=next(self._numbers), **given)
        with self._lock:
            self._faults.append(fault)
        return fault.number

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults and how often each has struck."""
        with self._lock:
            return [{"id": f.number, "match": f.match, "kind": f.kind, "hits": f.hits} for f in self._faults]

    @property
    def free_mb(self) -> float | None:
        """How much room a fault leaves; None without one."""
        with self._lock:
            return next((fault.free_mb for fault in self._faults if fault.kind == "disk"), None)

    @property
    def blocks_writes(self) -> bool:
        """Whether the next bulk request would be refused by a block of the cluster."""
        with self._lock:
            return any(
                fault.kind == "status" and fault.status == BLOCKED and fault.match in BULK and not fault.spent
                for fault in self._faults
            )

    def strike(self, operation: str) -> Fault | None:
        """Return the fault that hits this request, if any."""
        with self._lock:
            for fault in self._faults:
                if fault.match not in {operation, "*"} or fault.kind == "disk":
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if not fault.spent:
                    fault.hits += 1
                    return fault
        return None


def operation_of(path: str) -> str:
    """A request's operation: the first part of its path with an underscore, else `index`."""
    return next((part for part in path.split("/") if part.startswith("_")), "index")


class Struck:
    """A bulk request without the items that a fault takes out of it, and its answer with them."""

    def __init__(self, body: bytes, fault: Fault) -> None:
        lines = [line for line in body.split(b"\n") if line.strip()]
        pairs, at = [], 0
        while at < len(lines):
            action = next(iter(msgspec.json.decode(lines[at])))
            length = 1 if action == "delete" else 2
            pairs.append((action, lines[at : at + length]))
            at += length
        self._fault = fault
        self._actions = [action for action, _ in pairs]
        kept = [line for at, (_, pair) in enumerate(pairs) if not self._hit(at) for line in pair]
        self.body = b"\n".join([*kept, b""]) if kept else b""

    def answer(self, body: bytes | None) -> bytes:
        """The whole answer, given that to the rest (None when there was no rest)."""
        rest: dict[str, Any] = msgspec.json.decode(body) if body else {"took": 0, "items": []}
        items = iter(rest.get("items", []))
        error = {"status": self._fault.status, "error": self._fault.error}
        merged = [{a: error} if self._hit(at) else next(items) for at, a in enumerate(self._actions)]
        return msgspec.json.encode({**rest, "errors": True, "items": merged})

    def _hit(self, at: int) -> bool:
        return at % self._fault.every == 0
