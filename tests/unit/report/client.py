"""A browser without a screen: requests straight into the application, in this process."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sluice.report.app import create_app
from sluice.report.shared import Shared
from tests.unit.report.world import NOW, World


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.document["data"]


class Browser:
    def __init__(self, world: World, **options: Any) -> None:
        self.clock = 0.0
        self.now = NOW
        self.shared = Shared(clock=lambda: self.clock, now=lambda: self.now)
        sources = world.sources(**options.pop("sources", {}))
        self.app = create_app(sources, now=lambda: self.now, shared=self.shared, **options)

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: str) -> Answer:
        return asyncio.run(self._get(path, headers or {}, query))

    async def _get(self, path: str, headers: dict[str, str], query: dict[str, str]) -> Answer:
        sent = {"host": "127.0.0.1:8080", **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": urlencode(query).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080),
        }
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        start = messages[0]
        return Answer(
            start["status"],
            {name.decode(): value.decode() for name, value in start["headers"]},
            b"".join(message.get("body", b"") for message in messages[1:]),
        )
