"""A server between a producer and Kinesis that breaks what passes, at the level of HTTP."""

import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

THROTTLED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded for shard"}


class FaultyKinesis:
    """Forwards to `upstream`; PutRecords calls meet `faults` in turn, then those of `share` by chance.

    Faults: `throttle` (30 % of the records), `500`, `503`, `reset` (before it takes effect), `reset after`
    and `hang after` (once it has), `half` (of an answer).
    """

    def __init__(self, upstream: str, seed: int) -> None:
        self.upstream = upstream
        self.faults: list[str] = []
        self.share = 0.0
        self.kinds = ["throttle", "500", "503", "reset", "reset after", "half"]
        self.met: Counter[str] = Counter()
        self.rng = random.Random(seed)  # noqa: S311 - a test that can be repeated
        self.pool = urllib3.PoolManager(maxsize=16)
        self.over = threading.Event()
        self.url = ""

    def choose(self) -> str:
        fault = ""
        if self.faults:
            fault = self.faults.pop(0)
        elif self.rng.random() < self.share:
            fault = self.rng.choice(self.kinds)
        self.met[fault] += 1
        return fault

    def forward(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        kept = {name: headers[name] for name in ("X-Amz-Target", "Content-Type", "Authorization")}
        answer = self.pool.request("POST", self.upstream, body=body, headers=kept)
        return answer.status, answer.data

    def throttled(self, headers: Any, body: bytes) -> tuple[int, bytes]:
        """Let 70 % of the records through, and answer for all."""
        request = json.loads(body)
        passes = [self.rng.random() >= 0.3 for _ in request["Records"]]
        request["Records"] = [r for r, ok in zip(request["Records"], passes, strict=True) if ok]
        placed: list[Any] = []
        if request["Records"]:
            status, answer = self.forward(headers, json.dumps(request).encode())
            assert status == 200, answer
            placed = json.loads(answer)["Records"]
        results = [placed.pop(0) if ok else THROTTLED for ok in passes]
        return 200, json.dumps({"FailedRecordCount": passes.count(False), "Records": results}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Server"

    def do_POST(self) -> None:
        faulty = self.server.faulty
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = faulty.choose() if self.headers["X-Amz-Target"].endswith("PutRecords") else ""
        if fault == "reset":
            self.drop()
            return
        if fault in ("500", "503"):
            self.answer(int(fault), b'{"__type":"InternalFailure"}')
            return
        status, answer = (faulty.throttled if fault == "throttle" else faulty.forward)(self.headers, body)
        if fault == "hang after":
            faulty.over.wait(30)
        if fault.endswith("after"):
            self.drop()
        elif fault == "half":
            self.answer(status, answer, cut=len(answer) // 2)
            self.drop()
        else:
            self.answer(status, answer)

    def answer(self, status: int, body: bytes, cut: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])

    def drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, faulty: FaultyKinesis) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faulty = faulty

    def handle_error(self, *_: Any) -> None:
        """Connections are broken on purpose."""


@contextmanager
def faulty_kinesis(upstream: str, seed: int = 1) -> Iterator[FaultyKinesis]:
    faulty = FaultyKinesis(upstream, seed)
    server = Server(faulty)
    faulty.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield faulty
    finally:
        faulty.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
        faulty.pool.clear()
