"""What a Firehose with Iceberg tables measures.

By Amazon Data Firehose's developer guide ("Monitor Amazon Data Firehose with CloudWatch metrics", read
2026-11). Freshness is the age, since Firehose took it, of the oldest record that is not delivered yet.
"""

import time
from typing import Any, Final

from sluice.local.lake.engine import Counts, Delivery
from sluice.local.watch.meters import Meter

FIREHOSE: Final = "AWS/Firehose"


class FirehoseMeter:
    """The metrics of one Firehose. Not safe for several threads, but for `transformed`."""

    def __init__(self, meter: Meter, name: str, pause_seconds: float) -> None:
        self._meter, self._pause = meter, pause_seconds
        self._named = {"DeliveryStreamName": name}
        self._before = Counts()
        self._next = 0.0

    def transformed(self, *, success: bool, seconds: float) -> None:
        """Count an invocation of the transform."""
        self._add("ExecuteProcessing.Success", int(success))
        self._add("ExecuteProcessing.Duration", round(seconds * 1000), unit="Milliseconds")

    def look(self, delivery: Delivery) -> None:
        """Measure, if it is time to."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause
        counts, before = delivery.counts.copy(), self._before
        self._before = counts
        self._add("DeliveryToIceberg.DataFreshness", delivery.age_seconds, unit="Seconds")
        if (behind := delivery.behind_ms()) is not None:
            self._add("KinesisMillisBehindLatest", behind, unit="Milliseconds")
            self._add("DataReadFromKinesisStream.Records", counts.read - before.read)
        done = counts.delivered + counts.failed - before.delivered - before.failed
        if done:
            self._add("DeliveryToIceberg.IncomingRowCount", done)
            self._add("DeliveryToIceberg.SuccessfulRowCount", counts.delivered - before.delivered)
            self._add("DeliveryToIceberg.FailedRowCount", counts.failed - before.failed)
        for value, count in ((1, counts.commits - before.commits), (0, counts.refusals - before.refusals)):
            if count:
                self._add("DeliveryToIceberg.Success", value, count=count)

    def _add(self, name: str, value: float, **more: Any) -> None:
        self._meter.add(FIREHOSE, name, self._named, value, **more)
