"""Kinesis records as Lambda hands them over."""

from sluice.records.record import Record, packed, readable, records_of, unpacked

__all__ = ["Record", "packed", "readable", "records_of", "unpacked"]
