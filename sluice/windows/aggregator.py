"""The aggregator: a Lambda handler that counts each record of a shard into its windows exactly once.

Lambda calls it for the batches of a tumbling window, the schedule for the census, and `sluice dlq redrive`
with records that were refused. `sluice.windows.tumbling` does the first, and says how it is exact.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sluice.deadline import LambdaContext
from sluice.delivery.times import Times
from sluice.errors import told
from sluice.windows.call import Call
from sluice.windows.census import Census
from sluice.windows.definitions import Definitions
from sluice.windows.redrive import Redriver
from sluice.windows.reports import WindowReport
from sluice.windows.tumbling import Tumbling

SCHEDULED = "aws.events"
"""The source of EventBridge's scheduled events."""


class Aggregator:
    """A Lambda handler: call it with Lambda's event and context.

    Raises DeliveryError when a record could not be settled: nothing is lost, and Lambda repeats the call.
    """

    def __init__(
        self,
        tumbling: Tumbling,
        *,
        census: Census,
        definitions: Definitions,
        redriver: Redriver,
        report: Callable[[WindowReport], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tumbling = tumbling
        self._census = census
        self._definitions = definitions
        self._redriver = redriver
        self._report = report
        self._now = now
        self._clock = clock
        self._sleep = sleep
        self._watermark: int | None = None

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Handle one invocation; the answer to a call of a tumbling window is its state, and nothing else."""
        times = Times.of(context, self._clock, self._sleep)
        scheduled = event.get("source") == SCHEDULED
        self._definitions.ensure(times.sink, anew=scheduled)
        if scheduled:
            return self._scheduled(times)
        if event.get("redrive") is True:
            return self._redriver.redrive(event, times, self._report)
        return self._count(Call.of(event), times)

    def _count(self, call: Call, times: Times) -> dict[str, Any]:
        """Take a call's records in. Whatever happens is reported; what cannot be settled is raised."""
        report = WindowReport(call.shard)
        if call.records:
            report.first, report.last = call.records[0].position, call.records[-1].position
            report.oldest = min(record.arrived_at for record in call.records)
        try:
            state = self._tumbling.take(call, times, report)
        except Exception as error:
            report.failed = report.trouble = told(error)
            report.retried = len(call.records)
            raise
        else:
            if report.segments:
                self._take_census(times, report, ask=False)
            return {"state": state}
        finally:
            self._report(report)

    def _scheduled(self, times: Times) -> dict[str, Any]:
        report = WindowReport()
        watermark = self._take_census(times, report, ask=True)
        self._report(report)
        return {"watermark": watermark}

    def _take_census(self, times: Times, report: WindowReport, *, ask: bool) -> int | None:
        """Take the watermark; one that fails is taken again at the next commit or minute.

        Until then the lag is that of the newest one that is known here.
        """
        try:
            watermark = self._census.take(times.books, ask=ask)
        except Exception as error:  # noqa: BLE001 - the records are settled, whatever became of the watermark
            report.trouble = f"the watermark was not taken: {told(error)}"
            report.unwatermarked = True
            watermark = None
        self._watermark = self._watermark if watermark is None else watermark
        if self._watermark is not None:
            report.lag = self._now().timestamp() - self._watermark / 1000
        return watermark
