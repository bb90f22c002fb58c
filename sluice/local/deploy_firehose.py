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


def create_delivery_stream(client: Any, inputs: dict[str, Any]) -> Outputs:
    """Create a Firehose that is put to directly and writes to a bucket.

    Raises:
        SettingsError: it is to do what the local cloud does not.
    """
    name, declared = inputs["name"], inputs.get("extendedS3Configuration")
    if inputs["destination"] != "extended_s3" or declared is None or inputs.get("kinesisSourceConfiguration"):
        raise SettingsError(
            f"Firehose {name}: the local cloud knows direct put into a bucket (extended_s3) only"
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
    arn = client.create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={key: value for key, value in destination.items() if value},
    )["DeliveryStreamARN"]
    return arn, {"arn": arn, "name": name}


def _renamed(inputs: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {theirs: inputs[ours] for ours, theirs in names.items() if inputs.get(ours) is not None}
