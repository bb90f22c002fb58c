"""`python -m sluice.local.bigquery --port 0`: serve on 127.0.0.1 until stdin closes."""

import argparse
import asyncio
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sluice.local.bigquery.app import Server
from sluice.local.child import announce, exit_with_parent, listen


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the application, which breaks it where a fault says so."""

    def on_headers_complete(self) -> None:
        scope: Any = self.scope
        scope["sluice.transport"] = self.transport
        super().on_headers_complete()


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, port: int) -> None:
        super().__init__(config)
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        announce(port=self._port)


def main() -> None:
    """Serve until the parent goes away."""
    parser = argparse.ArgumentParser(prog="python -m sluice.local.bigquery", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument(
        "--days-back", type=int, default=1825, help="streaming range of partitions, into the past"
    )
    parser.add_argument(
        "--days-ahead", type=int, default=366, help="streaming range of partitions, into the future"
    )
    parser.add_argument("--memory-limit", default=None, help="of DuckDB, e.g. 700MB")
    options = parser.parse_args()
    exit_with_parent()
    server = Server(
        memory_limit=options.memory_limit, days_back=options.days_back, days_ahead=options.days_ahead
    )
    listener = listen(options.port)
    config = uvicorn.Config(
        server.app(),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        timeout_keep_alive=75,
    )
    try:
        asyncio.run(_Announcing(config, listener.getsockname()[1]).serve(sockets=[listener]))
    finally:
        server.store.close()


if __name__ == "__main__":
    main()
