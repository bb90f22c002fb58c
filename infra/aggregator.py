"""The sink that counts: the aggregator over its own consumer, and the clock that completes quiet windows."""

from collections.abc import Sequence
from typing import Any

import pulumi

from infra.adoption import WRITE_ITEMS
from infra.clock import every
from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.ledger import Ledger
from infra.policy import allow
from infra.sink_function import Sink, SinkFunction
from infra.stream import Stream
from infra.windows import Windows
from sluice.errors import SettingsError
from sluice.pipeline import Pipeline

SINK = "windows"
"""What the sink is called in ledger, dead letters, audit and exports."""


def aggregator(
    env: Environment,
    *,
    stream: Stream,
    dead_letters: DeadLetters,
    ledger: Ledger,
    windows: Windows,
    readers: Sequence[pulumi.Resource],
    pipeline: Pipeline,
    path: str,
) -> Sink:
    """Say what the aggregator is made of; `readers` read what it writes, and have their new code before it.

    Raises:
        SettingsError: the tumbling window does not divide the window of a metric.
    """
    return Sink(
        sink=SINK,
        key="aggregator",
        function="aggregator",
        description="Counts the stream's events into the windows of the metrics",
        settings=env.settings.aggregator,
        stream=stream,
        dead_letters=dead_letters,
        ledger=ledger,
        pipeline=path,
        # A failed call takes its batch again as a whole, for as long as it must: a final call that was given
        # up would lose its window, and Lambda bisects or answers in parts outside tumbling windows only.
        mapping={
            "tumbling_window_in_seconds": _tumbling_window(env, pipeline),
            "parallelization_factor": 1,
            "maximum_retry_attempts": -1,
            "maximum_record_age_in_seconds": -1,
            "bisect_batch_on_function_error": False,
        },
        # The ledger's item is one of the writes that commit a segment.
        ledger_actions=("dynamodb:PutItem", "dynamodb:UpdateItem"),
        statements=_statements(windows),
        environment={
            "SLUICE_STREAM": stream.name,
            "SLUICE_WINDOWS_TABLE": windows.table,
            "SLUICE_WINDOW_DAYS": str(env.settings.windows.days),
            "SLUICE_CLAIMS_TABLE": windows.claims,
            "SLUICE_CLAIM_DAYS": str(env.settings.claim_days),
        },
        after=[windows, *readers],
    )


def _statements(windows: Windows) -> list[dict[str, Any]]:
    return [
        allow(
            "KeepTheWindows",
            [
                "dynamodb:BatchWriteItem",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
            ],
            windows.table_arn,
        ),
        allow("ClaimEvents", ["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"], windows.claims_arn),
        *windows.key.used_for(*WRITE_ITEMS),
        *windows.claims_key.used_for(*WRITE_ITEMS),
    ]


def _tumbling_window(env: Environment, pipeline: Pipeline) -> int:
    """How long a tumbling window is, in seconds: each window of a metric must end together with one."""
    given = env.settings.aggregator.tumbling_window_seconds
    if given is None:
        return pipeline.flush_seconds
    for metric in pipeline.metrics:
        if metric.window % given:
            raise SettingsError(
                f"{pulumi.get_project()}:aggregator.tumbling_window_seconds is {given}: accepted is a divisor"
                f" of every metric's window, and that of {metric.name} is {metric.window} seconds; change it"
                f" in Pulumi.{env.stack}.yaml"
            )
    return given


class Census(pulumi.ComponentResource):
    """Once a minute the aggregator looks at all shards: windows end although nothing arrives."""

    def __init__(self, name: str, env: Environment, *, aggregator: SinkFunction) -> None:
        super().__init__("sluice:infra:Census", name, None, env.component)
        rule = every(
            name,
            env,
            self,
            minutes=1,
            function=aggregator.function,
            called="census",
            target="aggregator",
            description="Completes windows of shards where nothing arrives",
        )
        self.register_outputs({"rule": rule.name})
