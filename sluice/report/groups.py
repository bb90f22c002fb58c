"""Groups of a metric as a page names them, and what its pickers send back."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sluice.contract.kinds import Kind
from sluice.errors import UsageError
from sluice.metrics import Definition, GroupDefinition
from sluice.report.figures import text
from sluice.report.ranges import Range
from sluice.report.sources import Windows

_BOOLEANS = {"true": True, "false": False}
_PARSERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.INTEGER: int,
    Kind.DECIMAL: Decimal,
    Kind.BOOLEAN: _BOOLEANS.__getitem__,
    Kind.DATE: date.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
}


def texts(group: Mapping[str, Any]) -> list[str | None]:
    """Return a group's values as texts, in the order of its fields; None for a field that was missing."""
    return [text(value) for value in group.values()]


def parse_filter(definition: Definition, given: str | None) -> dict[str, Any]:
    """Read the JSON object of texts, one per chosen field, that the page sends; null is a missing value.

    Raises:
        UsageError: the metric has no such field, or the field no such values.
    """
    if not given:
        return {}
    try:
        document = json.loads(given)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise UsageError(f"group {given}: give a JSON object of field names and values")
    fields = {field.name: field for field in definition.by}
    unknown = [name for name in document if name not in fields]
    if unknown:
        raise UsageError(
            f"{definition.name} is not grouped by {unknown[0]}: its fields are {', '.join(fields) or 'none'}"
        )
    return {name: _value(fields[name], value) for name, value in document.items()}


MOST_VALUES = 50
"""That a picker offers; who looks for another one types more of it."""


def find_values(
    windows: Windows, definition: Definition, field: str | None, typed: str, shown: Range
) -> dict[str, Any]:
    """Return the values of a group field that contain what was typed, those that begin with it first.

    Raises:
        UsageError: the metric has no such field.
    """
    if field not in {each.name for each in definition.by}:
        raise UsageError(f"{definition.name} is not grouped by {field}")
    rows = windows.read(
        definition.name,
        version=definition.version,
        since=shown.since,
        until=shown.until,
        by=(field,),
        step="all",
    )
    found = {texts(row.group)[0] for row in rows}
    wanted = typed.casefold()
    fitting = [value for value in found if wanted in (value or "").casefold()]
    fitting.sort(
        key=lambda value: (not (value or "").casefold().startswith(wanted), value is not None, value or "")
    )
    return {"values": fitting[:MOST_VALUES], "more": max(len(fitting) - MOST_VALUES, 0)}


def _value(field: GroupDefinition, given: Any) -> Any:
    if given is None:
        return None
    try:
        return _PARSERS.get(field.kind, str)(str(given))
    except (ValueError, KeyError, InvalidOperation):
        raise UsageError(f"{field.name}: {given} is no {field.kind.value}") from None
