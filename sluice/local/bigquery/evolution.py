"""Schema changes that BigQuery makes in place, and its refusal of all others.

Additions of NULLABLE or REPEATED columns, and REQUIRED relaxed to NULLABLE:
https://cloud.google.com/bigquery/docs/managing-table-schemas (read in November 2026).
"""

from sluice.local.bigquery.errors import ApiError, invalid
from sluice.local.bigquery.types import Field, quoted

# A column's type may be changed in place to these.
_WIDER = {
    "INT64": frozenset({"NUMERIC", "BIGNUMERIC", "FLOAT64"}),
    "NUMERIC": frozenset({"BIGNUMERIC", "FLOAT64"}),
}


def changes(name: str, store_name: str, old: tuple[Field, ...], new: tuple[Field, ...]) -> list[str]:
    """Return the DuckDB statements that change a table's schema in place, or raise ApiError 400."""
    return [f"ALTER TABLE {store_name} {clause}" for clause in _clauses(name, old, new, ())]


def _clauses(table: str, old: tuple[Field, ...], new: tuple[Field, ...], path: tuple[str, ...]) -> list[str]:
    wanted = {field.name.lower(): field for field in new}
    had = {field.name.lower(): field for field in old}
    for field in old:
        if field.name.lower() not in wanted:
            raise _mismatch(table, f"Field {_dotted(path, field)} is missing in new schema")
    out: list[str] = []
    for field in new:
        before = had.get(field.name.lower())
        column = ".".join(quoted(step) for step in (*path, field.name))
        if before is None:
            if field.mode == "REQUIRED":
                detail = f"Cannot add required fields to an existing schema. (field: {_dotted(path, field)})"
                raise _mismatch(table, detail)
            default = " DEFAULT []" if field.mode == "REPEATED" and not path else ""
            out.append(f"ADD COLUMN {column} {field.type.duck}{default}")
            continue
        if before.mode != field.mode and (before.mode, field.mode) != ("REQUIRED", "NULLABLE"):
            detail = f"Field {_dotted(path, field)} has changed mode from {before.mode} to {field.mode}"
            raise _mismatch(table, detail)
        if before.kind != field.kind:
            if field.kind not in _WIDER.get(before.kind, frozenset()) or path:
                detail = f"Field {_dotted(path, field)} has changed type from {before.kind} to {field.kind}"
                raise _mismatch(table, detail)
            out.append(f"ALTER COLUMN {column} SET DATA TYPE {field.type.duck}")
        elif field.kind == "STRUCT":
            inside = (*path, field.name, "element") if field.mode == "REPEATED" else (*path, field.name)
            out += _clauses(table, before.fields, field.fields, inside)
    return out


def _dotted(path: tuple[str, ...], field: Field) -> str:
    return ".".join((*(step for step in path if step != "element"), field.name))


def _mismatch(table: str, detail: str) -> ApiError:
    return invalid(f"Provided Schema does not match Table {table}. {detail}")
