"""Faults of the local Lambda and EventBridge, while they run: what they do to callers when they are ill.

| kind | what happens, `count` times |
|---|---|
| `throttle` | an invocation of the function is refused for concurrency |
| `refuse` | a schedule may not invoke the function, and gives up |
| `destination` | an on-failure destination does not take its message, which is sent again |

`name` is a function's, or a queue's; without one every one is hit.
"""

import threading
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH: Final = "/_sluice/faults"
KINDS: Final = ("throttle", "refuse", "destination")


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """A fault and how often it still strikes; None for always."""

    kind: str
    name: str | None = None
    count: int | None = None

    def strikes(self, kind: str, name: str) -> bool:
        """Whether it does, this time."""
        if self.kind != kind or self.name not in (None, name) or self.count == 0:
            return False
        if self.count is not None:
            self.count -= 1
        return True


class LambdaFaults:
    """The faults that are set. Safe for several threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def take(self, kind: str, name: str) -> bool:
        """Whether a fault strikes."""
        with self._lock:
            return any(fault.strikes(kind, name) for fault in self._faults)

    def routes(self) -> list[Route]:
        """Where faults are set and taken away."""
        return [
            Route(PATH, self._add, methods=["POST"]),
            Route(PATH, self._clear, methods=["DELETE"]),
        ]

    async def _add(self, request: Request) -> Response:
        try:
            fault = msgspec.json.decode(await request.body(), type=Fault)
        except msgspec.MsgspecError as error:
            return JSONResponse({"message": str(error)}, status_code=400)
        if fault.kind not in KINDS:
            return JSONResponse({"message": f"kind is one of {', '.join(KINDS)}"}, status_code=400)
        with self._lock:
            self._faults.append(fault)
            return JSONResponse({"id": len(self._faults)})

    async def _clear(self, _request: Request) -> Response:
        with self._lock:
            self._faults.clear()
        return JSONResponse({})
