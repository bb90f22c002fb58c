"""A Firehose with a transform and Iceberg tables, as the program declares it.

Limits and defaults: Firehose's API reference (IcebergDestinationConfiguration, BufferingHints, Processor) and
developer guide ("Configure buffering hints", "Understand data transformation flow"), read 2026-11.
"""

from typing import Any

import msgspec

from sluice.errors import SettingsError

MIB = 1024 * 1024
DEFAULT_TRANSFORM_MIB, DEFAULT_TRANSFORM_SECONDS = 1.0, 60
DEFAULT_RETRIES = 3
DEFAULT_MIB, DEFAULT_SECONDS, DEFAULT_RETRY_SECONDS = 5, 300, 300
LARGEST_BUFFER = 32 * MIB
"""Sizes are hints: a laptop need not hold the 128 MB that one may ask for."""

_KNOWN = frozenset(
    {
        "appendOnly",
        "bufferingInterval",
        "bufferingSize",
        "catalogArn",
        "cloudwatchLoggingOptions",
        "processingConfiguration",
        "retryDuration",
        "roleArn",
        "s3BackupMode",
        "s3Configuration",
    }
)
_TRANSFORM = frozenset(
    {"BufferIntervalInSeconds", "BufferSizeInMBs", "LambdaArn", "NumberOfRetries", "RoleArn"}
)


class Firehose(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine needs to know. Sizes in bytes.

    `stream`: ARN of the Kinesis stream that it reads; None when it is put to directly.
    `role`: ARN of the role that it works as.
    `attempts`: how often an invocation that fails is made, the first one included.
    """

    name: str
    arn: str
    lambda_arn: str
    role: str
    stream: str | None
    bucket: str
    error_prefix: str
    packed: bool
    transform_bytes: int
    transform_seconds: float
    attempts: int
    buffer_bytes: int
    buffer_seconds: float
    retry_seconds: float

    @property
    def function(self) -> str:
        """Name of the function that transforms."""
        return self.lambda_arn.partition(":function:")[2].partition(":")[0]

    @property
    def region(self) -> str:
        """Where it is."""
        return self.arn.split(":")[3]


def read_type(text: str) -> Any:
    """A column's type in Iceberg's JSON, of which Glue takes the text."""
    return msgspec.json.decode(text) if text[:1] in '{"' else text


def is_lake(inputs: dict[str, Any]) -> bool:
    """Whether a declared Firehose delivers to Iceberg tables."""
    return bool(inputs.get("destination") == "iceberg")


def firehose(inputs: dict[str, Any]) -> Firehose:
    """Read the inputs of a declared Firehose, and the ARN that it was given.

    Raises:
        SettingsError: it is to do what the local cloud does not.
    """
    name, iceberg = inputs["name"], inputs.get("icebergConfiguration") or {}
    unknown = sorted(set(iceberg) - _KNOWN)
    if unknown:
        raise SettingsError(f"Firehose {name}: the local cloud does not know {', '.join(unknown)}")
    objects = iceberg.get("s3Configuration") or {}
    transform = _transform(name, iceberg)
    size = iceberg.get("bufferingSize", DEFAULT_MIB) * MIB
    return Firehose(
        name=name,
        arn=inputs["arn"],
        lambda_arn=transform["LambdaArn"],
        role=iceberg["roleArn"],
        stream=(inputs.get("kinesisSourceConfiguration") or {}).get("kinesisStreamArn"),
        bucket=objects["bucketArn"].rpartition(":")[2],
        error_prefix=objects.get("errorOutputPrefix") or "",
        packed=objects.get("compressionFormat") == "GZIP",
        transform_bytes=int(float(transform.get("BufferSizeInMBs", DEFAULT_TRANSFORM_MIB)) * MIB),
        transform_seconds=float(transform.get("BufferIntervalInSeconds", DEFAULT_TRANSFORM_SECONDS)),
        attempts=int(transform.get("NumberOfRetries", DEFAULT_RETRIES)) + 1,
        buffer_bytes=min(int(size), LARGEST_BUFFER),
        buffer_seconds=float(iceberg.get("bufferingInterval", DEFAULT_SECONDS)),
        retry_seconds=float(iceberg.get("retryDuration", DEFAULT_RETRY_SECONDS)),
    )


def _transform(name: str, iceberg: dict[str, Any]) -> dict[str, str]:
    """The parameters of the transform: rows are told apart by what it answers, so there must be one."""
    processing = iceberg.get("processingConfiguration") or {}
    processors = processing.get("processors") or []
    if not processing.get("enabled") or [one["type"] for one in processors] != ["Lambda"]:
        raise SettingsError(
            f"Firehose {name}: the local cloud wants one processor, a Lambda, in front of Iceberg"
        )
    found = {one["parameterName"]: one["parameterValue"] for one in processors[0].get("parameters") or []}
    unknown = sorted(set(found) - _TRANSFORM)
    if unknown or "LambdaArn" not in found:
        said = f"does not know {', '.join(unknown)}" if unknown else "wants its LambdaArn"
        raise SettingsError(f"Firehose {name}: of a Lambda processor the local cloud {said}")
    return found
