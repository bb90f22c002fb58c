"""Routes at work: functions that take the events for which a route's SQL is TRUE.

    from sluice.router import DELIVERED, Rejected, Retry, RoutedEvent, routed

`handler = routed(pipeline, take)` makes a Lambda of your own function `take`; `router(pipeline)` is the
handler of `functions/router`, which feeds a route's stream, queue or Firehose. Both are sinks like any other:
contract, dead letters, ledger, redrive.
"""

from sluice.delivery.outcomes import DELIVERED, SKIPPED, Outcome, Rejected, Retry, Skipped
from sluice.delivery.outcomes import Accepted as RoutedEvent
from sluice.router.function import routed, router

__all__ = [
    "DELIVERED",
    "SKIPPED",
    "Outcome",
    "Rejected",
    "Retry",
    "RoutedEvent",
    "Skipped",
    "routed",
    "router",
]
