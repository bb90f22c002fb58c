"""The Lambda that a clock invokes: the audit's books, and what of them is a signal."""

from sluice.audit.function import auditor

handler = auditor()
