"""Which shard a partition key belongs to: the map that keeps aggregates within one shard."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import Again, Deadline, attempts
from sluice.errors import EnvironmentProblem
from sluice.producer.failures import Why, failure_of_request

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

AUTO: Final = "AUTO"
"""A stream's record distribution that ignores partition keys:
docs.aws.amazon.com/streams/latest/dev/service-managed-pk-producing-behavior.html (2026)."""


def hash_of(key: str) -> int:
    """Return where a partition key lies between 0 and 2**128."""
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards of a stream at one moment.

    `ranges` holds the first and last hash of each, closed ones too; `open` the first hash and name of those
    that take records, ordered. `version` counts the times that the map was read.
    """

    version: int
    open: tuple[tuple[int, str], ...]
    ranges: dict[str, tuple[int, int]] = field(repr=False)

    def of(self, hashed: int) -> str:
        """Return the open shard that a hash belongs to."""
        return self.open[bisect_left(self.open, (hashed + 1,)) - 1][1]

    def holds(self, shard: str, hashed: int) -> bool:
        """Whether a shard's range holds a hash; of a shard that is not known, it is believed."""
        found = self.ranges.get(shard)
        return found is None or found[0] <= hashed <= found[1]


def no_shards() -> Shards:
    """Return the map of a stream that pays no heed to keys: any aggregate may go anywhere."""
    return Shards(0, ((0, ""),), {})


def read_shards(kinesis: KinesisClient, stream: str, *, version: int, deadline: Deadline) -> Shards:
    """Ask for a stream's shards, again while the answer fails in passing and there is time.

    Raises:
        EnvironmentProblem: the stream does not exist, may not be listed, or does not answer in time.
    """

    def once() -> Shards:
        try:
            found = _listed(kinesis, stream)
        except (BotoCoreError, ClientError) as error:
            failure = failure_of_request(error)
            if failure.why is Why.PASSING:
                raise Again(failure.reason) from error
            raise EnvironmentProblem(
                f"stream {stream}: {failure.reason}; aggregating needs kinesis:ListShards on it"
            ) from error
        ranges = {name: (first, last) for name, first, last, _ in found}
        opened = tuple(sorted((first, name) for name, first, _, is_open in found if is_open))
        if not opened:
            raise Again("no open shards are listed")
        return Shards(version, opened, ranges)

    try:
        return attempts(deadline)(once)
    except Again as error:
        raise EnvironmentProblem(f"stream {stream}: its shards cannot be listed ({error.reason})") from error


def _listed(kinesis: KinesisClient, stream: str) -> list[tuple[str, int, int, bool]]:
    found = []
    request: dict[str, str] = {"StreamName": stream}
    while True:
        page = kinesis.list_shards(**request)  # type: ignore[arg-type]  # the stub wants literal keywords
        for shard in page["Shards"]:
            held = shard["HashKeyRange"]
            found.append(
                (
                    shard["ShardId"],
                    int(held["StartingHashKey"]),
                    int(held["EndingHashKey"]),
                    "EndingSequenceNumber" not in shard["SequenceNumberRange"],
                )
            )
        token = page.get("NextToken")
        if not token:
            return found
        request = {"NextToken": token}


def ignores_keys(kinesis: KinesisClient, stream: str) -> bool:
    """Whether the stream distributes records by itself; not knowing counts as no."""
    try:
        summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    except (BotoCoreError, ClientError):
        return False
    return summary.get("RecordDistributionStrategy") == AUTO
