"""What a Firehose with a bucket behind it measures, and how it fails when it is asked to.

By Amazon Data Firehose's developer guide ("Monitor Amazon Data Firehose with CloudWatch metrics").
"""

from typing import Final

from sluice.local.aws_faults import AwsFaults
from sluice.local.watch.store import MetricStore

FIREHOSE: Final = "AWS/Firehose"


class DeliveryMeter:
    """The metrics of all of them; moments are epoch seconds."""

    def __init__(self, metrics: MetricStore, faults: AwsFaults) -> None:
        self._metrics, self._faults = metrics, faults

    def taken(self, name: str, records: int, size: int, now: float) -> None:
        """Count what was put to one."""
        self._add(name, "IncomingRecords", records, now)
        self._add(name, "IncomingBytes", size, now, unit="Bytes")

    def refused(self, name: str, now: float) -> bool:
        """Whether its bucket refuses an object, as a fault has it."""
        if self._faults.take("firehose", "Deliver", name) is None:
            return False
        self._add(name, "DeliveryToS3.Success", 0, now)
        return True

    def delivered(self, name: str, records: int, size: int, now: float) -> None:
        """Count an object that was written."""
        self._add(name, "DeliveryToS3.Success", 1, now)
        self._add(name, "DeliveryToS3.Records", records, now)
        self._add(name, "DeliveryToS3.Bytes", size, now, unit="Bytes")

    def aged(self, name: str, seconds: float, now: float) -> None:
        """Note how old the oldest record is that waits."""
        self._add(name, "DeliveryToS3.DataFreshness", max(0.0, seconds), now, unit="Seconds")

    def _add(self, name: str, metric: str, value: float, now: float, *, unit: str = "Count") -> None:
        key = (FIREHOSE, metric, (("DeliveryStreamName", name),))
        self._metrics.add(key, float(value), now, unit=unit)
