"""The gateway before the engine: plain HTTP, with faults where they were asked for.

What is not under /_sluice/ goes to the engine as it came. Under it: `status`, `faults` (GET, POST, DELETE),
`calls`, which are what roles have asked, `health`, which is what a domain tells CloudWatch, and `kill` and
`start` (POST), which end the engine as a power cut would and bring it back over its data.
"""

import asyncio
import re
import shutil
import tempfile
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sluice.errors import SluiceError
from sluice.local.access.calls import Calls
from sluice.local.identities import Issuer, RefusedError
from sluice.local.opensearch.engines import Answered, Asked, Engine
from sluice.local.opensearch.faults import Fault, FaultRefused, Faults, Struck, operation_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
OK = 200
MB = 1024 * 1024
_ACCESS_KEY = re.compile("Credential=([^/]+)/")


class Gateway:
    """The ASGI application's parts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._faults = Faults()
        self._issuer, self._calls = Issuer.here(), Calls()

    def app(self) -> Starlette:
        """The ASGI application."""
        own: list[tuple[str, list[str], Callable[[Request], Awaitable[Response]]]] = [
            ("status", ["GET"], self._status),
            ("calls", ["GET"], self._called),
            ("health", ["GET"], self._healthy),
            ("faults", ["GET", "POST", "DELETE"], self._set_faults),
            ("kill", ["POST"], self._kill),
            ("start", ["POST"], self._start),
        ]
        routes = [Route(f"/_sluice/{name}", handler, methods=methods) for name, methods, handler in own]
        return Starlette(routes=[*routes, Route("/{path:path}", self._Passing(self), methods=METHODS)])

    class _Passing:
        """Everything else; a class, so that Starlette hands it the connection."""

        def __init__(self, gateway: "Gateway") -> None:
            self._gateway = gateway

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            response = await self._gateway.respond(Request(scope, receive))
            if response is not None:
                await response(scope, receive, send)
            if response is None or isinstance(response, _Half):
                scope["sluice.transport"].abort()

    async def respond(self, request: Request) -> Response | None:
        """The engine's answer, or what a fault makes of it; None to break the connection."""
        raw = request.scope.get("raw_path") or request.scope["path"].encode()
        asked = Asked(
            request.method,
            raw.decode("latin-1"),
            request.scope["query_string"].decode("latin-1"),
            request.headers,
            await request.body(),
        )
        self._note(request)
        fault = self._faults.strike(operation_of(request.scope["path"]))
        answered = await (self._passed(asked) if fault is None else self._struck(asked, fault))
        if answered is None or (fault is not None and fault.kind == "after_write_drop"):
            return None
        if fault is not None and fault.kind == "half_response":
            return _Half(answered)
        return Response(answered.body, answered.status, media_type=answered.media_type)

    def _note(self, request: Request) -> None:
        """Keep what a role asked, for tests that compare it with what the role allows; nobody is refused."""
        found = _ACCESS_KEY.search(request.headers.get("authorization", ""))
        token = request.headers.get("x-amz-security-token")
        if found is None or token is None:
            return
        try:
            identity = self._issuer.identify(found[1], token)
        except RefusedError:
            return
        action, nothing_decided = f"es:ESHttp{request.method.title()}", (True, None)
        self._calls.add(identity, action, request.url.path, None, *nothing_decided)

    async def _passed(self, asked: Asked) -> Answered | None:
        return await run_in_threadpool(self._engine.answer, asked)

    async def _struck(self, asked: Asked, fault: Fault) -> Answered | None:
        match fault.kind:
            case "status":
                return Answered(fault.status, fault.body())
            case "drop":
                return None
            case "hang":
                await asyncio.sleep(fault.seconds)
                return None
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "items":
                return await self._items(asked, fault)
        return await self._passed(asked)

    async def _items(self, asked: Asked, fault: Fault) -> Answered | None:
        packed = asked.headers.get("content-encoding") == "gzip"
        struck = Struck(zlib.decompress(asked.body, 31) if packed else asked.body, fault)
        if not struck.body:
            return Answered(OK, struck.answer(None))
        plain = {name: value for name, value in asked.headers.items() if name != "content-encoding"}
        answered = await self._passed(asked._replace(body=struck.body, headers=plain))
        if answered is None or answered.status != OK:
            return answered
        return Answered(OK, struck.answer(answered.body))

    async def _status(self, _request: Request) -> Response:
        return JSONResponse({"engine": self._engine.name})

    async def _called(self, _request: Request) -> Response:
        return JSONResponse({"calls": self._calls.told()})

    async def _healthy(self, _request: Request) -> Response:
        """What the domain's metrics are made of."""
        asked = Asked("GET", "/_cluster/health", "", {}, b"")
        answered = await run_in_threadpool(self._engine.answer, asked)
        status = "red"
        if answered is not None and answered.status == OK:
            status = str(msgspec.json.decode(answered.body)["status"])
        free = self._faults.free_mb
        if free is None:
            free = shutil.disk_usage(tempfile.gettempdir()).free / MB
        return JSONResponse(
            {"status": status, "writes_blocked": self._faults.blocks_writes, "free_mb": round(free)}
        )

    async def _set_faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                given: Any = msgspec.json.decode(await request.body())
                return JSONResponse({"id": self._faults.add(given)})
            except (FaultRefused, msgspec.DecodeError, TypeError) as error:
                return JSONResponse({"error": str(error)}, 400)
        if request.method == "DELETE":
            self._faults.clear()
        return JSONResponse({"faults": self._faults.listed()})

    async def _kill(self, _request: Request) -> Response:
        await run_in_threadpool(self._engine.kill)
        return JSONResponse({})

    async def _start(self, _request: Request) -> Response:
        try:
            await run_in_threadpool(self._engine.start)
        except SluiceError as error:
            return JSONResponse({"error": str(error)}, 500)
        return JSONResponse({})


class _Half(Response):
    """The first half of an answer that says it is whole."""

    def __init__(self, answered: Answered) -> None:
        super().__init__(answered.body, answered.status, media_type=answered.media_type)
        self.body = answered.body[: len(answered.body) // 2]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
