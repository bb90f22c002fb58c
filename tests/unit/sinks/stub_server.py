"""A small HTTP server that answers as a service does, and misbehaves on request."""

import gzip
import json
import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, ClassVar

Behaviour = Callable[[Any], None]


class Exchange:
    """One request, and the ways to answer it."""

    def __init__(self, stub: "StubServer", handler: BaseHTTPRequestHandler) -> None:
        self.stub: Any = stub
        self.handler = handler
        self.headers = handler.headers
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.compressed = handler.headers.get("Content-Encoding") == "gzip"
        if self.compressed:
            body = gzip.decompress(body)
        self.size = len(body)
        self.read(body)

    def read(self, body: bytes) -> None:
        """Make sense of the body."""

    def write(self) -> None:
        """Carry the request out."""

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


class StubServer:
    """Answers as `fine` does; `behave` scripts the next requests."""

    exchange: ClassVar[type[Exchange]] = Exchange

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.script: list[Behaviour] = []
        self.always: Behaviour | None = None
        self.over = Event()
        self._lock = Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                exchange = stub.exchange(stub, self)
                with stub._lock:
                    stub.requests.append(exchange)
                    behaviour = stub.script.pop(0) if stub.script else stub.always or stub.fine
                behaviour(exchange)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A connection that was cut on purpose is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @staticmethod
    def fine(exchange: Any) -> None:
        exchange.write()
        exchange.answer(200, {})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def behave(self, *behaviours: Behaviour) -> None:
        self.script.extend(behaviours)

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


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
