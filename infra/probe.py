"""The probe: streams, mappings, a function, a queue and a dataset of its own, beside all that matters.

`sluice probe` sends records through them and compares what Lambda and BigQuery do with what the local cloud
assumes. Nothing in here lasts for longer than a day, so nothing is protected: with the probe switched off,
it goes.
"""

from dataclasses import replace
from typing import Any, Final

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from infra import limits
from infra.dataset_grants import writing
from infra.environment import Environment
from infra.federation import Federation
from infra.function import Code, Function
from infra.policy import allow
from infra.queue import queue
from infra.stream import AWS_MANAGED_KEY, reading
from infra.table import table
from infra.warehouse import Warehouse
from sluice.probe.mappings import MAPPINGS, STREAMS, Fed

_DAY_MILLISECONDS: Final = 86_400_000
_RETENTION_HOURS: Final = 24


class Probe(pulumi.ComponentResource):
    """A function that is fed in every way that the local cloud knows, and where it notes what it saw."""

    def __init__(
        self, name: str, env: Environment, *, federation: Federation, warehouse: Warehouse, pipeline: str
    ) -> None:
        super().__init__("sluice:infra:Probe", name, None, env.component)
        passing = env.settings.model_copy(update={"protect": False})
        self._resource, self._env = name, replace(env, settings=passing)
        role = env.names.probe
        self._streams = {each: self._stream(each) for each in STREAMS}
        consumers = self._consumers()
        self._queue = queue(
            f"{name}-queue", self._env, self, called=env.names.thing("probe-given-up"), retention_days=1
        )
        journal = table(f"{name}-journal", self._env, self, called="probe-journal", keys=("run", "entry"))
        dataset = self._dataset(warehouse.writer_role, federation.writer(role))
        self._function = Function(
            name,
            self._env,
            self,
            Code(
                called=role,
                folder="probe",
                description="Does what the probe's records order, and notes what it is given",
                duty="probe",
                settings=env.settings.probe,
                pipeline=pipeline,
                statements=self._statements(consumers, journal.arn),
                environment={
                    "SLUICE_PROBE_TABLE": journal.name,
                    "SLUICE_BIGQUERY_PROJECT": env.settings.google_project,
                    "SLUICE_BIGQUERY_DATASET": dataset.dataset_id,
                    "SLUICE_GOOGLE_CREDENTIALS": federation.credentials(role),
                },
                after=[federation, dataset],
            ),
        )
        for fed in MAPPINGS:
            self._mapping(fed, consumers.get(fed.name))
        self.outputs = {
            "streams": {each: stream.name for each, stream in self._streams.items()},
            "function": self._function.name,
            "journal": journal.name,
            "queue_url": self._queue.url,
            "dataset": dataset.dataset_id,
            "tumbling_window_seconds": env.settings.probe.tumbling_window_seconds,
        }
        self.register_outputs(self.outputs)

    def _stream(self, stream: str) -> aws.kinesis.Stream:
        return aws.kinesis.Stream(
            f"{self._resource}-{stream}-stream",
            name=self._env.names.thing(f"probe-{stream}"),
            stream_mode_details={"stream_mode": "ON_DEMAND"},
            retention_period=_RETENTION_HOURS,
            encryption_type="KMS",
            kms_key_id=AWS_MANAGED_KEY if self._env.key is None else self._env.key,
            enforce_consumer_deletion=True,
            opts=self._env.within(self),
        )

    def _consumers(self) -> dict[str, aws.kinesis.StreamConsumer]:
        """Register a consumer for each enhanced mapping, after the fifth before it, as Kinesis demands."""
        found: dict[str, aws.kinesis.StreamConsumer] = {}
        for fed in (each for each in MAPPINGS if each.enhanced):
            before = list(found.values())[-limits.CONSUMERS_CREATED_AT_ONCE :]
            wait = before[:1] if len(before) == limits.CONSUMERS_CREATED_AT_ONCE else []
            found[fed.name] = aws.kinesis.StreamConsumer(
                f"{self._resource}-{fed.name}-consumer",
                name=self._env.names.thing(f"probe-{fed.name}"),
                stream_arn=self._streams[fed.stream].arn,
                opts=pulumi.ResourceOptions(parent=self, depends_on=wait),
            )
        return found

    def _dataset(self, role: pulumi.Input[str], writer: pulumi.Input[str]) -> gcp.bigquery.Dataset:
        """Declare a dataset whose tables the command makes and drops; what it leaves behind goes in a day."""
        env = self._env
        return gcp.bigquery.Dataset(
            f"{self._resource}-dataset",
            project=env.settings.google_project,
            dataset_id=env.names.thing("probe").replace("-", "_"),
            description="Tables of sluice probe, while it runs",
            location=env.settings.google_location,
            accesses=[
                gcp.bigquery.DatasetAccessArgs(role="OWNER", special_group="projectOwners"),
                gcp.bigquery.DatasetAccessArgs(**writing(env, role, writer)),
            ],
            default_table_expiration_ms=_DAY_MILLISECONDS,
            delete_contents_on_destroy=True,
            opts=env.within(self),
        )

    def _statements(
        self, consumers: dict[str, aws.kinesis.StreamConsumer], journal: pulumi.Input[str]
    ) -> list[dict[str, Any]]:
        return [
            *reading(
                [stream.arn for stream in self._streams.values()],
                [consumer.arn for consumer in consumers.values()],
            ),
            allow("ReportGivenUp", ["sqs:SendMessage"], self._queue.arn),
            allow("KeepTheJournal", ["dynamodb:PutItem", "dynamodb:Query"], journal),
        ]

    def _mapping(self, fed: Fed, consumer: aws.kinesis.StreamConsumer | None) -> None:
        """Feed the function in one way; a checkpoint that is lost with the mapping is none to keep."""
        settings = self._env.settings.probe
        parts: dict[str, Any] = {"function_response_types": ["ReportBatchItemFailures"]} if fed.parts else {}
        if fed.windowed:
            parts["tumbling_window_in_seconds"] = settings.tumbling_window_seconds
        if fed.patterns:
            parts["filter_criteria"] = {"filters": [{"pattern": pattern} for pattern in fed.patterns]}
        aws.lambda_.EventSourceMapping(
            f"{self._resource}-{fed.name}-mapping",
            event_source_arn=consumer.arn if consumer else self._streams[fed.stream].arn,
            function_name=self._function.arn,
            starting_position="TRIM_HORIZON",
            batch_size=fed.batch_size,
            maximum_batching_window_in_seconds=fed.batching_seconds,
            parallelization_factor=fed.parallelization,
            maximum_retry_attempts=fed.retries,
            maximum_record_age_in_seconds=fed.oldest_seconds,
            bisect_batch_on_function_error=fed.bisect,
            destination_config={"on_failure": {"destination_arn": self._queue.arn}},
            opts=pulumi.ResourceOptions(
                parent=self, delete_before_replace=True, depends_on=[self._function.policy]
            ),
            **parts,
        )
