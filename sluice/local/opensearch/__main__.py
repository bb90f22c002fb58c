"""`python -m sluice.local.opensearch --port 0`: serve on 127.0.0.1 until stdin closes."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sluice.errors import SluiceError
from sluice.local.child import announce, exit_with_parent, listen
from sluice.local.opensearch.app import Gateway
from sluice.local.opensearch.engines import Engine, RealNode
from sluice.local.opensearch.node import Node, absent
from sluice.local.opensearch.stand_in import StandIn

ENGINES = ("auto", "node", "stand-in")


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the application, which breaks it where a fault says so."""

    def on_headers_complete(self) -> None:
        scope: Any = self.scope
        scope["sluice.transport"] = self.transport
        super().on_headers_complete()


def _engine(wanted: str) -> Engine:
    """The real node where it is on the machine, or where it was asked for."""
    if wanted == "stand-in" or (wanted == "auto" and absent() is not None):
        return StandIn()
    node = Node(Path(tempfile.mkdtemp(prefix="sluice-opensearch-")), discard=True)
    return RealNode(node)


def main() -> None:
    """Serve until the parent goes away."""
    parser = argparse.ArgumentParser(prog="python -m sluice.local.opensearch", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument(
        "--engine", choices=ENGINES, default="auto", help="auto: the real node where it is on this machine"
    )
    options = parser.parse_args()
    exit_with_parent()
    try:
        engine = _engine(options.engine)
        engine.start()
    except SluiceError as error:
        sys.exit(f"error: {error}")
    listener = listen(options.port)
    config = uvicorn.Config(
        Gateway(engine).app(),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        timeout_keep_alive=75,
    )
    # A node takes seconds to start: whoever asks before it is ready waits.
    announce(port=listener.getsockname()[1], engine=engine.name)
    try:
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
    finally:
        engine.close()


if __name__ == "__main__":
    main()
