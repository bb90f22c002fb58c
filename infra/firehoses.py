"""The lake and the other destinations of Firehoses that read the stream: each switched by its settings."""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import pulumi

from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.firehose_destinations import iceberg, other
from infra.firehose_sink import FirehoseArgs, FirehoseSink
from infra.lake import Lake
from infra.lake_bucket import LakeBucket
from infra.lake_setup import LakeSetup
from infra.ledger import Ledger
from infra.names import dashed
from infra.settings_lake import FirehoseDestinationSettings, FirehoseSinkSettings
from infra.stream import Stream
from sluice.errors import SettingsError
from sluice.pipeline import Pipeline
from sluice.routes.route import MAX_NAME, RESERVED

LAKE = "lake"
"""What the lake's sink is called."""

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")


@dataclass(frozen=True, kw_only=True)
class Firehoses:
    """Declares the lake and other destinations; `sinks` and `outputs` are complete afterwards."""

    env: Environment
    pipeline: Pipeline
    path: str
    stream: Stream
    dead_letters: DeadLetters
    ledger: Ledger
    sinks: dict[str, FirehoseSink] = field(default_factory=dict)
    outputs: dict[str, pulumi.Input[Any]] = field(default_factory=dict)
    """The lake's, empty without one."""

    def declare(self) -> None:
        """Declare what is switched on; nothing at all unless something is."""
        settings = self.env.settings
        days = {name: each.error_days for name, each in settings.firehoses.items()}
        if settings.lake.enabled:
            days = {LAKE: settings.lake.error_days, **days}
        if not days:
            return
        results = settings.lake.result_days if settings.lake.enabled else None
        bucket = LakeBucket("lake-objects", self.env, error_days=days, result_days=results)
        if settings.lake.enabled:
            self._lake(bucket)
        for name, each in settings.firehoses.items():
            self._sink(
                name,
                each,
                bucket,
                description=f"Answers rows of the stream's events for {each.destination}",
                destination=other(self.stream, self.pipeline, each),
                types=each.types,
            )

    def _lake(self, bucket: LakeBucket) -> None:
        env, settings = self.env, self.env.settings.lake
        lake = Lake("lake", env, pipeline=self.pipeline, bucket=bucket, stream=self.stream)
        setup = LakeSetup("lake-setup", env, lake=lake, bucket=bucket, pipeline=self.pipeline, path=self.path)
        lake.declare_views([setup.invoked])
        self._sink(
            LAKE,
            settings,
            bucket,
            description="Answers rows of the stream's events for the lake",
            destination=iceberg(env, lake=lake, bucket=bucket, stream=self.stream),
            after=[*lake.tables.values(), setup.invoked],
        )
        self.outputs.update(lake.outputs)

    def _sink(self, name: str, settings: FirehoseSinkSettings, bucket: LakeBucket, **more: Any) -> None:
        self.sinks[name] = FirehoseSink(
            f"firehose-{dashed(name)}",
            self.env,
            FirehoseArgs(
                sink=name,
                settings=settings,
                stream=self.stream,
                bucket=bucket,
                dead_letters=self.dead_letters,
                ledger=self.ledger,
                pipeline=self.path,
                **more,
            ),
        )


def check_firehoses(env: Environment, pipeline: Pipeline) -> None:
    """Compare the settings of destinations with the pipeline, before anything is declared.

    Raises:
        SettingsError: a name is taken or none, a type not the pipeline's, or a secret in another region.
    """
    taken = {sink: f"the route {route.name}" for route in pipeline.routes for sink in route.sinks}
    taken |= dict.fromkeys(RESERVED, "Sluice itself")
    for name, each in env.settings.firehoses.items():
        key = f"{pulumi.get_project()}:firehoses.{name}"
        where = f"change it in Pulumi.{env.stack}.yaml"
        if not _NAME.match(name) or len(name) > MAX_NAME:
            raise SettingsError(
                f"{key} is no name of a sink: accepted is snake_case (a-z, 0-9 and _, starting with a letter)"
                f" of at most {MAX_NAME} characters; {where}"
            )
        by = taken.get(name) or taken.get(dashed(name))
        if by:
            raise SettingsError(f"{key} is the name of a sink of {by}: choose another; {where}")
        _check_types(each, pipeline, key, where)
        _check_region(each, env.settings.aws_region, key, where)


def _check_types(settings: FirehoseDestinationSettings, pipeline: Pipeline, key: str, where: str) -> None:
    known = list(pipeline.contract.types)
    for kind in settings.types:
        if kind not in known:
            near = get_close_matches(kind, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)};"
            raise SettingsError(f"{key}.types names {kind!r}, no event type of the pipeline: {hint} {where}")


def _check_region(settings: FirehoseDestinationSettings, region: str, key: str, where: str) -> None:
    """Firehose takes secrets of its own region alone (Firehose API, SecretsManagerConfiguration)."""
    for section in (settings.redshift, settings.splunk, settings.snowflake):
        if section is not None and section.secret_arn.split(":")[3] != region:
            raise SettingsError(
                f"{key}.{settings.destination}.secret_arn is of {section.secret_arn.split(':')[3]}: accepted"
                f" is a secret in {region}, as Firehose reads no others; {where}"
            )
