"""Lambda's own API about the account and about functions: GetAccountSettings, GetFunctionConfiguration.

As documented (Lambda API reference, read 2026-11). What the account may run at once is 1,000, until a PUT to
`/_sluice/quotas` says otherwise: new accounts often have 10.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluice.local.control_mappings import refusal
from sluice.local.deploy_result import Deployment

CONCURRENCY: Final = 1000
OWN: Final = "/_sluice/quotas"


class AccountApi:
    """The account of the local Lambda over HTTP."""

    def __init__(self, deployment: Callable[[], Deployment]) -> None:
        """Take what returns the deployment of this moment."""
        self._deployment = deployment
        self._concurrency = CONCURRENCY

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/2016-08-19/account-settings", self.settings, methods=["GET"]),
            Route("/2016-08-19/account-settings/", self.settings, methods=["GET"]),
            Route("/2015-03-31/functions/{name}/configuration", self.configuration, methods=["GET"]),
            Route(OWN, self.change, methods=["PUT"]),
        ]

    async def settings(self, _request: Request) -> Response:
        """GetAccountSettings: what functions have reserved is not free for the others."""
        functions = self._deployment().functions
        reserved = sum(max(0, int(each.get("reservedConcurrentExecutions") or 0)) for each in functions)
        limit = {
            "ConcurrentExecutions": self._concurrency,
            "UnreservedConcurrentExecutions": self._concurrency - reserved,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "TotalCodeSize": 80_530_636_800,
        }
        usage = {"FunctionCount": len(functions), "TotalCodeSize": 0}
        return JSONResponse({"AccountLimit": limit, "AccountUsage": usage})

    async def configuration(self, request: Request) -> Response:
        """GetFunctionConfiguration, as far as a function has one here."""
        name = request.path_params["name"].partition(":function:")[2] or request.path_params["name"]
        name = name.partition(":")[0]
        inputs = next((each for each in self._deployment().functions if each["name"] == name), None)
        if inputs is None:
            return refusal(404, "ResourceNotFoundException", f"Function not found: {name}")
        answer: dict[str, Any] = {
            "FunctionName": name,
            "FunctionArn": inputs["arn"],
            "Handler": inputs["handler"],
            "Role": inputs["role"],
            "MemorySize": inputs.get("memorySize", 128),
            "Timeout": inputs.get("timeout", 3),
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "Version": "$LATEST",
        }
        return JSONResponse(answer)

    async def change(self, request: Request) -> Response:
        """Say how many functions the account may run at once: {"ConcurrentExecutions": 10}."""
        given = msgspec.json.decode(await request.body() or b"{}", type=dict[str, int])
        self._concurrency = given.get("ConcurrentExecutions", CONCURRENCY)
        return JSONResponse({"ConcurrentExecutions": self._concurrency})
