"""The types of BigQuery's SQL that filters know, and the dates and times that literals say.

cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules (as of 2025).
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

from sluice.contract.bounds import BIGNUMERIC_DIGITS, BIGNUMERIC_SCALE, NUMERIC_DIGITS, NUMERIC_SCALE
from sluice.contract.columns import Column
from sluice.contract.kinds import Kind
from sluice.errors import ContractError


class Type(StrEnum):
    """A type, by its name in SQL."""

    STRING = "STRING"
    INT64 = "INT64"
    NUMERIC = "NUMERIC"
    BIGNUMERIC = "BIGNUMERIC"
    FLOAT64 = "FLOAT64"
    BOOL = "BOOL"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    STRUCT = "STRUCT"
    JSON = "JSON"
    NULL = "NULL"


NUMBERS = (Type.INT64, Type.NUMERIC, Type.BIGNUMERIC, Type.FLOAT64)
"""Each coerces to those after it."""
DECIMALS = {
    Type.NUMERIC: (NUMERIC_DIGITS, NUMERIC_SCALE),
    Type.BIGNUMERIC: (BIGNUMERIC_DIGITS, BIGNUMERIC_SCALE),
}
"""Digits before and after the point."""
COMPARABLE = frozenset({*NUMBERS, Type.STRING, Type.BOOL, Type.TIMESTAMP, Type.DATE})

_OF_KIND = {
    Kind.STRING: Type.STRING,
    Kind.INTEGER: Type.INT64,
    Kind.FLOAT: Type.FLOAT64,
    Kind.BOOLEAN: Type.BOOL,
    Kind.DECIMAL: Type.NUMERIC,
    Kind.TIMESTAMP: Type.TIMESTAMP,
    Kind.DATE: Type.DATE,
    Kind.JSON: Type.JSON,
    Kind.STRUCT: Type.STRUCT,
}
_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})\Z")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[ Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.([0-9]{0,6}))?)?"
    r"(?:([Zz]| UTC)|([+-])(?P<hours>[0-9]{1,2})(?::([0-5][0-9]))?)?\Z"
)
_MOST_HOURS = 14
"""Of an offset from UTC."""


def type_of(column: Column) -> Type:
    """The type of a column, or of the items of a list."""
    if column.kind is Kind.DECIMAL and column.spec.bignumeric:
        return Type.BIGNUMERIC
    return _OF_KIND[column.kind]


def parse_date(text: str) -> date:
    """The DATE that a literal says.

    Raises:
        ContractError: it says none.
    """
    found = _DATE.match(text)
    try:
        if found:
            return date(*map(int, found.groups()))
    except ValueError:
        pass
    raise ContractError(f"{text!r} is no DATE; write it as '2024-03-31'")


def parse_timestamp(text: str) -> datetime:
    """The TIMESTAMP that a literal says, in UTC; without an offset it is UTC, as in BigQuery.

    Raises:
        ContractError: it says none, or names a zone rather than an offset.
    """
    found = _TIMESTAMP.match(text)
    if found and int(found["hours"] or 0) <= _MOST_HOURS:
        year, month, day, hour, minute, second, fraction, _, sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        try:
            moment = datetime(
                int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
                int((fraction or "").ljust(6, "0")),
                tzinfo=timezone(-offset if sign == "-" else offset),
            )  # fmt: skip
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ContractError(
        f"{text!r} is no TIMESTAMP; write it as '2024-03-31 10:00:00Z' or '2024-03-31 10:00:00+02:00'"
    )
