"""A small HTTP server that answers insertAll as BigQuery does, and misbehaves on request."""

import gzip
import json
import socket
from collections import defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

Behaviour = Callable[["Exchange"], None]


class Exchange:
    """One request, and the ways to answer it."""

    def __init__(self, stub: "StubBigQuery", handler: BaseHTTPRequestHandler) -> None:
        self.stub = stub
        self.handler = handler
        self.headers = handler.headers
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.compressed = handler.headers.get("Content-Encoding") == "gzip"
        if self.compressed:
            body = gzip.decompress(body)
        self.size = len(body)
        self.document = json.loads(body)
        self.rows: list[dict[str, Any]] = self.document["rows"]
        self.table = handler.path.split("/")[-2]

    def write(self, *, without: set[int] = frozenset()) -> None:  # type: ignore[assignment] # never changed
        self.stub.write(self.table, [row for n, row in enumerate(self.rows) if n not in without])

    def answer(self, status: int, body: Any, content_type: str = "application/json", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", content_type)
        self.handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def cut(self) -> None:
        """Close the connection as a broken network does."""
        self.handler.close_connection = True
        self.handler.connection.shutdown(socket.SHUT_RDWR)


class StubBigQuery:
    """Takes rows, merging by insertId as BigQuery does for a minute; `behave` scripts the next requests."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.writes: defaultdict[str, int] = defaultdict(int)
        self.requests: list[Exchange] = []
        self.script: list[Behaviour] = []
        self.always: Behaviour | None = None
        self.judge: Callable[[dict[str, Any]], list[dict[str, str]]] = lambda _row: []
        self.over = Event()
        self._lock = Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                exchange = Exchange(stub, self)
                with stub._lock:
                    stub.requests.append(exchange)
                    behaviour = stub.script.pop(0) if stub.script else stub.always or fine
                behaviour(exchange)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A connection that was cut on purpose is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def behave(self, *behaviours: Behaviour) -> None:
        self.script.extend(behaviours)

    def write(self, table: str, rows: list[dict[str, Any]]) -> None:
        with self._lock:
            for row in rows:
                self.rows[table][row["insertId"]] = row["json"]
                self.writes[row["insertId"]] += 1

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def fine(exchange: Exchange) -> None:
    """Take what `judge` finds no fault with."""
    errors = {n: found for n, row in enumerate(exchange.rows) if (found := exchange.stub.judge(row))}
    exchange.write(without=set(errors))
    listed = [{"index": index, "errors": found} for index, found in errors.items()]
    exchange.answer(200, {"kind": "bigquery#tableDataInsertAllResponse", "insertErrors": listed})


def status(code: int, message: str = "", reason: str = "backendError", **headers: str) -> Behaviour:
    error = {"code": code, "message": message, "errors": [{"reason": reason, "message": message}]}
    return lambda exchange: exchange.answer(code, {"error": error}, **headers)


def raw(code: int, body: bytes, content_type: str = "application/json") -> Behaviour:
    return lambda exchange: exchange.answer(code, body, content_type)


def html(code: int) -> Behaviour:
    page = b"<!DOCTYPE html><html><title>Error</title><p>That's an error.</html>"
    return raw(code, page, "text/html; charset=UTF-8")


def hang(exchange: Exchange) -> None:
    exchange.stub.over.wait()


def hang_after_write(exchange: Exchange) -> None:
    exchange.write()
    exchange.stub.over.wait()


def drop(exchange: Exchange) -> None:
    exchange.cut()


def drop_after_write(exchange: Exchange) -> None:
    exchange.write()
    exchange.cut()


def half_response(exchange: Exchange) -> None:
    exchange.write()
    exchange.handler.send_response(200)
    exchange.handler.send_header("Content-Type", "application/json")
    exchange.handler.send_header("Content-Length", "4096")
    exchange.handler.end_headers()
    exchange.handler.wfile.write(b'{"kind":"bigquery#tableDataInsertAllRes')
    exchange.cut()


def garbage(exchange: Exchange) -> None:
    exchange.write()
    exchange.answer(200, b"\x00 not json")


def row_errors(errors: dict[int, list[dict[str, str]]]) -> Behaviour:
    """Write the rows that are not named, and name the others."""

    def behave(exchange: Exchange) -> None:
        exchange.write(without=set(errors))
        listed = [{"index": index, "errors": found} for index, found in errors.items()]
        exchange.answer(200, {"insertErrors": listed})

    return behave
