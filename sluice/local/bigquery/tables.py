"""Tables as the REST interface shows them, and tabledata.list."""

from typing import Any

from sluice.local.bigquery.catalog import Catalog, Table
from sluice.local.bigquery.errors import ApiError, invalid
from sluice.local.bigquery.jobs import PAGE_ROWS, Jobs
from sluice.local.bigquery.store import Store
from sluice.local.bigquery.types import quoted, rest_schema
from sluice.local.bigquery.wire import row_encoder


def resource_of(table: Table, catalog: Catalog, jobs: Jobs) -> dict[str, Any]:
    """Return a table's resource; a view's schema is what its query gives now."""
    resource = dict(table.resource)
    if table.view_query is not None:
        try:
            resource["schema"] = rest_schema(jobs.view_columns(table))
        except ApiError:
            # A view outlives the tables that it reads.
            resource.pop("schema", None)
        return resource
    rows = catalog.row_count(table)
    size = catalog.bytes_held(table) if rows else 0
    return {**resource, "numRows": str(rows), "numBytes": str(size)}


def short_resource(table: Table) -> dict[str, Any]:
    """Return what a listing shows of a table."""
    keys = (
        "kind",
        "id",
        "tableReference",
        "type",
        "creationTime",
        "labels",
        "timePartitioning",
        "clustering",
        "view",
    )
    return {key: table.resource[key] for key in keys if key in table.resource}


def list_rows(store: Store, catalog: Catalog, table: Table, options: dict[str, str]) -> dict[str, Any]:
    """Handle tabledata.list."""
    if table.view_query is not None:
        raise invalid(f"Cannot list a table of type VIEW: {table.name}")
    wanted = [name for name in (options.get("selectedFields") or "").split(",") if name]
    fields = [field for field in table.fields if not wanted or field.name in wanted]
    token = options.get("pageToken")
    start = int(token) if token and token.isdigit() else int(options.get("startIndex") or 0)
    size = min(int(options.get("maxResults") or PAGE_ROWS), PAGE_ROWS)
    flag = options.get("formatOptions.useInt64Timestamp", "").lower() == "true"
    encode = row_encoder([field.type for field in fields], int64_timestamps=flag)
    columns = ", ".join(quoted(field.name) for field in fields)
    with store.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table.store_name} LIMIT {size} OFFSET {start}")  # noqa: S608 - quoted
        rows = [encode(row) for row in cursor.fetchall()]
    total = catalog.row_count(table)
    answer: dict[str, Any] = {"kind": "bigquery#tableDataList", "totalRows": str(total), "rows": rows}
    if rows and start + len(rows) < total:
        answer["pageToken"] = str(start + len(rows))
    return answer
