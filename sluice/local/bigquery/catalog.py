"""Datasets, tables and views: the REST resources, and where each table's rows lie in DuckDB."""

import itertools
import re
import threading
import time
from typing import Any, Final

from sluice.local.bigquery.clock import ServerClock
from sluice.local.bigquery.data_size import bytes_sql
from sluice.local.bigquery.errors import ApiError, already_exists, invalid, not_found, unsupported_request
from sluice.local.bigquery.evolution import changes
from sluice.local.bigquery.rows import Compiled
from sluice.local.bigquery.store import Store
from sluice.local.bigquery.types import Field, normal_schema, parse_fields, quoted

_ID: Final = re.compile(r"\w{1,1024}", re.ASCII)
_TABLE_ID: Final = re.compile(r"[\w -]{1,1024}")
_PARTITION_KINDS: Final = frozenset({"TIMESTAMP", "DATE", "DATETIME"})
_GRANULARITIES: Final = frozenset({"HOUR", "DAY", "MONTH", "YEAR"})
_UNSUPPORTED_TABLE_KEYS: Final = (
    "externalDataConfiguration",
    "materializedView",
    "snapshotDefinition",
    "cloneDefinition",
)

Path = tuple[str, str, str]


class Table:
    """A table or a view. `lock` guards its rows' shape: loads and schema changes take turns."""

    def __init__(self, path: Path, resource: dict[str, Any], store_name: str) -> None:
        self.path = path
        self.resource = resource
        self.store_name = store_name
        self.lock = threading.RLock()
        self.insert_ids: dict[str, float] = {}
        self.fields: tuple[Field, ...] = ()
        self.compiled: Compiled | None = None
        self.load_sql = ""

    @property
    def name(self) -> str:
        """The table as BigQuery's messages name it, `project:dataset.table`."""
        project, dataset, table = self.path
        return f"{project}:{dataset}.{table}"

    @property
    def view_query(self) -> str | None:
        """The SQL of a view, None for a table."""
        view = self.resource.get("view")
        return str(view["query"]) if view else None

    @property
    def partition_column(self) -> str | None:
        """The column by whose time the table is partitioned, if any."""
        partitioning = self.resource.get("timePartitioning") or {}
        wanted = partitioning.get("field")
        return next(
            (field.name for field in self.fields if wanted and field.name.lower() == wanted.lower()), None
        )

    @property
    def requires_filter(self) -> bool:
        """Whether each query must filter on the partition column."""
        partitioning = self.resource.get("timePartitioning") or {}
        return bool(self.resource.get("requirePartitionFilter") or partitioning.get("requirePartitionFilter"))

    def reshape(self, fields: tuple[Field, ...]) -> None:
        """Take on a schema: compile what validates and loads rows."""
        self.fields = fields
        if self.view_query is None:
            self.compiled = Compiled(fields, self.partition_column)
            self.load_sql = self.compiled.load_sql(self.store_name)


class Catalog:
    """Everything that exists, of any project."""

    def __init__(self, store: Store, clock: ServerClock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._datasets: dict[tuple[str, str], dict[str, Any]] = {}
        self._tables: dict[Path, Table] = {}

    # Datasets

    def create_dataset(self, project: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create a dataset from its REST resource."""
        dataset = str((body.get("datasetReference") or {}).get("datasetId") or "")
        if not _ID.fullmatch(dataset):
            raise invalid(
                f'Invalid dataset ID "{dataset}". Dataset IDs must be alphanumeric (plus underscores) '
                "and must be at most 1024 characters long."
            )
        with self._lock:
            if (project, dataset) in self._datasets:
                raise already_exists(f"Dataset {project}:{dataset}")
            resource = {
                "location": "US",
                "access": [],
                **body,
                "kind": "bigquery#dataset",
                "id": f"{project}:{dataset}",
                "datasetReference": {"projectId": project, "datasetId": dataset},
                "type": "DEFAULT",
                **self._stamps(),
            }
            self._datasets[(project, dataset)] = resource
            return resource

    def dataset(self, project: str, dataset: str) -> dict[str, Any]:
        """Return a dataset's resource, or raise 404."""
        found = self._datasets.get((project, dataset))
        if found is None:
            raise not_found(f"Dataset {project}:{dataset}")
        return found

    def find_dataset(self, project: str, dataset: str) -> dict[str, Any] | None:
        """Return a dataset's resource, or None."""
        return self._datasets.get((project, dataset))

    def datasets(self, project: str) -> list[dict[str, Any]]:
        """Return the datasets of a project, by id."""
        return [resource for (owner, _), resource in sorted(self._datasets.items()) if owner == project]

    def update_dataset(self, project: str, dataset: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change what is given in a dataset's resource."""
        with self._lock:
            resource = self.dataset(project, dataset)
            kept = {
                key: resource[key] for key in ("kind", "id", "datasetReference", "creationTime", "location")
            }
            resource.update({**body, **kept, **self._touched()})
            return resource

    def delete_dataset(self, project: str, dataset: str, *, contents: bool) -> None:
        """Delete a dataset, with its tables only when asked to."""
        with self._lock:
            self.dataset(project, dataset)
            tables = self.tables(project, dataset)
            if tables and not contents:
                raise ApiError(400, "resourceInUse", f"Dataset {project}:{dataset} is still in use")
            for table in tables:
                self.delete_table(table.path)
            del self._datasets[(project, dataset)]

    # Tables

    def table(self, path: Path) -> Table:
        """Return a table or a view, or raise 404."""
        found = self._tables.get(path)
        if found is None:
            self.dataset(path[0], path[1])
            raise not_found(f"Table {path[0]}:{path[1]}.{path[2]}")
        return found

    def tables(self, project: str, dataset: str) -> list[Table]:
        """Return the tables and views of a dataset, by id."""
        return [table for path, table in sorted(self._tables.items()) if path[:2] == (project, dataset)]

    def create_table(self, project: str, dataset: str, body: dict[str, Any]) -> Table:
        """Create a table or a view from its REST resource."""
        name = str((body.get("tableReference") or {}).get("tableId") or "")
        if not _TABLE_ID.fullmatch(name):
            raise invalid(f'Invalid table ID "{name}".')
        for key in _UNSUPPORTED_TABLE_KEYS:
            if body.get(key):
                raise unsupported_request(f"A table with {key}")
        path = (project, dataset, name)
        with self._lock:
            self.dataset(project, dataset)
            if path in self._tables:
                raise already_exists(f"Table {project}:{dataset}.{name}")
            table = Table(path, self._new_resource(path, body), f"data.main.t{next(self._numbers)}")
            fields = parse_fields((body.get("schema") or {}).get("fields") or [])
            if table.view_query is None:
                _check_partitioning(body, fields)
                if not fields:
                    raise unsupported_request("A table without a schema")
                columns = ", ".join(f"{quoted(field.name)} {field.type.duck}" for field in fields)
                self._store.run(f"CREATE TABLE {table.store_name} ({columns})")
                table.resource["schema"] = {"fields": normal_schema(body["schema"]["fields"])}
            table.reshape(fields)
            self._tables[path] = table
            return table

    def update_table(self, path: Path, body: dict[str, Any]) -> Table:
        """Change a table as tables.patch does: columns may be added or relaxed, never dropped or narrowed."""
        table = self.table(path)
        with self._lock, table.lock:
            wanted = (body.get("schema") or {}).get("fields")
            if wanted is not None and table.view_query is None:
                fields = parse_fields(wanted)
                for statement in changes(table.name, table.store_name, table.fields, fields):
                    self._store.run(statement)
                table.resource["schema"] = {"fields": normal_schema(wanted)}
                table.reshape(fields)
            fixed = {"kind", "id", "tableReference", "creationTime", "type", "schema", "etag"}
            table.resource.update({key: value for key, value in body.items() if key not in fixed})
            table.resource.update(self._touched())
            return table

    def delete_table(self, path: Path) -> None:
        """Delete a table and its rows, or a view."""
        with self._lock:
            table = self.table(path)
            del self._tables[path]
            if table.view_query is None:
                with table.lock:
                    self._store.run(f"DROP TABLE {table.store_name}")

    def row_count(self, table: Table) -> int:
        """Return how many rows a table holds; 0 for a view."""
        return 0 if table.view_query is not None else self._store.count(table.store_name)

    def bytes_held(self, table: Table) -> int:
        """Return how many bytes a table's rows have, as BigQuery counts them."""
        columns = [(field.name, field.type) for field in table.fields]
        with self._store.cursor() as cursor:
            found = cursor.execute(bytes_sql(columns, table.store_name)).fetchone()
        return int(found[0]) if found else 0

    def _new_resource(self, path: Path, body: dict[str, Any]) -> dict[str, Any]:
        project, dataset, name = path
        resource = {
            **body,
            "kind": "bigquery#table",
            "id": f"{project}:{dataset}.{name}",
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": name},
            "type": "VIEW" if body.get("view") else "TABLE",
            "location": self.dataset(project, dataset)["location"],
            **self._stamps(),
        }
        if body.get("view"):
            resource["view"] = {"useLegacySql": False, **body["view"]}
            if resource["view"].get("useLegacySql"):
                raise unsupported_request("A view in legacy SQL")
        return resource

    def _stamps(self) -> dict[str, str]:
        now = str(int(self._clock.now().timestamp() * 1000))
        return {"creationTime": now, **self._touched()}

    def _touched(self) -> dict[str, str]:
        now = str(int(self._clock.now().timestamp() * 1000))
        return {"lastModifiedTime": now, "etag": f"{time.monotonic_ns():x}"}


def _check_partitioning(body: dict[str, Any], fields: tuple[Field, ...]) -> None:
    if body.get("rangePartitioning"):
        raise unsupported_request("Range partitioning")
    partitioning = body.get("timePartitioning")
    if partitioning:
        granularity = partitioning.get("type")
        if granularity not in _GRANULARITIES:
            raise invalid(f"Invalid time partitioning type {granularity}: HOUR, DAY, MONTH or YEAR")
        wanted = partitioning.get("field")
        column = next((field for field in fields if wanted and field.name.lower() == wanted.lower()), None)
        if wanted and column is None:
            raise invalid(f"The field specified for partitioning cannot be found in the schema: {wanted}")
        if column is not None and (column.kind not in _PARTITION_KINDS or column.mode == "REPEATED"):
            raise invalid(
                f"The field specified for partitioning must be a TIMESTAMP, DATE or DATETIME column: {wanted}"
            )
    for name in (body.get("clustering") or {}).get("fields", []):
        if not any(field.name.lower() == name.lower() for field in fields):
            raise invalid(f"The field specified for clustering cannot be found in the schema: {name}")
