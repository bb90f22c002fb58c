"""What runs by itself in the local Lambda: mappings and schedules, exchanged when deployed again."""

from dataclasses import replace
from typing import Any

import msgspec

from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.clock import SystemClock
from sluice.local.control_faults import LambdaFaults
from sluice.local.deploy_result import Deployment, mapping
from sluice.local.mapping import Mapping
from sluice.local.mapping_runner import Invoker, MappingRunner
from sluice.local.mapping_types import MappingConfig, SourceError
from sluice.local.schedule import Schedule, Ticker
from sluice.local.source import AwsJson, KinesisSource, Source
from sluice.local.source_table import TableSource
from sluice.local.watch.meters import Meter, Unmeasured
from sluice.local.watch.search import SearchMeter

BASE_RATE_SECONDS = 1.0
"""Lambda "polls each shard in your Kinesis stream for records at a base rate of once per second. When more
records are available, Lambda keeps processing batches until the function catches up" (Lambda developer guide,
with-kinesis, read 2026-11). With the shards' limits on, mappings that share them do so."""


class Queues:
    """On-failure destinations: SQS queues of the local AWS."""

    def __init__(self, url: str, region: str, faults: LambdaFaults) -> None:
        self._url = url
        self._faults = faults
        self._aws = AwsJson(url, region, "sqs", "AmazonSQS", "1.0")

    def send(self, arn: str, message: dict[str, Any]) -> None:
        """Send a message to a queue."""
        if self._faults.take("destination", arn.rpartition(":")[2]):
            raise SourceError(f"{arn} does not take its message, as it was asked to")
        queue = f"{self._url}/{ACCOUNT}/{arn.rpartition(':')[2]}"
        self._aws.call("SendMessage", QueueUrl=queue, MessageBody=msgspec.json.encode(message).decode())


class Runners:
    """The mappings and schedules of a deployment. Not safe for several threads."""

    def __init__(
        self,
        invoker: Invoker,
        url: str,
        region: str,
        *,
        limits: bool = False,
        minute_seconds: float = 60.0,
        meter: Meter | None = None,
        faults: LambdaFaults | None = None,
    ) -> None:
        self._invoker, self._url, self._region, self._limits = invoker, url, region, limits
        self._minute_seconds, self._meter = minute_seconds, meter or Unmeasured()
        self._faults = faults or LambdaFaults()
        self._search = SearchMeter(self._meter, minute_seconds)
        self._mappings: dict[str, MappingRunner] = {}
        self._tickers: dict[Schedule, Ticker] = {}

    def take(self, deployment: Deployment) -> None:
        """Run what a deployment declares: what is there goes on, what is new starts, what is gone stops."""
        configs: dict[str, MappingConfig] = {}
        for inputs in deployment.mappings:
            stream = inputs["eventSourceArn"].partition("/consumer/")[0]
            config = mapping(inputs, deployment.retention_hours.get(stream, 24))
            if self._limits and not (config.consumer or config.reads_table):
                config = replace(config, poll_seconds=BASE_RATE_SECONDS, rests_at_tip=True)
            configs[config.uuid] = config
        for gone in self._mappings.keys() - configs.keys():
            self._mappings.pop(gone).stop()
        for uuid in configs.keys() & self._mappings.keys():
            self._mappings[uuid].declare(configs[uuid])
        for uuid in configs.keys() - self._mappings.keys():
            self._mappings[uuid] = self._runner(configs[uuid])
            self._mappings[uuid].start()
        self._search.take(deployment)
        declared = {*deployment.schedules}
        for over in self._tickers.keys() - declared:
            self._tickers.pop(over).stop()
        for schedule in declared - self._tickers.keys():
            self._tickers[schedule] = self._ticker(schedule)
            self._tickers[schedule].start()

    @property
    def mappings(self) -> list[MappingRunner]:
        """The mappings at work."""
        return list(self._mappings.values())

    def schedules(self) -> list[dict[str, Any]]:
        """What the schedules have done."""
        return [ticker.status() for ticker in self._tickers.values()]

    def _runner(self, config: MappingConfig) -> MappingRunner:
        source: Source = (
            TableSource(self._url, self._region, config.stream_arn)
            if config.reads_table
            else KinesisSource(self._url, self._region, config.stream_name, config.consumer)
        )
        return MappingRunner(
            Mapping(config),
            source,
            self._invoker,
            Queues(self._url, self._region, self._faults),
            SystemClock(),
            meter=self._meter,
        )

    def _ticker(self, schedule: Schedule) -> Ticker:
        return Ticker(
            schedule,
            self._invoker,
            SystemClock(),
            minute_seconds=self._minute_seconds,
            meter=self._meter,
            refused=lambda function: self._faults.take("refuse", function),
        )
