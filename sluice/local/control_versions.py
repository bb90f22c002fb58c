"""Lambda's API for versions and aliases, and CodeDeploy's for deployments, of the local cloud."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluice.local.code_deploy import CodeDeploy, RefusedError, Ringing
from sluice.local.control_mappings import refusal
from sluice.local.deploy_result import Deployment
from sluice.local.versions import Alias

FUNCTIONS: Final = "/2015-03-31/functions/{name}"
TARGET: Final = "CodeDeploy_20141006."


def ringing_at(url: str, region: str) -> Ringing:
    """Ask the local CloudWatch which alarms ring."""

    def ringing(alarms: Sequence[str]) -> Sequence[str]:
        import boto3  # noqa: PLC0415 - half a second, which no cloud without deployments pays

        cloudwatch = boto3.client(
            "cloudwatch",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - the local AWS checks none
        )
        found = cloudwatch.describe_alarms(AlarmNames=list(alarms), StateValue="ALARM")["MetricAlarms"]
        return [each["AlarmName"] for each in found]

    return ringing


class VersionsApi:
    """Versions, aliases and deployments over HTTP."""

    def __init__(self, deploys: CodeDeploy, deployment: Callable[[], Deployment]) -> None:
        """Take what returns the deployment of this moment."""
        self._versions, self._deploys, self._deployment = deploys.versions, deploys, deployment
        self._operations: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "CreateDeployment": lambda asked: {"deploymentId": deploys.create(asked)},
            "GetDeployment": lambda asked: {"deploymentInfo": deploys.get(asked)},
            "ListDeployments": lambda asked: {"deployments": deploys.listed(asked)},
            "StopDeployment": self._stop,
        }

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route(FUNCTIONS + "/aliases/{alias}", self.alias, methods=["GET"]),
            Route(FUNCTIONS + "/aliases/{alias}", self.update, methods=["PUT"]),
            Route(FUNCTIONS + "/versions", self.listed, methods=["GET"]),
            Route("/", self.deploy, methods=["POST"]),
        ]

    async def listed(self, request: Request) -> Response:
        """ListVersionsByFunction."""
        name = request.path_params["name"]
        arn = self._arn(name)
        if arn is None:
            return refusal(404, "ResourceNotFoundException", f"Function not found: {name}")
        versions = [
            {"FunctionName": name, "FunctionArn": f"{arn}:{version}", "Version": version}
            for version in ("$LATEST", *self._versions.listed(name))
        ]
        return JSONResponse({"Versions": versions})

    async def alias(self, request: Request) -> Response:
        """GetAlias."""
        name, alias = request.path_params["name"], request.path_params["alias"]
        found = self._versions.alias(name, alias)
        if found is None:
            return refusal(404, "ResourceNotFoundException", f"Cannot find alias arn: {name}:{alias}")
        return JSONResponse(self._described(name, alias, found))

    async def update(self, request: Request) -> Response:
        """UpdateAlias."""
        name, alias = request.path_params["name"], request.path_params["alias"]
        found = self._versions.alias(name, alias)
        if found is None:
            return refusal(404, "ResourceNotFoundException", f"Cannot find alias arn: {name}:{alias}")
        asked: dict[str, Any] = msgspec.json.decode(await request.body() or b"{}")
        weights = (asked.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        other, share = next(iter(weights.items()), (None, 0.0))
        wanted = Alias(asked.get("FunctionVersion") or found.version, other, share)
        known = self._versions.listed(name)
        if wanted.version not in known or (wanted.other is not None and wanted.other not in known):
            return refusal(404, "ResourceNotFoundException", f"Function not found: {name}:{wanted.version}")
        self._versions.shift(name, alias, wanted)
        return JSONResponse(self._described(name, alias, wanted))

    async def deploy(self, request: Request) -> Response:
        """CodeDeploy's operations, each by its name in a header."""
        operation = request.headers.get("x-amz-target", "").removeprefix(TARGET)
        if operation not in self._operations:
            return _refused("UnknownOperationException", f"{operation or 'this'}: not done here")
        asked: dict[str, Any] = msgspec.json.decode(await request.body() or b"{}")
        try:
            return JSONResponse(await asyncio.to_thread(self._operations[operation], asked))
        except RefusedError as error:
            return _refused(error.code, str(error))

    def _stop(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self._deploys.stop(asked)
        return {"status": "Pending", "statusMessage": "Stopping"}

    def _arn(self, name: str) -> str | None:
        functions = self._deployment().functions
        return next((str(each["arn"]) for each in functions if each["name"] == name), None)

    def _described(self, name: str, alias: str, found: Alias) -> dict[str, Any]:
        weights = {found.other: found.share} if found.other else {}
        return {
            "AliasArn": f"{self._arn(name)}:{alias}",
            "Name": alias,
            "FunctionVersion": found.version,
            **({"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}),
        }


def _refused(code: str, message: str) -> Response:
    return JSONResponse({"__type": code, "message": message}, status_code=400)
