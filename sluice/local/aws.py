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
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
import uvicorn

from sluice.local.aws_kinesis import CONSUMER, TARGET, DataPlane
from sluice.local.child import announce, exit_with_parent, listen

if TYPE_CHECKING:
    from sluice.local.aws_firehose import Firehoses

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Any]

STREAM_MEMORY_BYTES = 192 * 1024 * 1024
THREADS = 32
TOTALS = "/_sluice/streams"
FIREHOSES = "/_sluice/firehoses"
"""A POST delivers what Firehose has buffered; with a name behind it, answers what was put to that one."""

SCOPE = re.compile(rb"Credential=[^/]+/[^/]+/([^/]+)/([^/]+)/")


class Gateway:
    """The ASGI application in front of moto."""

    def __init__(self, plane: DataPlane, firehoses: "Firehoses", moto: Wsgi) -> None:
        self._plane = plane
        self._firehoses = firehoses
        self._moto = moto
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="moto")
        self._one_at_a_time = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        body = await _body(receive)
        headers = dict(scope["headers"])
        if scope["path"] == TOTALS:
            answer = msgspec.json.encode(self._plane.totals())
            await _answer(send, 200, [], answer)
            return
        work = asyncio.get_running_loop().run_in_executor
        if scope["path"].startswith(FIREHOSES + "/"):
            answer = await work(
                self._threads, self._put_to, scope["path"].removeprefix(FIREHOSES + "/"), body
            )
            await _answer(send, 200, [], answer)
            return
        if scope["path"] == FIREHOSES:
            await work(self._threads, self._deliver)
            await _answer(send, 200, [], b"{}")
            return
        target = headers.get(b"x-amz-target", b"").decode()
        found = SCOPE.search(headers.get(b"authorization", b""))
        region, service = (found[1].decode(), found[2].decode()) if found else ("us-east-1", "")
        if target.startswith(TARGET) and self._plane.handles(target):
            consumer = headers.get(CONSUMER.encode(), b"").decode()
            status, answer, pause = self._plane.call(target, body, region, consumer)
            if pause:
                await asyncio.sleep(pause)
            answered = [(b"content-type", b"application/x-amz-json-1.1")]
        else:
            status, answered, answer = await work(self._threads, self._run_moto, scope, body, service)
        head = scope["method"] == "HEAD"  # answers with the length of what a GET would bring
        if not (head and any(name == b"content-length" for name, _ in answered)):
            answered = [pair for pair in answered if pair[0] != b"content-length"]
            answered.append((b"content-length", str(len(answer)).encode()))
        await _answer(send, status, answered, b"" if head else answer)

    def _deliver(self) -> None:
        with self._one_at_a_time:
            self._firehoses.deliver(all_of_it=True)

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


def serve(port: int, *, limits: bool) -> None:
    """Listen on 127.0.0.1 until the parent goes away."""
    listener = listen(port)
    os.environ.setdefault("MOTO_S3_DEFAULT_KEY_BUFFER_SIZE", str(1024 * 1024))
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415

    from sluice.local import aws_patches  # noqa: PLC0415 - moto reads the environment when it is imported

    logging.disable(logging.INFO)
    plane, firehoses = aws_patches.apply(STREAM_MEMORY_BYTES, limits=limits)
    gateway = Gateway(plane, firehoses, DomainDispatcherApplication(create_backend_app))
    config = uvicorn.Config(
        gateway, log_config=None, access_log=False, lifespan="off", http="httptools", timeout_keep_alive=3600
    )
    threading.Thread(target=_preload, name="preload", daemon=True).start()
    announce(port=listener.getsockname()[1])
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Entry point of the child process."""
    parser = argparse.ArgumentParser(prog="python -m sluice.local.aws")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--limits", action="store_true", help="throttle shards as Kinesis does")
    arguments = parser.parse_args()
    exit_with_parent()
    serve(arguments.port, limits=arguments.limits)


if __name__ == "__main__":
    main()
