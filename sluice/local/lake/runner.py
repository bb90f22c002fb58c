"""The Firehoses of a deployment at work, each in a thread of its own."""

import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sluice.local.clock import Clock, SystemClock
from sluice.local.deploy_result import Deployment, identity
from sluice.local.identities import Credentials, Issuer
from sluice.local.lake.catalog import LakeCatalog
from sluice.local.lake.declared import Firehose, firehose
from sluice.local.lake.destination import IcebergTables, one_line
from sluice.local.lake.engine import AT_ONCE, RETRY_SECONDS, Delivery
from sluice.local.lake.faults import Faults
from sluice.local.lake.meter import FirehoseMeter
from sluice.local.lake.objects import ErrorObjects
from sluice.local.lake.source import BASE_RATE_SECONDS, POLL_SECONDS, DirectSource, KinesisSource
from sluice.local.lake.transform import Transform
from sluice.local.source import KinesisSource as Stream
from sluice.local.watch.collector import Collector, pause_of

CREDENTIALS_SECONDS = 365 * 86_400.0
"""A Firehose keeps its clients for as long as it runs; the service renews its credentials instead."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the other servers are."""

    aws_url: str
    lambda_url: str


class Runner:
    """One Firehose, which works as its role."""

    def __init__(
        self,
        declared: Firehose,
        urls: Urls,
        catalog: LakeCatalog,
        faults: Faults,
        credentials: Credentials,
        *,
        limits: bool,
        meter: FirehoseMeter,
    ) -> None:
        clock: Clock = SystemClock()
        self._meter = meter
        self._transform = Transform(
            declared,
            urls.lambda_url,
            faults,
            clock,
            told=lambda success, seconds: meter.transformed(success=success, seconds=seconds),
        )
        self._pool = ThreadPoolExecutor(AT_ONCE, f"transform-{declared.name}")
        self._stop = threading.Event()
        self.delivery = Delivery(
            declared,
            source=_source(declared, urls.aws_url, clock, credentials, limits=limits),
            submit=lambda entries: self._pool.submit(self._transform, entries),
            destination=IcebergTables(declared.name, catalog, faults),
            objects=ErrorObjects(declared, urls.aws_url, faults, clock, credentials),
            faults=faults,
            clock=clock,
        )
        self._thread = threading.Thread(target=self._run, name=declared.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is buffered is lost, as it is when a Firehose is deleted."""
        self._stop.set()
        self._transform.stop()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        pause = 0.0
        while not self._stop.wait(pause):
            try:
                pause = self.delivery.step()
                self._meter.look(self.delivery)
            except Exception as error:  # noqa: BLE001 - a Firehose that stops would only look slow
                self.delivery.last_error = one_line(error)
                traceback.print_exc(file=sys.stderr)
                pause = RETRY_SECONDS


def _source(
    declared: Firehose, aws_url: str, clock: Clock, credentials: Credentials, *, limits: bool
) -> KinesisSource | DirectSource:
    if declared.stream is None:
        return DirectSource(aws_url, declared.name, clock)
    name = declared.stream.rpartition("/")[2]
    stream = Stream(aws_url, declared.region, name, credentials=credentials)
    source = KinesisSource(stream, clock, poll_seconds=BASE_RATE_SECONDS if limits else POLL_SECONDS)
    source.begin()
    return source


class Runners:
    """All of them, exchanged when deployed again. Not safe for several threads."""

    def __init__(self, urls: Urls, region: str, *, limits: bool, minute_seconds: float = 60.0) -> None:
        self.faults = Faults()
        self._pause = pause_of(minute_seconds)
        self._collector = Collector(urls.aws_url, minute_seconds)
        self._collector.start()
        self.catalog = LakeCatalog(urls.aws_url, region)
        self._urls, self._limits, self._issuer = urls, limits, Issuer.here()
        self._runners: dict[str, Runner] = {}

    def declare(self, deployment: Deployment) -> None:
        """Have the tables as they are declared.

        Raises:
            ContractError: one cannot be changed like that in place.
        """
        for table in deployment.lake_tables:
            self.catalog.declare(table["databaseName"], table["name"], table["iceberg"])

    def take(self, deployment: Deployment) -> None:
        """Run the Firehoses that are declared: what is there goes on, what is new starts, what is gone stops.

        Raises:
            SettingsError: one is to do what is not done here.
        """
        declared = {one["name"]: firehose(one) for one in deployment.firehoses}
        for gone in self._runners.keys() - declared.keys():
            self._runners.pop(gone).stop()
        for name, one in declared.items():
            if name in self._runners:
                continue
            made = self._runner(one, deployment.account)
            self._runners[name] = made
            made.start()

    def _runner(self, one: Firehose, account: str) -> Runner:
        until = SystemClock().now() + CREDENTIALS_SECONDS
        credentials = self._issuer.issue(identity(account, one.role, one.name), until)
        catalog = LakeCatalog(self._urls.aws_url, one.region, credentials)
        meter = FirehoseMeter(self._collector, one.name, self._pause)
        return Runner(one, self._urls, catalog, self.faults, credentials, limits=self._limits, meter=meter)

    def hurry(self, seconds: float) -> None:
        """Let nothing wait in buffers for a while once all has been read."""
        until = SystemClock().now() + seconds
        for runner in self._runners.values():
            runner.delivery.hurry_until = until

    def status(self) -> list[dict[str, Any]]:
        """Each of them, as `/status` has it."""
        return [runner.delivery.status() for runner in self._runners.values()]

    def close(self) -> None:
        """End all."""
        self._collector.stop()
        for runner in self._runners.values():
            runner.stop()
