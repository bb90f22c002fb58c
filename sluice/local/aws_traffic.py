"""What streams take in, refuse and give out, as CloudWatch's metrics of Kinesis tell it.

By the developer guide ("Monitor the Amazon Kinesis Data Streams service with Amazon CloudWatch"): a point for
each call, those of throttling at 0 while nothing is; how far behind pollers are, and each enhanced consumer.
"""

from collections import Counter

from sluice.local.watch.store import Key, MetricStore

NAMESPACE = "AWS/Kinesis"


class Traffic:
    """Metrics of streams, by their ARN; each call says when it was, in epoch seconds."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self._totals: Counter[str] = Counter()
        self._keys: dict[tuple[str, str, str], Key] = {}

    def put(self, stream_arn: str, records: int, size: int, now: float, *, refused: int | None) -> None:
        """Count one PutRecord or, with how many of its records a limit `refused`, one PutRecords."""
        self._totals[stream_arn] += records
        if records:
            self._add(stream_arn, "IncomingRecords", records, now)
            self._add(stream_arn, "IncomingBytes", size, now, unit="Bytes")
        throttled = (not records) if refused is None else refused
        self._add(stream_arn, "WriteProvisionedThroughputExceeded", throttled, now)
        if refused is not None:
            self._add(stream_arn, "PutRecords.TotalRecords", records + refused, now)
            self._add(stream_arn, "PutRecords.SuccessfulRecords", records, now)
            self._add(stream_arn, "PutRecords.ThrottledRecords", refused, now)

    def read(self, stream_arn: str, consumer: str, records: int, behind_ms: float, now: float) -> None:
        """Count one page that was polled, or that an enhanced `consumer` (its ARN) was pushed."""
        if consumer:
            self._add(stream_arn, "SubscribeToShardEvent.Records", records, now, consumer=consumer)
            behind = "SubscribeToShardEvent.MillisBehindLatest"
            self._add(stream_arn, behind, behind_ms, now, unit="Milliseconds", consumer=consumer)
            return
        self._add(stream_arn, "ReadProvisionedThroughputExceeded", 0, now)
        self._add(stream_arn, "GetRecords.Records", records, now)
        self._add(stream_arn, "GetRecords.IteratorAgeMilliseconds", behind_ms, now, unit="Milliseconds")

    def refuse_read(self, stream_arn: str, consumer: str, now: float) -> None:
        """Count one GetRecords, or a `consumer`'s subscription, that a limit refused."""
        name = "SubscribeToShard.RateExceeded" if consumer else "ReadProvisionedThroughputExceeded"
        self._add(stream_arn, name, 1, now, consumer=consumer)

    def totals(self) -> dict[str, int]:
        """How many records each stream has ever taken."""
        return dict(self._totals)

    def _add(
        self, stream_arn: str, name: str, value: float, now: float, *, unit: str = "Count", consumer: str = ""
    ) -> None:
        named = (stream_arn, name, consumer)
        key = self._keys.get(named)
        if key is None:
            dimensions = [("StreamName", stream_arn.rpartition("/")[2])]
            if consumer:
                dimensions.append(("ConsumerName", consumer.partition("/consumer/")[2].partition(":")[0]))
            key = self._keys[named] = (NAMESPACE, name, tuple(sorted(dimensions)))
        self._store.add(key, float(value), now, unit=unit)
