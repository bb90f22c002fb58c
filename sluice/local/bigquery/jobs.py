"""Query jobs: each runs to its end before it is answered, its rows kept in DuckDB for paging."""

import datetime as dt
import re
import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from sluice.local.bigquery.catalog import Catalog, Table
from sluice.local.bigquery.clock import ServerClock
from sluice.local.bigquery.errors import ApiError, invalid_query, not_found, unsupported_request
from sluice.local.bigquery.metadata import information_schema
from sluice.local.bigquery.parameters import read_parameters
from sluice.local.bigquery.sql.binder import Binder
from sluice.local.bigquery.sql.translate import AddColumns, CreateView, Selection, translate
from sluice.local.bigquery.store import Store
from sluice.local.bigquery.types import Type, rest_schema
from sluice.local.bigquery.wire import row_encoder

# Results are kept for paging until this many later queries have run, or later results hold this many rows.
KEPT_RESULTS: Final = 50
KEPT_ROWS: Final = 200_000
PAGE_ROWS: Final = 10_000
_TOLD: Final = re.compile(
    r"Invalid Input Error: (Python exception occurred while executing the UDF: \w+: )?"
    r"|Out of Range Error: |Conversion Error: "
)
"""What DuckDB puts before a message that says what was wrong with the values."""
_UNSUPPORTED: Final = (
    "destinationEncryptionConfiguration",
    "tableDefinitions",
    "userDefinedFunctionResources",
    "timePartitioning",
    "rangePartitioning",
)


@dataclass(slots=True)
class Job:
    """A query that has ended."""

    project: str
    job_id: str
    configuration: dict[str, Any]
    started: dt.datetime
    ended: dt.datetime
    kind: str = "SELECT"
    columns: list[tuple[str, Type]] = field(default_factory=list)
    result: str | None = None
    rows: int = 0
    error: ApiError | None = None
    referenced: list[tuple[str, str, str]] = field(default_factory=list)

    def resource(self) -> dict[str, Any]:
        """Return the job as the REST interface shows it."""
        start, end = (str(int(moment.timestamp() * 1000)) for moment in (self.started, self.ended))
        status: dict[str, Any] = {"state": "DONE"}
        if self.error is not None:
            status |= {"errorResult": self.error.proto(), "errors": [self.error.proto()]}
        tables = [{"projectId": p, "datasetId": d, "tableId": t} for p, d, t in self.referenced]
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:US.{self.job_id}",
            "jobReference": self.reference,
            "configuration": self.configuration,
            "status": status,
            "statistics": {
                "creationTime": start,
                "startTime": start,
                "endTime": end,
                "totalBytesProcessed": "0",
                "query": {
                    "statementType": self.kind,
                    "totalBytesProcessed": "0",
                    "totalBytesBilled": "0",
                    "cacheHit": False,
                    "schema": rest_schema(self.columns),
                    "referencedTables": tables,
                },
            },
        }

    @property
    def reference(self) -> dict[str, str]:
        """The job's reference."""
        return {"projectId": self.project, "jobId": self.job_id, "location": "US"}


class Jobs:
    """Runs queries and keeps their results for a while."""

    def __init__(self, store: Store, catalog: Catalog, clock: ServerClock) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: OrderedDict[tuple[str, str], Job] = OrderedDict()

    def insert(self, project: str, body: dict[str, Any]) -> dict[str, Any]:
        """Handle jobs.insert; a query that fails is a job with an error, as in BigQuery."""
        configuration = body.get("configuration") or {}
        query = configuration.get("query")
        if query is None:
            kinds = [kind for kind in ("load", "copy", "extract") if kind in configuration]
            raise unsupported_request(f"A {kinds[0]} job" if kinds else "A job that is no query")
        for key in _UNSUPPORTED:
            if query.get(key):
                raise unsupported_request(f"A query job with {key}")
        destination = query.get("destinationTable")
        if destination and not str(destination.get("datasetId", "")).startswith("_"):
            raise unsupported_request("A query job with destinationTable")
        job_id = (body.get("jobReference") or {}).get("jobId")
        if job_id and (project, job_id) in self._jobs:
            raise ApiError(409, "duplicate", f"Already Exists: Job {project}:US.{job_id}")
        dry_run = bool(configuration.get("dryRun"))
        job = self._run(project, query, job_id, {**configuration, "jobType": "QUERY"}, dry_run=dry_run)
        if job.error is not None and dry_run:
            raise job.error
        return job.resource()

    def query(self, project: str, body: dict[str, Any]) -> dict[str, Any]:
        """Handle jobs.query; a query that fails is an HTTP error."""
        dry_run = bool(body.get("dryRun"))
        job = self._run(project, body, None, {"jobType": "QUERY", "query": body}, dry_run=dry_run)
        if job.error is not None:
            raise job.error
        options = body.get("formatOptions") or {}
        if dry_run:
            return {
                "kind": "bigquery#queryResponse",
                "schema": rest_schema(job.columns),
                "jobReference": {"projectId": project, "location": "US"},
                "totalBytesProcessed": "0",
                "jobComplete": True,
                "cacheHit": False,
            }
        answer = self._page(
            job, 0, body.get("maxResults"), int64_timestamps=_flag(options.get("useInt64Timestamp"))
        )
        return {**answer, "kind": "bigquery#queryResponse"}

    def results(self, project: str, job_id: str, options: dict[str, str]) -> dict[str, Any]:
        """Handle jobs.getQueryResults."""
        job = self.get(project, job_id)
        if job.error is not None:
            raise job.error
        token = options.get("pageToken")
        start = int(token) if token and token.isdigit() else int(options.get("startIndex") or 0)
        int64_timestamps = _flag(options.get("formatOptions.useInt64Timestamp"))
        answer = self._page(job, start, options.get("maxResults"), int64_timestamps=int64_timestamps)
        return {**answer, "kind": "bigquery#getQueryResultsResponse"}

    def get(self, project: str, job_id: str) -> Job:
        """Return a job, or raise 404."""
        job = self._jobs.get((project, job_id))
        if job is None:
            raise not_found(f"Job {project}:{job_id}")
        return job

    def listed(self, project: str) -> list[dict[str, Any]]:
        """Return the jobs of a project, newest first."""
        return [job.resource() for job in reversed(self._jobs.values()) if job.project == project]

    def view_columns(self, table: Table) -> list[tuple[str, Type]]:
        """Return the columns that a view gives now. Raises ApiError where it cannot be read."""
        statement = translate(self._binder(table.path[0], {}), table.view_query or "")
        return statement.columns if isinstance(statement, Selection) else []

    def _run(
        self,
        project: str,
        query: dict[str, Any],
        job_id: str | None,
        configuration: dict[str, Any],
        *,
        dry_run: bool,
    ) -> Job:
        started = self._clock.now()
        job = Job(project, job_id or f"job_{uuid.uuid4().hex}", configuration, started, started)
        try:
            self._execute(job, query, dry_run=dry_run)
        except ApiError as error:
            job.error = error
        job.ended = self._clock.now()
        if not dry_run:
            self._keep(job)
        return job

    def _execute(self, job: Job, query: dict[str, Any], *, dry_run: bool) -> None:
        if query.get("useLegacySql", True):
            raise invalid_query(
                "Legacy SQL is not supported by the local BigQuery: send useLegacySql as false"
            )
        binder = self._binder(job.project, query)
        statement = translate(binder, str(query.get("query") or ""))
        job.referenced = list(binder.referenced)
        if isinstance(statement, Selection):
            job.columns = statement.columns
            self._select(job, statement, dry_run=dry_run)
            return
        job.kind = "CREATE_VIEW" if isinstance(statement, CreateView) else "ALTER_TABLE"
        if not dry_run:
            self._change(job.project, binder, statement)

    def _binder(self, project: str, query: dict[str, Any]) -> Binder:
        default = query.get("defaultDataset")
        dataset = (default.get("projectId") or project, default["datasetId"]) if default else None
        return Binder(
            table=self._catalog.table,
            metadata=lambda path: information_schema(self._catalog, path),
            project=project,
            dataset=dataset,
            now=self._clock.now(),
            parameters=read_parameters(query.get("queryParameters") or []),
        )

    def _select(self, job: Job, statement: Selection, *, dry_run: bool) -> None:
        name = f"data.main.q{uuid.uuid4().hex}"
        try:
            with self._store.cursor() as cursor:
                if dry_run:
                    cursor.execute(f"EXPLAIN {statement.sql}")
                    return
                cursor.execute(f"CREATE TABLE {name} AS {statement.sql}")
                job.result = name
                row = cursor.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608 - our own name
                job.rows = int(row[0]) if row else 0
        except duckdb.Error as error:
            raise _worded(error) from None

    def _change(self, project: str, binder: Binder, statement: CreateView | AddColumns) -> None:
        path = statement.path
        dataset = path[-2] if len(path) > 1 else (binder.dataset or ("", ""))[1]
        owner = path[0] if len(path) == 3 else project  # noqa: PLR2004 - project, dataset, table
        full = (owner, dataset, path[-1])
        if isinstance(statement, AddColumns):
            table = self._catalog.table(full)
            known = {each["name"].lower() for each in table.resource["schema"]["fields"]}
            fields = list(table.resource["schema"]["fields"])
            for name, type_, tolerant in statement.columns:
                if name.lower() in known and tolerant:
                    continue
                fields.append(rest_schema([(name, type_)])["fields"][0])
            self._catalog.update_table(full, {"schema": {"fields": fields}})
            return
        translate(self._binder(project, {}), statement.query)
        if statement.replace and any(table.path == full for table in self._catalog.tables(owner, dataset)):
            self._catalog.delete_table(full)
        body = {
            "tableReference": {"tableId": path[-1]},
            "view": {"query": statement.query, "useLegacySql": False},
        }
        self._catalog.create_table(owner, dataset, body)

    def _page(self, job: Job, start: int, limit: Any, *, int64_timestamps: bool) -> dict[str, Any]:
        size = PAGE_ROWS if limit is None else min(int(limit), PAGE_ROWS)
        rows: list[dict[str, Any]] = []
        if job.result is not None and size > 0:
            encode = row_encoder([type_ for _, type_ in job.columns], int64_timestamps=int64_timestamps)
            with self._store.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {job.result} LIMIT {size} OFFSET {start}")  # noqa: S608 - numbers
                try:
                    rows = [encode(row) for row in cursor.fetchall()]
                except (AttributeError, OverflowError, TypeError, ValueError):
                    # DuckDB's calendar goes on where Python's and BigQuery's end.
                    raise invalid_query("A date or time is out of range: years 1 to 9999") from None
        answer: dict[str, Any] = {
            "schema": rest_schema(job.columns),
            "jobReference": job.reference,
            "totalRows": str(job.rows),
            "jobComplete": True,
            "totalBytesProcessed": "0",
            "cacheHit": False,
            "rows": rows,
        }
        if start + len(rows) < job.rows:
            answer["pageToken"] = str(start + len(rows))
        return answer

    def _keep(self, job: Job) -> None:
        with self._lock:
            self._jobs[(job.project, job.job_id)] = job
            rows = sum(each.rows for each in self._jobs.values())
            gone: list[Job] = []
            while len(self._jobs) > KEPT_RESULTS or (rows > KEPT_ROWS and len(self._jobs) > 1):
                gone.append(self._jobs.popitem(last=False)[1])
                rows -= gone[-1].rows
        for old in gone:
            if old.result is not None:
                self._store.run(f"DROP TABLE IF EXISTS {old.result}")


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _worded(error: duckdb.Error) -> ApiError:
    """Word a failure of DuckDB as BigQuery would, or as near as can be."""
    text = str(error).strip().splitlines()[0]
    if "More than one row returned by a subquery" in text:
        return invalid_query("Scalar subquery produced more than one element")
    if "INT128" in text:
        return invalid_query("int64 overflow")
    grouped = re.search(r'column "?([^"]+?)"? must appear in the GROUP BY clause', text, re.IGNORECASE)
    if grouped:
        return invalid_query(
            f"SELECT list expression references column {grouped[1].split('.')[-1].strip(chr(34))} "
            "which is neither grouped nor aggregated"
        )
    told = _TOLD.match(text)
    if told:
        return invalid_query(text[told.end() :])
    if isinstance(error, duckdb.OutOfMemoryException):
        return ApiError(
            400, "resourcesExceeded", "Resources exceeded during query execution in the local BigQuery"
        )
    return invalid_query(f"The local BigQuery cannot run this query: {text}")
