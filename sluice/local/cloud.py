"""The local cloud as one object: servers, the deployed program, its functions at work.

with LocalCloud(Path(".")) as cloud:
    ...                              # boto3 against cloud.endpoints.aws_url, cloud.outputs["stream_name"]
    cloud.wait_drained()
"""

import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import urllib3

from sluice.errors import EnvironmentProblem
from sluice.local.cloud_process import ChildProcess, refusal
from sluice.local.deploy_result import Deployment, has_search
from sluice.local.drain import LONGEST_PAUSE_SECONDS, POLL_SECONDS, Drain, behind
from sluice.local.endpoints import Endpoints
from sluice.local.identities import SECRET_VARIABLE
from sluice.local.injected import Injectable, json_of
from sluice.local.watch.answers import PATH as ALARMS
from sluice.local.watch.answers import Alarm, told

START_SECONDS = 60.0
DEPLOY_SECONDS = 120.0
SETUP_SECONDS = 180.0
"""What a deployment invokes before mappings begin may wait for a node that starts."""

CALL_SECONDS = 10.0
_SINKS = {"lake": "the local lake", "opensearch": "the local OpenSearch"}
"""Servers that only some deployments need, by module."""


class LocalCloud(Injectable):
    """Runs a project's program on this machine; several may run at once. A context manager.

    With `limits` its streams' shards take in and give out no more than Kinesis' do (budgets). A minute of
    alarms and of schedules lasts `minute_seconds`.
    """

    def __init__(
        self,
        root: Path,
        pipeline: Path | None = None,
        env: str = "dev",
        overrides: Mapping[str, Any] | None = None,
        *,
        shards: int | None = None,
        limits: bool = False,
        verbose: bool = False,
        minute_seconds: float = 60.0,
    ) -> None:
        super().__init__(urllib3.PoolManager(timeout=urllib3.Timeout(CALL_SECONDS), retries=False))
        self._job = {
            "root": str(root.resolve()),
            "pipeline": str(pipeline.resolve()) if pipeline else None,
            "env": env,
            "overrides": dict(overrides or {}),
            "shards": shards,
        }
        self._limits = limits
        self._minute_seconds = minute_seconds
        self._verbose = verbose
        self._secret = {SECRET_VARIABLE: secrets.token_hex(32)}
        self._children: list[ChildProcess] = []
        self._servers: list[ChildProcess] = []
        self._foreseen: dict[str, ChildProcess] = {}
        self._deployment: Deployment | None = None
        self._endpoints: Endpoints | None = None
        self.search_engine: str | None = None
        """What answers searches: OpenSearch itself or a stand-in; None where search is off."""

    def __enter__(self) -> Self:
        """Start everything.

        Raises:
            SluiceError: what is wrong with the project, or which server did not start.
        """
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.close()

    @property
    def outputs(self) -> dict[str, Any]:
        """What the program exports."""
        return self._deployed.outputs

    @property
    def stand_ins(self) -> list[str]:
        """Declared resources that no local server has: type and name."""
        return self._deployed.stand_ins

    @property
    def warnings(self) -> list[str]:
        """What the program warned of."""
        return self._deployed.warnings

    @property
    def endpoints(self) -> Endpoints:
        """Where the servers listen."""
        if self._endpoints is None:
            raise EnvironmentProblem("the local cloud has not been started")
        return self._endpoints

    @property
    def pids(self) -> list[int]:
        """Processes of the local cloud, this one not among them."""
        workers = self.status()["workers"] if self._endpoints else []
        return [child.pid for child in self._children if child.alive] + workers

    def check(self) -> None:
        """Raise EnvironmentProblem when a server process has ended."""
        for server in self._servers:
            if not server.alive:
                raise EnvironmentProblem(f"{server.name} {server.end()}: start it again; nothing was kept")

    def status(self) -> dict[str, Any]:
        """Per mapping, Firehose and shard: position, records behind, in flight, last error."""
        lake = self.endpoints.lake_url
        firehoses = self._get(lake + "/status")["firehoses"] if lake else []
        return {**self._get(self.endpoints.lambda_url + "/status"), "firehoses": firehoses}

    def alarms(self) -> list[Alarm]:
        """The declared alarms, with their states."""
        return told(self._pool.request("GET", self.endpoints.aws_url + ALARMS).data)

    def function_log(self, name: str) -> str:
        """What a function printed lately."""
        url = f"{self.endpoints.lambda_url}/functions/{name}/log"
        return self._pool.request("GET", url).data.decode(errors="replace")

    def drained(self) -> bool:
        """Whether every record put before this call has been settled by every mapping."""
        return self.wait_drained(0)

    def wait_drained(
        self, stuck_seconds: float = 60, on_progress: Callable[[int], None] | None = None
    ) -> bool:
        """Wait until every record put before this call is settled; False when nothing moves any more.

        Then nothing waits anywhere: tumbling windows have had their final calls, and functions that are fed
        by tables have taken what those calls wrote; what Firehoses have buffered is delivered.

        Args:
            stuck_seconds: How long to wait without a single further record being settled, beyond the end of
                the tumbling windows that are open.
            on_progress: Told how many records are still to be settled by the slowest mapping.
        """
        drain, pause = Drain(stuck_seconds), POLL_SECONDS
        while True:
            self.check()
            if self.endpoints.lake_url:
                self._call("POST", self.endpoints.lake_url + "/hurry")
            status = self.status()
            mappings = status["mappings"]
            totals = self._get(self.endpoints.aws_url + "/_sluice/streams")
            if on_progress:
                on_progress(behind(mappings, totals))
            done = drain.done([*mappings, *status["firehoses"]], time.time())
            if done is not None:
                self._call("POST", self.endpoints.aws_url + "/_sluice/firehoses")
                return done
            time.sleep(pause)
            pause = min(pause * 1.3, LONGEST_PAUSE_SECONDS)

    def redeploy(self, overrides: Mapping[str, Any] | None = None) -> None:
        """Deploy the project as it is now over what runs: streams, queues, tables and checkpoints stay.

        Invocations under way end as they began; the next ones run the new code. With `overrides`, those take
        the place of the ones that were laid over the settings so far.

        Raises:
            SluiceError: what is wrong with the project, or cannot be changed in place; the deployment before
                goes on.
        """
        before = msgspec.to_builtins(self._deployed)
        job = self._job if overrides is None else {**self._job, "overrides": dict(overrides)}
        deploy = self._child("deploy", "the deployment")
        try:
            deploy.tell(**job, before=before)
            deploy.tell(aws_url=self.endpoints.aws_url, bigquery_url=self.endpoints.bigquery_url)
            deployment = self._heard(deploy)
        finally:
            self._end(deploy)
        if has_search(deployment) and deployment.search_url is None:
            # It runs already where a deployment before this one came so far and no further.
            deployment.search_url = self.endpoints.search_url or self._start_search()
            self._endpoints = replace(self.endpoints, search_url=deployment.search_url)
        body = deployment.encoded()
        if deployment.firehoses and self.endpoints.lake_url is None:
            lake, lake_url = self._start_lake(deployment, self.endpoints)
            self._endpoints = replace(self.endpoints, lake_url=lake_url)
            lake.answer(START_SECONDS)
        url = self.endpoints.lake_url
        if url:  # a table has its new columns before a function writes them
            self._call("PUT", url + "/tables", body)
        said = self._call("PUT", self.endpoints.lambda_url + "/deployment", body, SETUP_SECONDS)
        if "error" in said:
            self._deployment = self._deployed.but_made(deployment)
            raise refusal(said)
        if url:
            self._call("PUT", url + "/deployment", body)
        self._deployment, self._job = deployment, job

    def close(self) -> None:
        """End all processes; may be called again."""
        for child in self._children:
            child.close()
        for child in self._children:
            child.wait()
        self._children.clear()
        self._servers.clear()
        self._foreseen.clear()
        self._pool.clear()

    @property
    def _deployed(self) -> Deployment:
        if self._deployment is None:
            raise EnvironmentProblem("the local cloud has not been started")
        return self._deployment

    def _start(self) -> None:
        """Start what is needed side by side: whoever needs something of another one waits for that only."""
        deploy = self._child("deploy", "the deployment")
        deploy.tell(**self._job)
        limits = ["--limits"] if self._limits else []
        minute = f"--minute-seconds={self._minute_seconds}"
        aws = self._child("aws", "the local AWS", *limits, minute)
        bigquery = self._child("bigquery", "the local BigQuery", "--port", "0")
        control = self._child("control", "the local Lambda")
        self._servers = [aws, bigquery, control]
        for module in deploy.hear(DEPLOY_SECONDS)["foreseen"]:
            self._foreseen[module] = self._child(module, _SINKS[module])
        with ThreadPoolExecutor(3) as threads:
            urls = list(threads.map(lambda server: server.url(START_SECONDS), self._servers))
        endpoints = Endpoints(aws_url=urls[0], lambda_url=urls[2], bigquery_url=urls[1])
        addresses = {"aws_url": urls[0], "bigquery_url": urls[1]}
        deploy.tell(**addresses)
        deployment = self._heard(deploy)
        self._end(deploy)
        lake = None
        if deployment.firehoses:
            lake, lake_url = self._start_lake(deployment, endpoints)
            endpoints = replace(endpoints, lake_url=lake_url)
        if has_search(deployment):
            deployment.search_url = self._start_search()
            endpoints = replace(endpoints, search_url=deployment.search_url)
        for needless in self._foreseen.values():
            self._end(needless)
        self._foreseen.clear()
        control.tell(
            **addresses,
            deployment=deployment.told(),
            verbose=self._verbose,
            limits=self._limits,
            minute_seconds=self._minute_seconds,
        )
        if lake:
            lake.answer(START_SECONDS)
        control.tell(begin=True)
        if endpoints.lake_url:  # its functions are there, if not yet imported
            self._call("PUT", endpoints.lake_url + "/deployment", deployment.encoded())
        control.answer(SETUP_SECONDS, self.check)
        self._deployment, self._endpoints = deployment, endpoints

    def _heard(self, deploy: ChildProcess) -> Deployment:
        return msgspec.convert(deploy.answer(DEPLOY_SECONDS)["deployment"], Deployment)

    def _sink(self, module: str) -> ChildProcess:
        """A server that only some deployments need, most often started already."""
        child = self._foreseen.pop(module, None) or self._child(module, _SINKS[module])
        self._servers.append(child)
        return child

    def _start_search(self) -> str:
        """A node takes seconds to start: who asks before it is ready waits."""
        said = self._sink("opensearch").hear(START_SECONDS)
        self.search_engine = str(said["engine"])
        return f"http://127.0.0.1:{said['port']}"

    def _start_lake(self, deployment: Deployment, endpoints: Endpoints) -> tuple[ChildProcess, str]:
        """Have the lake make its tables, and say so; Firehoses start with the next deployment it is sent."""
        lake = self._sink("lake")
        url = lake.url(START_SECONDS)
        lake.tell(
            deployment=deployment.told(),
            aws_url=endpoints.aws_url,
            lambda_url=endpoints.lambda_url,
            limits=self._limits,
            minute_seconds=self._minute_seconds,
        )
        return lake, url

    def _child(self, module: str, name: str, *arguments: str) -> ChildProcess:
        called, echo, secret = f"sluice.local.{module}", self._verbose, self._secret
        child = ChildProcess(called, *arguments, name=name, echo=echo, variables=secret)
        self._children.append(child)
        return child

    def _end(self, child: ChildProcess) -> None:
        child.close()
        child.wait()
        self._children.remove(child)

    def _get(self, url: str) -> dict[str, Any]:
        return self._call("GET", url)

    def _call(
        self, method: str, url: str, body: bytes | None = None, seconds: float = CALL_SECONDS
    ) -> dict[str, Any]:
        try:
            return json_of(self._pool.request(method, url, body=body, timeout=seconds))
        except urllib3.exceptions.HTTPError as error:
            self.check()
            raise EnvironmentProblem(f"the local cloud does not answer: {error}") from error
