"""Faults on purpose: what a sink meets when BigQuery is ill, at the level of HTTP."""

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from sluice.local.bigquery.errors import ApiError, invalid

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

KINDS: Final = ("status", "hang", "drop", "half_response", "reject_rows", "after_write_drop")
_REASONS: Final = {
    400: "invalid",
    401: "authError",
    403: "rateLimitExceeded",
    404: "notFound",
    429: "rateLimitExceeded",
}
_TABLE: Final = re.compile(r"/tables/([^/]+)")


@dataclass(slots=True)
class Fault:
    """A fault, and how often it still strikes: `after` matching requests pass first, then `count` are hit."""

    number: int
    match: str
    kind: str
    status: int = 500
    body: Any = None
    count: int | None = None
    after: int = 0
    table: str | None = None
    seconds: float = 3600.0
    hits: int = 0


class Faults:
    """The faults that are set."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._faults: list[Fault] = []

    def add(self, body: dict[str, Any]) -> int:
        """Set a fault; returns its number. Raises ApiError 400."""
        known = {"match", "kind", "status", "body", "count", "after", "table", "seconds"}
        if set(body) - known or body.get("kind") not in KINDS or not body.get("match"):
            raise invalid(
                f"A fault has {sorted(known)}; match is required, and kind is one of {', '.join(KINDS)}"
            )
        given = {
            key: value
            for key, value in body.items()
            if value is not None or key in {"body", "count", "table"}
        }
        fault = Fault(next(self._numbers), **given)
        self._faults.append(fault)
        return fault.number

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """Return the faults and how often each has struck."""
        return [{"id": f.number, "match": f.match, "kind": f.kind, "hits": f.hits} for f in self._faults]

    def strike(self, operation: str, table: str | None) -> Fault | None:
        """Return the fault that hits this request, if any."""
        for fault in self._faults:
            if fault.match not in {operation, "*"} or (fault.table is not None and fault.table != table):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.count is not None and fault.hits >= fault.count:
                continue
            fault.hits += 1
            return fault
        return None


def operation_of(path: str) -> tuple[str, str | None]:
    """Return a request's operation, e.g. `insertAll`, `queries`, `tables` or `token`, and its table."""
    found = _TABLE.search(path)
    table = found[1] if found else None
    parts = [part for part in path.split("/") if part]
    if parts[-1:] == ["token"]:
        return "token", None
    if path.endswith(":generateAccessToken"):
        return "generateAccessToken", None
    for name in ("insertAll", "queries", "jobs", "data", "tables", "datasets"):
        if name in parts:
            return name, table
    return "other", table


class FaultyApp:
    """Wraps the application: strikes requests with the faults that are set."""

    def __init__(self, app: App, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_sluice/"):
            await self._app(scope, receive, send)
            return
        fault = self._faults.strike(*operation_of(scope["path"]))
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "status":
            await _drain(receive)
            await _answer(fault, send)
        elif fault.kind == "drop":
            await _drain(receive)
            scope["sluice.transport"].abort()
        elif fault.kind == "hang":
            await _hang(fault, receive)
            scope["sluice.transport"].abort()
        elif fault.kind == "reject_rows":
            scope["sluice.reject"] = fault.body or {}
            await self._app(scope, receive, send)
        else:
            await self._break(fault, scope, receive, send)

    async def _break(
        self, fault: Fault, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """Let the request take effect, then break the connection before the answer or in the middle of it."""
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        transport = scope["sluice.transport"]
        if fault.kind == "after_write_drop":
            transport.abort()
            return
        await send(answer[0])
        body = b"".join(message.get("body", b"") for message in answer[1:])
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        transport.close()


async def _drain(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def _hang(fault: Fault, receive: Receive) -> None:
    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(gone(), fault.seconds)
    except TimeoutError:
        return


async def _answer(fault: Fault, send: Send) -> None:
    content = "application/json"
    if isinstance(fault.body, str):
        payload, content = (
            fault.body.encode(),
            "text/html" if fault.body.lstrip().startswith("<") else content,
        )
    elif fault.body is not None:
        payload = json.dumps(fault.body).encode()
    else:
        reason = _REASONS.get(fault.status, "backendError")
        payload = json.dumps(
            ApiError(fault.status, reason, f"Injected fault {fault.number}").envelope()
        ).encode()
    headers = [(b"content-type", content.encode()), (b"content-length", str(len(payload)).encode())]
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})
