"""Which names a column, a table and an event type may have.

Source: cloud.google.com/bigquery/docs/schemas#column_names (as of 2025): letters, digits and underscores, at
most 300 characters, no two that differ in case only, and some reserved prefixes. All of those start with an
underscore, which Sluice keeps for its own columns, so that later ones never collide with a user's.
"""

import keyword
import re
from collections.abc import Iterable

from sluice.errors import ContractError

MAX_COLUMN_NAME = 300
MAX_TYPE_NAME = 128
"""Sluice's own limit: a type's name is part of resource names, messages and metrics."""

TYPE_COLUMN = "type"
RESERVED_TABLES = frozenset({"dead_letters", "window_segments", "window_watermarks"})

_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_.\-/:]*\Z")


def wire_name(attribute: str) -> str:
    """The name in JSON and in BigQuery: `class_` is sent as `class`, because Python reserves the word."""
    bare = attribute[:-1]
    return bare if attribute.endswith("_") and keyword.iskeyword(bare) else attribute


def check_column(name: str, where: str, *, nested: bool) -> None:
    """Refuse a name that BigQuery does not take, or that Sluice needs itself."""
    if name.lower() == TYPE_COLUMN and not nested:
        raise ContractError(
            f"{where}: the name `{TYPE_COLUMN}`, in any case, is taken by the tag that tells event types "
            f"apart; rename it"
        )
    if name.startswith("_"):
        raise ContractError(
            f"{where}: a leading underscore is kept for Sluice's and BigQuery's own columns; rename it"
        )
    if not _COLUMN.match(name) or len(name) > MAX_COLUMN_NAME:
        raise ContractError(
            f"{where}: BigQuery takes names of ASCII letters, digits and underscores, starting with a letter "
            f"and of at most {MAX_COLUMN_NAME} characters; rename it"
        )


def check_type(name: str, where: str) -> None:
    """Refuse a tag that is empty, too long or has characters that would need escaping somewhere."""
    if not isinstance(name, str) or not _TYPE.match(name) or len(name) > MAX_TYPE_NAME:
        raise ContractError(
            f"{where}: type={name!r} is not usable; use letters, digits, `_`, `.`, `-`, `/` and `:`, "
            f"starting with a letter, at most {MAX_TYPE_NAME} characters"
        )


def check_table(name: str, where: str) -> None:
    """Refuse a table id that BigQuery or Sluice's own tables would not allow."""
    if name.lower() in RESERVED_TABLES:
        raise ContractError(f"{where}: the table `{name}` is Sluice's own; choose another with table=...")
    if not isinstance(name, str) or not _COLUMN.match(name) or len(name) > MAX_COLUMN_NAME:
        raise ContractError(
            f"{where}: `{name}` is not usable as a table; use letters, digits and underscores, starting "
            f"with a letter, or choose one with table=..."
        )


def check_distinct(names: Iterable[str], where: str) -> None:
    """Refuse two names that differ in case only: BigQuery would take them for one."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            raise ContractError(
                f"{where}: `{other}` and `{name}` are one column to BigQuery; rename one of them"
            )
