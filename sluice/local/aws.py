"""The local AWS: moto behind a keep-alive HTTP server on 127.0.0.1, as a process of its own.

`python -m sluice.local.aws --port 0` prints `{"port": N}` once it listens. Kinesis' data plane is answered on
the event loop; everything else is moto, run in threads: one call at a time, but for SQS, whose receivers wait
for messages.
"""

import argparse
import asyncio
import contextlib
import gc
import importlib
import io
import logging
import os
import re
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
import uvicorn

from sluice.local.access import refusals
from sluice.local.access.guard import DeniedError, Guard, hides_what_is_missing
from sluice.local.access.request import Request
from sluice.local.aws_faults import PATH as FAULTS
from sluice.local.aws_faults import AwsFaults
from sluice.local.aws_kinesis import ACCOUNT, CONSUMER, TARGET, DataPlane
from sluice.local.child import announce, exit_with_parent, listen
from sluice.local.identities import Identity, Issuer, RefusedError
from sluice.local.signatures import Verifier, asks_who, caller
from sluice.local.watch.answers import PATH as ALARMS
from sluice.local.watch.answers import answers
from sluice.local.watch.collector import PATH as METRICS
from sluice.local.watch.points import Points
from sluice.local.watch.store import MetricStore

if TYPE_CHECKING:
    from sluice.local.aws_firehose import Firehoses
    from sluice.local.watch.watch import Watch

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]

Parts = tuple[DataPlane, "Firehoses", "Watch", AwsFaults]

STREAM_MEMORY_BYTES = 192 * 1024 * 1024
THREADS = 32
TOTALS = "/_sluice/streams"
CALLS = "/_sluice/calls"
"""What roles have called: `{"calls": [...]}`, each as `sluice.local.access.calls.Call` is, and a count."""

FIREHOSES = "/_sluice/firehoses"
"""A POST delivers what Firehose has buffered; with a name behind it, answers what was put to that one."""

SCOPE = re.compile(rb"Credential=[^/]+/[^/]+/([^/]+)/([^/]+)/")


class Gateway:
    """The ASGI application in front of moto."""

    def __init__(self, parts: Parts, moto: Wsgi, guard: Guard) -> None:
        self._plane, self._firehoses, self._watch, self._faults = parts
        self._moto = moto
        self._guard = guard
        self._verifier = Verifier(guard.issuer)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="moto")
        self._one_at_a_time = threading.Lock()
        self._asked: dict[str, Callable[[bytes], bytes]] = {
            TOTALS: lambda _: msgspec.json.encode(self._plane.totals()),
            CALLS: lambda _: msgspec.json.encode({"calls": self._guard.calls.told()}),
            ALARMS: lambda _: answers(self._watch.alarms()),
            METRICS: self._measured,
            FIREHOSES: self._deliver,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await _body(receive)
        if scope["path"].startswith("/_sluice/"):
            if scope["path"] == FAULTS:
                status, said = self._faults.asked(scope["method"], body)
                await _answer(send, status, [], said)
                return
            own = await self._own(scope["path"], body)
            await _answer(send, 404 if own is None else 200, [], own or b"")
            return
        request = _request(scope, body)
        status, answered, answer = self._caller(request) or await self._served(request, scope)
        head = scope["method"] == "HEAD"  # answers with the length of what a GET would bring
        if not (head and any(name == b"content-length" for name, _ in answered)):
            answered = [pair for pair in answered if pair[0] != b"content-length"]
            answered.append((b"content-length", str(len(answer)).encode()))
        await _answer(send, status, answered, b"" if head else answer)

    async def _own(self, path: str, body: bytes) -> bytes | None:
        """What the local cloud asks of itself; None for a path that is nothing."""
        work = asyncio.get_running_loop().run_in_executor
        if path.startswith(FIREHOSES + "/"):
            return await work(self._threads, self._put_to, path.removeprefix(FIREHOSES + "/"), body)
        asked = self._asked.get(path)
        return await work(self._threads, asked, body) if asked else None

    def _caller(self, request: Request) -> refusals.Answer | None:
        """Who signed a GetCallerIdentity; None for anything else, and for the owner, whom moto knows."""
        if request.service not in ("sts", "") or not asks_who(request.query, request.body):
            return None
        if b"authorization" in request.headers and not self._guard.is_temporary(request.headers):
            return None
        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in request.headers.items()}
        try:
            found = self._verifier.identify(
                request.method, request.path, request.query, headers, request.body
            )
        except RefusedError as error:
            return refusals.answer(request, error)
        json = "json" in headers.get("accept", "")
        form = b"application/json" if json else b"text/xml"
        return 200, [(b"content-type", form)], caller(found, str(uuid.uuid4()), json=json)

    async def _served(self, request: Request, scope: Scope) -> refusals.Answer:
        """A request's answer, if whoever asks may have it."""
        try:
            identity = self._guard.identify(request.headers)
            if identity:
                self._guard.judge(identity, request)
        except (RefusedError, DeniedError) as error:
            return refusals.answer(request, error)
        struck, wait = self._faults.strike(request, time.time())
        if wait:
            await asyncio.sleep(wait)
        if struck:
            return struck
        target = request.headers.get(b"x-amz-target", b"").decode()
        if target.startswith(TARGET) and self._plane.handles(target):
            consumer = request.headers.get(CONSUMER.encode(), b"").decode()
            status, answer, pause = self._plane.call(target, request.body, request.region, consumer)
            if pause:
                await asyncio.sleep(pause)
            return status, [(b"content-type", b"application/x-amz-json-1.1")], answer
        work = asyncio.get_running_loop().run_in_executor
        found = await work(self._threads, self._run_moto, scope, request.body, request.service)
        if request.service == "iam":
            self._guard.forget_policies()
        if identity and found[0] == 404:  # noqa: PLR2004 - HTTP's Not Found
            return self._hidden(identity, request) or found
        return found

    def _hidden(self, identity: Identity, request: Request) -> refusals.Answer | None:
        """What S3 answers instead of saying that an object is missing, to who may not know that."""
        need = hides_what_is_missing(request)
        if need is None or self._guard.allows(identity, need, request):
            return None
        return refusals.answer(request, DeniedError(identity, need, explicitly=False))

    def _measured(self, body: bytes) -> bytes:
        self._watch.store.take(msgspec.json.decode(body, type=list[Points]))
        return b"{}"

    def _deliver(self, _: bytes) -> bytes:
        with self._one_at_a_time:
            self._firehoses.deliver(all_of_it=True)
        return b"{}"

    def sample_firehoses(self, moment: float) -> None:
        """Write what is due, and measure what still waits."""
        with self._one_at_a_time:
            self._firehoses.deliver()
            self._firehoses.sample(moment)

    def _put_to(self, name: str, body: bytes) -> bytes:
        with self._one_at_a_time:
            return msgspec.json.encode(self._firehoses.taken(name, **msgspec.json.decode(body)))

    def _run_moto(
        self, scope: Scope, body: bytes, service: str
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        lock: contextlib.AbstractContextManager[Any]
        lock = contextlib.nullcontext() if service == "sqs" else self._one_at_a_time
        status, headers = 500, list[tuple[bytes, bytes]]()

        def start_response(line: str, found: list[tuple[str, str]], _info: Any = None) -> None:
            nonlocal status
            status = int(line.split(maxsplit=1)[0])
            headers.extend(
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in found
                if name.lower() not in ("connection", "transfer-encoding")
            )

        with lock:
            if service == "s3":
                self._firehoses.deliver()
            answer = self._moto(_environ(scope, body), start_response)
            try:
                return status, headers, b"".join(answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()


def _request(scope: Scope, body: bytes) -> Request:
    headers = dict(scope["headers"])
    found = SCOPE.search(headers.get(b"authorization", b""))
    region, service = (found[1].decode(), found[2].decode()) if found else ("us-east-1", "")
    return Request(
        service=service,
        region=region,
        account=ACCOUNT,
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
    )


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


def _environ(scope: Scope, body: bytes) -> dict[str, Any]:
    host, port = scope["server"]
    raw = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(raw, encoding="utf-8").encode().decode("latin-1"),
        "RAW_URI": raw + ("?" + query if query else ""),
        "REQUEST_URI": raw + ("?" + query if query else ""),
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        if key == "TRANSFER_ENCODING":
            continue
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value.decode("latin-1")
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _preload() -> None:
    """Import what a deployment asks for first, while it is still importing Pulumi."""
    for service in ("kinesis", "sqs", "s3", "iam", "dynamodb", "logs", "cloudwatch"):
        importlib.import_module(f"moto.{service}.urls")
    gc.collect()
    gc.freeze()  # what was imported stays; collections need not look at it again


def serve(port: int, *, limits: bool, minute_seconds: float) -> None:
    """Listen on 127.0.0.1 until the parent goes away."""
    listener = listen(port)
    os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(1024 * 1024))
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415

    from sluice.local import aws_patches  # noqa: PLC0415 - moto reads the environment when it is imported
    from sluice.local.access.world import MotoWorld  # noqa: PLC0415 - same
    from sluice.local.watch import api, levels  # noqa: PLC0415 - same

    logging.disable(logging.INFO)
    metrics = MetricStore(minute_seconds)
    plane, firehoses, faults = aws_patches.apply(STREAM_MEMORY_BYTES, metrics, limits=limits)
    watch = api.patch(metrics, time.time)
    watch.samplers.append(levels.queues(metrics))
    guard = Guard(Issuer.here(), MotoWorld(), ACCOUNT)
    gateway = Gateway(
        (plane, firehoses, watch, faults), DomainDispatcherApplication(create_backend_app), guard
    )
    watch.samplers.append(gateway.sample_firehoses)
    config = uvicorn.Config(
        gateway, log_config=None, access_log=False, lifespan="off", http="httptools", timeout_keep_alive=3600
    )
    threading.Thread(target=_preload, name="preload", daemon=True).start()
    threading.Thread(target=watch.run, args=(threading.Event(),), name="alarms", daemon=True).start()
    announce(port=listener.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Entry point of the child process."""
    parser = argparse.ArgumentParser(prog="python -m sluice.local.aws")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--limits", action="store_true", help="throttle shards as Kinesis does")
    parser.add_argument("--minute-seconds", type=float, default=60.0, help="how long an alarm's minute lasts")
    arguments = parser.parse_args()
    exit_with_parent()
    serve(arguments.port, limits=arguments.limits, minute_seconds=arguments.minute_seconds)


if __name__ == "__main__":
    main()
