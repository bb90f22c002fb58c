"""A sample, yours to change: the Lambda of the routes `payments` and `refunds`. It counts money by currency.

docs/routes.md explains it.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from pipeline import Transaction, pipeline
from sluice.router import RoutedEvent, routed

ROUTE, ENVIRONMENT = os.environ["SLUICE_ROUTE"], os.environ["SLUICE_ENVIRONMENT"]
NAMESPACE = "Transactions"
"""Figures of one's own stand apart from Sluice's."""

logger = Logger()


def take(events: Sequence[RoutedEvent]) -> None:
    """Add up the transactions of each currency; all are taken, or an error lets them come again."""
    counts: Counter[str] = Counter()
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for each in events:
        if isinstance(each.event, Transaction):
            counts[each.event.currency] += 1
            totals[each.event.currency] += each.event.amount
    for currency, count in counts.items():
        _measure("Transactions", MetricUnit.Count, count, currency)
        _measure("Amount", MetricUnit.NoUnit, float(totals[currency]), currency)
    logger.info("transactions taken", extra={"count": len(events), "by_currency": counts})
    logger.debug("their ids", extra={"event_ids": [each.event_id for each in events]})


def _measure(name: str, unit: MetricUnit, value: float, currency: str) -> None:
    with single_metric(name, unit, value, namespace=NAMESPACE) as metric:
        metric.add_dimension("environment", ENVIRONMENT)
        metric.add_dimension("route", ROUTE)
        metric.add_dimension("currency", currency)


handler = routed(pipeline, take)
