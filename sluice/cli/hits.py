"""Events that a search found, as a table that fits a narrow terminal."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sluice.cli.output import grid, printable
from sluice.cli.searching import time_column
from sluice.contract.lineage import TAG

if TYPE_CHECKING:
    from rich.table import Table

    from sluice.contract import Contract, EventType

SHOWN_CHARACTERS = 240
"""Of an event in the table: five lines of a narrow terminal. `--json` has all of it."""

WORD = re.compile(r"\w+")
OPERATORS = frozenset({"and", "or", "not", "to"})


def hits_table(
    events: Iterable[Mapping[str, Any]], contract: "Contract", kind: "EventType | None" = None, *, query: str
) -> "Table":
    """Return a row an event: when, of which type unless `kind` says it, and its fields.

    An event is cut, so that the fields come first in which it has what was searched for.
    """
    asked = {word.casefold() for word in WORD.findall(query)} - OPERATORS
    field = time_column([kind] if kind else list(contract.types.values()))
    table = grid()
    table.add_column(field.strip("_").replace("_", " "), no_wrap=True)
    if kind is None:
        table.add_column("type", overflow="fold")
    table.add_column("event", overflow="fold")
    for event in events:
        cells = [Text(printable(_moment(event.get(field))))]
        if kind is None:
            cells.append(Text(printable(str(event.get(TAG.name, "")))))
        rest = {key: each for key, each in event.items() if key not in (field, TAG.name) and key[0] != "_"}
        table.add_row(*cells, Text(_cut(printable(_fields(_found_first(rest, asked))))))
    return table


def _found_first(event: Mapping[str, Any], asked: set[str]) -> dict[str, Any]:
    def elsewhere(field: tuple[str, Any]) -> bool:
        name, value = field
        return name.casefold() not in asked and asked.isdisjoint(WORD.findall(str(value).casefold()))

    return dict(sorted(event.items(), key=elsewhere))


def _moment(value: Any) -> str:
    """Return a time to the second, as `2026-11-21 10:00:00`: an index sorts to the millisecond."""
    return str(value or "")[:19].replace("T", " ")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _fields(event: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in event.items()
        if value is not None
    )
