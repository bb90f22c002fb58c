"""The kinds of values that a contract knows, and the modes that a column can have."""

from enum import StrEnum

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


class Kind(StrEnum):
    """A value's kind; its text is the type's name in BigQuery's REST schema.

    The names are those that BigQuery answers with (INTEGER, not INT64), so that a provider comparing the two
    sees no difference: cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema (as of 2025).
    A DECIMAL is NUMERIC or, on request, BIGNUMERIC.
    """

    STRING = "STRING"
    INTEGER = "INTEGER"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
    DECIMAL = "NUMERIC"
    TIMESTAMP = "TIMESTAMP"
    DATE = "DATE"
    JSON = "JSON"
    STRUCT = "RECORD"


class Mode(StrEnum):
    """Whether a column must be there, may be null, or holds a list."""

    REQUIRED = "REQUIRED"
    NULLABLE = "NULLABLE"
    REPEATED = "REPEATED"
