"""Delivery: one invocation from records to books that balance."""

from sluice.delivery.books import LedgerReader
from sluice.delivery.entries import Entry
from sluice.delivery.latency import latency_ms
from sluice.delivery.ledger import Ledger
from sluice.delivery.outcomes import (
    DELIVERED,
    SKIPPED,
    Accepted,
    Delivered,
    Outcome,
    Rejected,
    Retry,
    Sink,
    Skipped,
)
from sluice.delivery.processor import Processor
from sluice.delivery.verdicts import Report

__all__ = [
    "DELIVERED",
    "SKIPPED",
    "Accepted",
    "Delivered",
    "Entry",
    "Ledger",
    "LedgerReader",
    "Outcome",
    "Processor",
    "Rejected",
    "Report",
    "Retry",
    "Sink",
    "Skipped",
    "latency_ms",
]
