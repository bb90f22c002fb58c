"""Creates a declared Firehose in the local AWS."""

from typing import Any

from sluice.errors import SettingsError
from sluice.local.deploy_result import Outputs

NAMES = {
    "roleArn": "RoleARN",
    "bucketArn": "BucketARN",
    "prefix": "Prefix",
    "errorOutputPrefix": "ErrorOutputPrefix",
    "compressionFormat": "CompressionFormat",
}
HINTS = {"bufferingSize": "SizeInMBs", "bufferingInterval": "IntervalInSeconds"}
LOGGING = {"enabled": "Enabled", "logGroupName": "LogGroupName", "logStreamName": "LogStreamName"}
PACKED = ("GZIP", "UNCOMPRESSED")
OTHERWISE = frozenset({"kmsKeyArn", "cloudwatchLoggingOptions", "s3BackupMode"})
"""Inputs of a destination that go elsewhere, or need nothing here."""

IMITATED = ("extended_s3", "iceberg")
"""Destinations that there are here. Nothing here speaks Redshift, Splunk or Snowflake."""


def is_imitated(inputs: dict[str, Any]) -> bool:
    """Whether a declared Firehose has a destination that there is here."""
    return inputs.get("destination") in IMITATED


def not_imitated(inputs: dict[str, Any]) -> str:
    """What a user is warned of."""
    return (
        f"Firehose {inputs['name']}: the local cloud has no {inputs['destination']}, so nothing is delivered"
        " there, and the audit leaves that sink out"
    )


def create_delivery_stream(client: Any, inputs: dict[str, Any]) -> Outputs:
    """Create a Firehose: put to directly, it writes to a bucket; for Iceberg tables see sluice.local.lake.

    Raises:
        SettingsError: it is to do what the local cloud does not.
    """
    name = inputs["name"]
    if inputs["destination"] == "iceberg":
        given = _iceberg(inputs)
    else:
        given = {"DeliveryStreamType": "DirectPut", "ExtendedS3DestinationConfiguration": _bucket(inputs)}
    arn = client.create_delivery_stream(DeliveryStreamName=name, **given)["DeliveryStreamARN"]
    return arn, {"arn": arn, "name": name}


def _iceberg(inputs: dict[str, Any]) -> dict[str, Any]:
    declared, source = inputs["icebergConfiguration"], inputs.get("kinesisSourceConfiguration")
    destination = {
        "RoleARN": declared["roleArn"],
        "CatalogConfiguration": {"CatalogARN": declared["catalogArn"]},
        "AppendOnly": bool(declared.get("appendOnly")),
        "S3Configuration": _renamed(declared["s3Configuration"], NAMES),
    }
    given: dict[str, Any] = {
        "DeliveryStreamType": "KinesisStreamAsSource" if source else "DirectPut",
        "IcebergDestinationConfiguration": destination,
    }
    if source:
        given["KinesisStreamSourceConfiguration"] = {
            "KinesisStreamARN": source["kinesisStreamArn"],
            "RoleARN": source["roleArn"],
        }
    return given


def _bucket(inputs: dict[str, Any]) -> dict[str, Any]:
    name, declared = inputs["name"], inputs.get("extendedS3Configuration")
    if inputs["destination"] != "extended_s3" or declared is None or inputs.get("kinesisSourceConfiguration"):
        raise SettingsError(
            f"Firehose {name}: the local cloud knows direct put into a bucket (extended_s3), or Iceberg"
        )
    unknown = set(declared) - set(NAMES) - set(HINTS) - OTHERWISE
    if unknown:
        raise SettingsError(f"Firehose {name}: the local cloud does not know {', '.join(sorted(unknown))}")
    if declared.get("compressionFormat", "UNCOMPRESSED") not in PACKED:
        raise SettingsError(f"Firehose {name}: the local cloud packs with {' or '.join(PACKED)} only")
    destination = {
        **_renamed(declared, NAMES),
        "BufferingHints": _renamed(declared, HINTS),
        "CloudWatchLoggingOptions": _renamed(declared.get("cloudwatchLoggingOptions") or {}, LOGGING),
    }
    return {key: value for key, value in destination.items() if value}


def _renamed(inputs: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {theirs: inputs[ours] for ours, theirs in names.items() if inputs.get(ours) is not None}
