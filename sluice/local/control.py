"""The local Lambda: functions, their event-source mappings and Lambda's own Invoke API, as one process.

`python -m sluice.local.control` prints `{"port": N}`, reads one line of JSON with the deployment and the
servers' addresses, imports the functions, and reads another line once everything is there that they use.
Then it makes the deployment's invocations, starts reading the streams and prints `{"ready": true}`.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sluice.local.child import announce, exit_with_parent, listen
from sluice.local.code_deploy import CodeDeploy
from sluice.local.control_account import AccountApi
from sluice.local.control_faults import LambdaFaults
from sluice.local.control_mappings import MappingsApi, refusal
from sluice.local.control_versions import VersionsApi, ringing_at
from sluice.local.deploy import read_line
from sluice.local.deploy_result import Deployment, function
from sluice.local.identities import Issuer
from sluice.local.mapping_types import PAYLOAD_BYTES, Verdict
from sluice.local.runners import Runners
from sluice.local.runtime import Runtime
from sluice.local.watch.collector import Collector

HURRIED_SECONDS = 60
"""The longest period of a clock whose function is started ahead of it."""

INVOKE = "/2015-03-31/functions/{name:path}/invocations"


class Control:
    """The HTTP side: invoke, mappings, status, logs, functions that were deployed again."""

    def __init__(
        self,
        runtime: Runtime,
        runners: Runners,
        variables: dict[str, str],
        deployment: Deployment,
        *,
        faults: LambdaFaults | None = None,
        deploys: CodeDeploy | None = None,
    ) -> None:
        self._faults = faults or LambdaFaults()
        self._deploys = deploys
        self._runtime = runtime
        self._variables = variables
        self._runners = runners
        self._deployment = deployment
        self._later: set[asyncio.Task[Any]] = set()
        self._lead(deployment)

    def app(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route(INVOKE, self.invoke, methods=["POST"]),
            Route("/status", self.status),
            Route("/deployment", self.replace, methods=["PUT"]),
            Route("/functions/{name}/log", self.log),
        ]
        routes += MappingsApi(self._runners).routes() + AccountApi(lambda: self._deployment).routes()
        routes += self._faults.routes()
        if self._deploys:
            routes += VersionsApi(self._deploys, lambda: self._deployment).routes()
        return Starlette(routes=routes, lifespan=self._lifespan)

    async def invoke(self, request: Request) -> Response:
        """Lambda's Invoke."""
        name = request.path_params["name"].partition(":function:")[2] or request.path_params["name"]
        qualifier = request.query_params.get("Qualifier")
        name = f"{name}:{qualifier}" if qualifier else name
        payload = await request.body() or b"{}"
        refused = self._refused(name, payload)
        if refused is not None:
            return refused
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return Response(status_code=204)
        work = asyncio.to_thread(self._runtime.invoke, name, payload)
        if kind == "Event":
            task = asyncio.create_task(work)
            self._later.add(task)
            task.add_done_callback(self._later.discard)
            return Response(status_code=202)
        result = await work
        if result.verdict is Verdict.THROTTLED:
            return refusal(429, "TooManyRequestsException", result.error)
        headers = {"x-amz-executed-version": result.version, "x-amzn-requestid": result.request_id}
        if result.verdict is Verdict.FAILED:
            headers["x-amz-function-error"] = "Unhandled"
        return Response(result.payload, headers=headers, media_type="application/json")

    def _refused(self, name: str, payload: bytes) -> Response | None:
        function, _, qualifier = name.partition(":")
        known = function in self._runtime.functions
        if not known or self._runtime.versions.chosen(function, qualifier) is None:
            return refusal(404, "ResourceNotFoundException", f"Function not found: {name}")
        if len(payload) > PAYLOAD_BYTES:
            return refusal(413, "RequestTooLargeException", f"{len(payload)} byte payload is too large")
        try:
            msgspec.json.decode(payload)
        except msgspec.MsgspecError as error:
            return refusal(400, "InvalidRequestContentException", f"Could not parse request body: {error}")
        return None

    async def status(self, _request: Request) -> Response:
        """Where each mapping stands, what schedules did, and the worker processes."""
        running = self._runners.mappings
        mappings = await asyncio.gather(*(asyncio.to_thread(runner.inspect) for runner in running))
        schedules = self._runners.schedules()
        return JSONResponse(
            {"mappings": mappings, "schedules": schedules, "workers": self._runtime.worker_pids()}
        )

    async def replace(self, request: Request) -> Response:
        """Take what was deployed again; mappings that are still declared read on from where they are."""
        deployment = msgspec.json.decode(await request.body(), type=Deployment)
        variables = self._variables | search(deployment)
        invoked = {_invoked(each) for each in deployment.invocations}
        functions = [function(inputs, variables, deployment.account) for inputs in deployment.functions]
        # What prepares a sink has done so before the sink's new code runs, as in the cloud.
        for each in functions:
            if each.name in invoked:
                await asyncio.to_thread(self._runtime.replace, each)
        problem = await asyncio.to_thread(self._problem, deployment)
        if problem:
            return JSONResponse({"error": problem, "kind": "EnvironmentProblem"})
        for each in functions:
            await asyncio.to_thread(self._runtime.replace, each)
        self._lead(deployment)
        await asyncio.to_thread(self._runners.take, deployment)
        self._deployment = deployment
        self._runtime.warm(but=_unhurried(self._deployment))
        return JSONResponse({})

    def _lead(self, deployment: Deployment) -> None:
        """Know the aliases of a deployment before anything is invoked by them, and who may shift them."""
        if self._deploys:
            self._deploys.declare(deployment.aliases, deployment.groups)

    def _problem(self, deployment: Deployment) -> str | None:
        """Make the deployment's invocations, side by side; what is wrong with the first that failed."""
        with ThreadPoolExecutor() as threads:
            return next(filter(None, threads.map(self._failure, deployment.invocations)), None)

    def _failure(self, inputs: dict[str, Any]) -> str | None:
        name = _invoked(inputs)
        made = self._runtime.invoke(name, str(inputs["input"]).encode())
        if made.verdict is Verdict.ANSWERED:
            return None
        said = made.error.partition(": ")[2] or made.error  # without the exception's name
        return f"{name}, which the deployment invokes, failed: {said}"

    async def log(self, request: Request) -> Response:
        """What a function printed lately."""
        name = request.path_params["name"]
        if name not in self._runtime.functions:
            return refusal(404, "ResourceNotFoundException", f"Function not found: {name}")
        return PlainTextResponse(self._runtime.log(name))

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._runtime.warm(but=_unhurried(self._deployment))
        await asyncio.to_thread(read_line)
        exit_with_parent()
        problem = await asyncio.to_thread(self._problem, self._deployment)
        if problem:
            announce(error=problem, kind="EnvironmentProblem")
        else:
            self._runners.take(self._deployment)
            announce(ready=True)
        yield
        self._runtime.close()


def assemble(
    deployment: Deployment,
    urls: dict[str, str],
    *,
    verbose: bool,
    limits: bool,
    minute_seconds: float = 60.0,
) -> Control:
    """The runtime and mappings of a deployment; `urls` are those of AWS, Lambda and BigQuery."""
    collector, faults = Collector(urls["aws_url"], minute_seconds), LambdaFaults()
    collector.start()
    variables = {
        "AWS_ENDPOINT_URL": urls["aws_url"],
        "AWS_ENDPOINT_URL_LAMBDA": urls["lambda_url"],
        "BIGQUERY_EMULATOR_HOST": urls["bigquery_url"],
    }
    told, account = variables | search(deployment), deployment.account
    functions = [function(inputs, told, account) for inputs in deployment.functions]
    runtime = Runtime(
        functions, _to_stderr if verbose else None, issuer=Issuer.here(), meter=collector, faults=faults
    )
    runners = Runners(
        runtime,
        urls["aws_url"],
        deployment.region,
        limits=limits,
        minute_seconds=minute_seconds,
        meter=collector,
        faults=faults,
    )
    ringing = ringing_at(urls["aws_url"], deployment.region)
    deploys = CodeDeploy(runtime.versions, ringing, minute_seconds=minute_seconds)
    return Control(runtime, runners, variables, deployment, faults=faults, deploys=deploys)


def _unhurried(deployment: Deployment) -> set[str]:
    """Return the functions that a clock invokes, and first in some minutes."""
    return {each.function for each in deployment.schedules if each.seconds > HURRIED_SECONDS}


def _invoked(inputs: dict[str, Any]) -> str:
    return str(inputs["functionName"]).rpartition(":")[2]


def search(deployment: Deployment) -> dict[str, str]:
    """What leads functions to the local OpenSearch, in the place of what was declared."""
    return {"SLUICE_SEARCH_ENDPOINT": deployment.search_url} if deployment.search_url else {}


def _to_stderr(line: bytes) -> None:
    os.write(2, line)


def main() -> None:
    """Entry point of the child process."""
    logging.disable(logging.INFO)
    listener = listen()
    port = listener.getsockname()[1]
    announce(port=port)
    job = read_line()
    urls = {
        "aws_url": job["aws_url"],
        "lambda_url": f"http://127.0.0.1:{port}",
        "bigquery_url": job["bigquery_url"],
    }
    deployment = msgspec.convert(job["deployment"], Deployment)
    control = assemble(
        deployment,
        urls,
        verbose=job["verbose"],
        limits=job["limits"],
        minute_seconds=job["minute_seconds"],
    )
    config = uvicorn.Config(control.app(), log_config=None, access_log=False, timeout_keep_alive=3600)
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
