"""Objects of records that could not be delivered, under a Firehose's error prefix.

Documented (Amazon Data Firehose developer guide, "Handle failure in data transformation", read 2026-11): a
line of JSON per record, with the names below; the record in base64. `lambdaARN` is spelled as in captured
lines, not as in the guide. Of `iceberg-failed` the guide says only that it goes to the error bucket: its
lines are as users saw them.
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from gzip import compress
from itertools import groupby
from typing import Any, Protocol

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sluice.local.clock import Clock
from sluice.local.firehose_prefix import object_name, prefix_at
from sluice.local.identities import OWNER, Credentials
from sluice.local.lake.declared import Firehose
from sluice.local.lake.destination import DeliveryError
from sluice.local.lake.event import Failed
from sluice.local.lake.faults import Faults

VERSION = "1"


class Objects(Protocol):
    """Takes what could not be delivered."""

    def write(self, failed: Sequence[Failed]) -> None:
        """Keep all of it, or raise `DeliveryError`: then it comes again."""
        ...


class ErrorObjects:
    """Writes into the Firehose's bucket."""

    def __init__(
        self, firehose: Firehose, aws_url: str, faults: Faults, clock: Clock, credentials: Credentials = OWNER
    ) -> None:
        self._firehose, self._faults, self._clock = firehose, faults, clock
        self._s3: Any = boto3.client(
            "s3",
            endpoint_url=aws_url,
            region_name=firehose.region,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token or None,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def write(self, failed: Sequence[Failed]) -> None:
        """One object for each kind of failure.

        Raises:
            DeliveryError: the bucket refuses; what was written before that is written again.
        """
        for kind, group in groupby(sorted(failed, key=_kind), key=_kind):
            if self._faults.take("s3_fails", self._firehose.name):
                raise DeliveryError("s3_fails, as it was asked to")
            lines = list(group)
            moment = datetime.fromtimestamp(min(one.entry.arrived for one in lines), tz=UTC)
            packed = self._firehose.packed
            name = object_name(self._firehose.name, VERSION, moment, packed=packed)
            body = b"".join(self._line(one) for one in lines)
            try:
                self._s3.put_object(
                    Bucket=self._firehose.bucket,
                    Key=prefix_at(self._firehose.error_prefix, moment, kind) + name,
                    Body=compress(body, 1) if packed else body,
                )
            except (ClientError, BotoCoreError) as error:
                raise DeliveryError(f"the error prefix takes nothing: {error}") from error

    def _line(self, one: Failed) -> bytes:
        arrived, now = int(one.entry.arrived * 1000), int(self._clock.now() * 1000)
        line = {
            "attemptsMade": one.attempts,
            "arrivalTimestamp": arrived,
            "errorCode": one.code,
            "errorMessage": one.message,
            "attemptEndingTimestamp": now,
            "rawData": b64encode(one.data).decode(),
        }
        if one.kind == "processing-failed":
            line["lambdaARN"] = self._firehose.lambda_arn
        else:
            line |= {
                "EventId": one.entry.record_id,
                "SubsequenceNumber": one.entry.sub,
                "ApproximateArrivalTimestamp": arrived,
            }
        return msgspec.json.encode(line) + b"\n"


def _kind(one: Failed) -> str:
    return one.kind
