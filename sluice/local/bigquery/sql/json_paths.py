"""JSONPath as BigQuery writes it, read strictly and written for DuckDB with each member quoted."""

import re
from typing import Final

from sluice.local.bigquery.errors import invalid_query, unsupported
from sluice.local.bigquery.sql import literals
from sluice.local.bigquery.sql.expr import Expr, computed
from sluice.local.bigquery.types import JSON

_STEP: Final = re.compile(r'\.(?P<bare>[A-Za-z_]\w*)|\."(?P<quoted>[^"\\]+)"|\[(?P<index>\d+)\]', re.ASCII)


def duck_path(path: str, *, bracket_names: bool = False) -> str:
    """Translate a JSONPath literal, e.g. `$.a."b.c"[0]`. Raises ApiError 400."""
    if not path.startswith("$"):
        raise invalid_query(f"JSONPath must start with '$': {path}")
    out = "$"
    position = 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            kind = "A JSONPath with brackets around names" if bracket_names else f"The JSONPath {path!r}"
            raise unsupported(kind)
        name = match["bare"] or match["quoted"]
        out += f"[{match['index']}]" if name is None else f'."{name}"'
        position = match.end()
    return out


def member(expr: Expr, name: str) -> Expr:
    """Return a member of a JSON object, as `value.name` or `value['name']`."""
    if '"' in name or "\\" in name:
        raise unsupported(f"The JSON member name {name!r}")
    return at(expr, f'$."{name}"', name)


def element(expr: Expr, index: int) -> Expr:
    """Return an element of a JSON array."""
    return at(expr, f"$[{index}]", None)


def at(expr: Expr, path: str, name: str | None) -> Expr:
    """Return the JSON at a path that is already DuckDB's."""
    found = computed(f"json_extract({expr.sql}, {literals.text(path)})", JSON, expr, plain=True)
    text = f"CAST({found.sql} AS VARCHAR)"
    return Expr(text, JSON, plain=found.plain, aggregate=found.aggregate, window=found.window, name=name)
