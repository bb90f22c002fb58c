"""What Lambda and EventBridge measure: invocations, mappings, schedules.

By the Lambda developer guide ("Types of metrics for Lambda functions", "Event source mapping metrics") and
EventBridge's user guide ("Monitoring Amazon EventBridge"). A mapping's event counts come only where its
`metricsConfig` asks for them, under its UUID. `FailedInvokeEventCount` counts a partial answer's records from
the lowest failure on: that they come again is documented, how they are counted is not. What an on-failure
destination took is delivered, and not dropped; as every mapping here has one, nothing is.
"""

from typing import Final, Protocol

from sluice.local.mapping_event import lowest_failure
from sluice.local.mapping_types import Invocation, Invoke, MappingConfig, Report, Verdict
from sluice.local.watch.emf import points_of
from sluice.local.watch.points import Points

LAMBDA: Final = "AWS/Lambda"
EVENTS: Final = "AWS/Events"


class Meter(Protocol):
    """Takes what is measured."""

    def add(
        self,
        namespace: str,
        name: str,
        dimensions: dict[str, str],
        value: float,
        *,
        unit: str = "Count",
        count: float = 1,
    ) -> None:
        """Take a value of this moment."""
        ...

    def take(self, points: list[Points]) -> None:
        """Take points as a function's log has them."""
        ...


class Unmeasured:
    """Takes everything and keeps nothing."""

    def add(
        self,
        namespace: str,
        name: str,
        dimensions: dict[str, str],
        value: float,
        *,
        unit: str = "Count",
        count: float = 1,
    ) -> None:
        """Forget a value."""

    def take(self, points: list[Points]) -> None:
        """Forget points."""


class InvocationMeter:
    """The metrics of functions."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def throttled(self, function: str) -> None:
        """Count an invocation that was refused for concurrency."""
        self._meter.add(LAMBDA, "Throttles", {"FunctionName": function}, 1)

    def running(self, function: str, count: int) -> None:
        """Note how many invocations of a function run at once, this one among them."""
        named = {"FunctionName": function}
        self._meter.add(LAMBDA, "ConcurrentExecutions", named, count)
        self._meter.add(LAMBDA, "Throttles", named, 0)

    def ended(self, function: str, seconds: float, verdict: Verdict) -> None:
        """Count an invocation that was made, however it ended."""
        named = {"FunctionName": function}
        self._meter.add(LAMBDA, "Invocations", named, 1)
        self._meter.add(LAMBDA, "Errors", named, int(verdict is not Verdict.ANSWERED))
        self._meter.add(LAMBDA, "Duration", named, round(seconds * 1000, 2), unit="Milliseconds")

    def printed(self, line: bytes) -> None:
        """Take the metrics out of a line of a function's log."""
        found = points_of(line)
        if found:
            self._meter.take(found)


class MappingMeter:
    """The metrics of one event-source mapping."""

    def __init__(self, meter: Meter, config: MappingConfig) -> None:
        self._meter = meter
        self._config = config
        self._function = {"FunctionName": config.function}
        self._mapping = {"EventSourceMappingUUID": config.uuid}

    def sent(self, work: Invoke, now: float) -> None:
        """Note how old a batch's last record is when the function is invoked; a final call has none."""
        if work.records:
            age = max(0.0, now - work.records[-1].arrived) * 1000
            self._meter.add(LAMBDA, "IteratorAge", self._function, round(age), unit="Milliseconds")

    def invoked(self, work: Invoke, result: Invocation) -> None:
        """Count a batch's events, and those that come again."""
        if not self._config.counts_events or result.verdict is Verdict.THROTTLED:
            return
        count = len(work.records)
        self._events("InvokedEventCount", count)
        if result.verdict is not Verdict.ANSWERED:
            self._events("FailedInvokeEventCount", count)
        elif self._config.report_failures:
            failed = lowest_failure(result.payload, work.records)
            self._events("FailedInvokeEventCount", 0 if failed is None else count - failed)

    def polled(self, events: int, filtered: int) -> None:
        """Count what a read found, nothing included, and what the filter left out of it."""
        if self._config.counts_events:
            self._events("PolledEventCount", events)
            self._events("FilteredOutEventCount", filtered)

    def reported(self, work: Report, *, sent: bool) -> None:
        """Count what went to the on-failure destination, or a destination that did not take it."""
        if not sent:
            self._meter.add(LAMBDA, "DestinationDeliveryFailures", self._function, 1)
        elif self._config.counts_events:
            info = work.message.get("KinesisBatchInfo") or work.message.get("DDBStreamBatchInfo") or {}
            self._events("OnFailureDestinationDeliveredEventCount", int(info.get("batchSize", 0)))

    def _events(self, name: str, count: int) -> None:
        self._meter.add(LAMBDA, name, self._mapping, count)


class RuleMeter:
    """The metrics of one scheduled rule."""

    def __init__(self, meter: Meter, rule_arn: str) -> None:
        self._meter = meter
        self._rule = {"RuleName": rule_arn.rpartition("/")[2]}

    def fired(self, *, delivered: bool) -> None:
        """Count one time that the rule matched, and whether its target could be invoked at all."""
        self._meter.add(EVENTS, "TriggeredRules", self._rule, 1)
        self._meter.add(EVENTS, "Invocations", self._rule, 1)
        if not delivered:
            self._meter.add(EVENTS, "FailedInvocations", self._rule, 1)
