"""Kinesis records as Lambda hands them over."""

from sluice.records.record import Record, records_of

__all__ = ["Record", "records_of"]
