"""The HTTP side of the local lake: status, buffers, faults, what was deployed again, and Athena."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluice.errors import SluiceError
from sluice.local.athena import app as athena
from sluice.local.deploy_result import Deployment
from sluice.local.lake.faults import Fault
from sluice.local.lake.runner import Runners

HURRY_SECONDS = 2.0
"""Whoever waits for the lake asks again and again."""


class LakeApp:
    """Answers for the Firehoses of a deployment."""

    def __init__(self, runners: Runners) -> None:
        self._runners = runners

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/status", self.status),
                Route("/hurry", self.hurry, methods=["POST"]),
                Route("/tables", self.declare, methods=["PUT"]),
                Route("/deployment", self.replace, methods=["PUT"]),
                Route("/_sluice/faults", self.add_fault, methods=["POST"]),
                Route("/_sluice/faults", self.clear_faults, methods=["DELETE"]),
                *athena.routes(self._runners.catalog),
            ]
        )

    async def status(self, _request: Request) -> Response:
        """Where each Firehose stands."""
        return JSONResponse({"firehoses": self._runners.status()})

    async def hurry(self, _request: Request) -> Response:
        """Deliver what has been read without waiting for buffers to fill, for the next seconds."""
        self._runners.hurry(HURRY_SECONDS)
        return JSONResponse({})

    async def declare(self, request: Request) -> Response:
        """Have the tables of a deployment, before its functions write to them."""
        return await _take(request, self._runners.declare)

    async def replace(self, request: Request) -> Response:
        """Run the Firehoses of a deployment, once its functions are there."""
        return await _take(request, self._runners.take)

    async def add_fault(self, request: Request) -> Response:
        """Let something go wrong."""
        told: Any = await request.json()
        try:
            self._runners.faults.add(Fault(**told))
        except (TypeError, ValueError) as error:
            return _refusal(str(error))
        return JSONResponse({})

    async def clear_faults(self, _request: Request) -> Response:
        """Let nothing go wrong any more."""
        self._runners.faults.clear()
        return JSONResponse({})


async def _take(request: Request, take: Callable[[Deployment], None]) -> Response:
    deployment = msgspec.json.decode(await request.body(), type=Deployment)
    try:
        await asyncio.to_thread(take, deployment)
    except SluiceError as error:
        return _refusal(str(error))
    return JSONResponse({})


def _refusal(message: str) -> Response:
    return JSONResponse({"message": message}, status_code=400)
