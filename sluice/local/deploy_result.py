"""What a deployment leaves to the local runtime: functions and event-source mappings, as plain data."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sluice.errors import SettingsError
from sluice.local.mapping_types import MappingConfig, Start, StartKind
from sluice.local.runtime_worker import Function

Outputs = tuple[str, dict[str, Any]]
"""A resource's id and outputs."""


class Made(msgspec.Struct):
    """A resource as it was created: what a later deployment finds in its place."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


class Deployment(msgspec.Struct, kw_only=True):
    """Functions and mappings by their declared inputs, the program's outputs, what no local server has.

    `made` has the resources of the local servers by their URN.
    """

    region: str
    functions: list[dict[str, Any]]
    mappings: list[dict[str, Any]]
    outputs: dict[str, Any]
    stand_ins: list[str] = []
    warnings: list[str] = []
    retention_hours: dict[str, int] = {}
    made: dict[str, Made] = {}


def function(inputs: dict[str, Any], endpoints: dict[str, str]) -> Function:
    """A function for the runtime, with the local cloud's endpoints among its variables."""
    variables = (inputs.get("environment") or {}).get("variables") or {}
    return Function(
        name=inputs["name"],
        arn=inputs["arn"],
        code=Path(inputs["code"]["archive"]),
        handler=inputs["handler"],
        timeout_seconds=inputs.get("timeout", 3),
        memory_mb=inputs.get("memorySize", 128),
        variables={**variables, **endpoints},
    )


def mapping(inputs: dict[str, Any], retention_hours: int = 24) -> MappingConfig:
    """A mapping for the engine; refuses what the engine does not do, rather than leaving it out."""
    for unknown in ("filterCriteria", "tumblingWindowInSeconds"):
        if inputs.get(unknown):
            raise SettingsError(f"the local cloud does not run event-source mappings with {unknown} yet")
    failure = (inputs.get("destinationConfig") or {}).get("onFailure") or {}
    arn = failure.get("destinationArn")
    if arn and arn.split(":")[2] != "sqs":
        raise SettingsError(f"on-failure destination {arn}: the local cloud takes SQS queues only")
    source = inputs["eventSourceArn"]
    return MappingConfig(
        uuid=inputs["uuid"],
        function=inputs["functionName"].rpartition(":")[2],
        source_arn=source,
        stream_arn=source.partition("/consumer/")[0],
        batch_size=inputs.get("batchSize", 100),
        window_seconds=inputs.get("maximumBatchingWindowInSeconds", 0),
        parallelization=inputs.get("parallelizationFactor", 1),
        retry_attempts=inputs.get("maximumRetryAttempts", -1),
        max_age_seconds=inputs.get("maximumRecordAgeInSeconds", -1),
        bisect=inputs.get("bisectBatchOnFunctionError", False),
        report_failures="ReportBatchItemFailures" in (inputs.get("functionResponseTypes") or []),
        on_failure_arn=arn,
        start=Start(
            StartKind(inputs["startingPosition"]), _timestamp(inputs.get("startingPositionTimestamp"))
        ),
        retention_seconds=retention_hours * 3600,
    )


def _timestamp(value: Any) -> float | None:
    if value is None or isinstance(value, int | float):
        return value
    return datetime.fromisoformat(value).timestamp()
