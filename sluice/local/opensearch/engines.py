"""What answers behind the gateway: a real node, or the stand-in; both can be killed and started again."""

import os
import sys
import threading
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

import urllib3

from sluice.errors import EnvironmentProblem
from sluice.local.opensearch.node import Node

CALL_SECONDS: Final = 120.0
PASSED_ON: Final = ("content-type", "content-encoding", "accept", "osd-xsrf")


class Asked(NamedTuple):
    """A request: the path with its query as it came, the body as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Answered(NamedTuple):
    """An answer and its media type."""

    status: int
    body: bytes
    media_type: str = "application/json"


class Engine(Protocol):
    """Answers requests. Safe for several threads."""

    name: str

    def start(self) -> None:
        """Begin, or go on over what there was; raises EnvironmentProblem."""

    def answer(self, asked: Asked) -> Answered | None:
        """Answer; None when it is dead."""

    def kill(self) -> None:
        """Die as in a power cut."""

    def close(self) -> None:
        """End for good."""


class RealNode:
    """A real node, that requests are handed to as they are."""

    name = "OpenSearch"

    def __init__(self, node: Node) -> None:
        self._node = node
        self._ready = threading.Event()
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(CALL_SECONDS), retries=False, maxsize=32, block=False
        )

    def start(self) -> None:
        """Start the node; who asks meanwhile waits."""
        self._node.start()
        threading.Thread(target=self._wait, name="starting", daemon=True).start()

    def answer(self, asked: Asked) -> Answered | None:
        """Hand the request to the node, unsigned."""
        self._ready.wait(CALL_SECONDS)
        url = f"{self._node.url}{asked.path}{'?' if asked.query else ''}{asked.query}"
        headers = {name: asked.headers[name] for name in PASSED_ON if name in asked.headers}
        try:
            found = self._pool.request(asked.method, url, body=asked.body, headers=headers)
        except urllib3.exceptions.HTTPError:
            return None
        return Answered(found.status, found.data, found.headers.get("content-type", "application/json"))

    def kill(self) -> None:
        """Kill the node; its folder stays."""
        self._node.kill()

    def close(self) -> None:
        """End the node."""
        self._node.close()

    def _wait(self) -> None:
        try:
            self._node.wait_ready()
        except EnvironmentProblem as error:
            sys.stderr.write(f"error: {error}\n")
            sys.stderr.flush()
            os._exit(1)
        self._ready.set()
