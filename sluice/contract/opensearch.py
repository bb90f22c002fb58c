"""What OpenSearch is told: the mapping of an event type's index.

A field's mapping follows from its kind alone. Rules (lengths, bounds, choices) may change with the contract,
a field that is mapped cannot; and no event that the contract accepts may be refused for what it holds.

Sources (docs.opensearch.org, "Supported field types", read 2026-11; tried on OpenSearch 2.19):

- A string is `text` for words, and `.keyword` for exact matches, sorting and counting. Lucene takes no term
  beyond 32,766 bytes and would refuse the whole document; `ignore_above` leaves long values out of it.
- An instant is a `date`: kept to the millisecond for searching and sorting, to the microsecond in `_source`.
  `date_nanos` would keep them all, but refuses what is not between 1970 and 2262.
- A Decimal is a `double`: ranges and sums to some 15 digits, exact in `_source`. `scaled_float` overflows far
  below the 29 digits of a NUMERIC, and `keyword` has no ranges.
- Free JSON is indexed as its text, so that every word in it is found. `flat_object` takes objects only and
  refuses documents with long values; `object` with `enabled: false` finds nothing.
- Lists of structs are plain `object`s: `nested` makes a hidden document of each item, at most 10,000 for one
  event, and is found by nested queries only, which query strings and dashboards do not write.
- `dynamic: false`: fields that the mapping does not know, from a newer contract, are kept and not indexed.
"""

from typing import TYPE_CHECKING, Any

from sluice.contract.columns import Column
from sluice.contract.kinds import Kind
from sluice.contract.lineage import TAG, table_columns

if TYPE_CHECKING:
    from sluice.contract.contract import EventType

MAX_TERM_BYTES = 32_766
"""Lucene's IndexWriter.MAX_TERM_LENGTH."""
IGNORE_ABOVE = 8_191
"""Characters: at four bytes each they stay within a term."""
DEFAULT_FIELDS = 1_000
"""`index.mapping.total_fields.limit` unless an index sets it."""

_KEYWORD: dict[str, Any] = {"type": "keyword", "ignore_above": IGNORE_ABOVE}
_PLAIN: dict[Kind, dict[str, Any]] = {
    Kind.STRING: {"type": "text", "fields": {"keyword": _KEYWORD}},
    Kind.INTEGER: {"type": "long"},
    Kind.FLOAT: {"type": "double"},
    Kind.DECIMAL: {"type": "double"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.TIMESTAMP: {"type": "date"},
    Kind.DATE: {"type": "date", "format": "strict_date"},
    Kind.JSON: {"type": "text"},
}


def properties(event_type: "EventType") -> dict[str, Any]:
    """The mapping's `properties`, by field: the type, the event's own fields and the lineage."""
    return _properties(table_columns(event_type.columns))


def mapping(event_type: "EventType") -> dict[str, Any]:
    """The whole mapping of an index, as a template's `mappings` take it."""
    return {"dynamic": False, "properties": properties(event_type)}


def field_limit(event_type: "EventType") -> int:
    """What `index.mapping.total_fields.limit` is to be: twice the fields, so that others can be added."""
    return max(DEFAULT_FIELDS, 2 * _count(properties(event_type)))


def _properties(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {column.name: _field(column) for column in columns}


def _field(column: Column) -> dict[str, Any]:
    if column.kind is Kind.STRUCT:
        return {"type": "object", "dynamic": False, "properties": _properties(column.columns)}
    if column is TAG or (column.name.startswith("_") and column.kind is Kind.STRING):
        return dict(_KEYWORD)
    return dict(_PLAIN[column.kind])


def _count(fields: dict[str, Any]) -> int:
    """How many fields OpenSearch counts: objects and multi-fields are fields, too."""
    return sum(1 + _count(one.get("properties", {})) + len(one.get("fields", ())) for one in fields.values())
