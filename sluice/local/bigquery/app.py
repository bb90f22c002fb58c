"""The HTTP application: Google's REST paths, and some of our own for faults, tokens and the clock."""

import datetime as dt
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import duckdb
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluice.local.bigquery.catalog import Catalog, Table
from sluice.local.bigquery.clock import ServerClock
from sluice.local.bigquery.errors import ApiError, invalid, unsupported_request
from sluice.local.bigquery.faults import App, Faults, FaultyApp
from sluice.local.bigquery.insert import MAX_FRONT_END_BYTES, Inserter
from sluice.local.bigquery.jobs import Jobs
from sluice.local.bigquery.store import Store
from sluice.local.bigquery.tables import list_rows, resource_of, short_resource
from sluice.local.google.app import Google

Handler = Callable[[Request], Awaitable[Response]]
_ENCODE: Final = msgspec.json.Encoder().encode
_ROOT: Final = "/bigquery/v2/projects/{project}"
_DATASET: Final = _ROOT + "/datasets/{dataset}"
_TABLE: Final = _DATASET + "/tables/{table}"
_KINDS: Final = {
    _TABLE + "/insertAll": "insertAll",
    _TABLE + "/data": "data",
    _TABLE: "table",
    _DATASET + "/tables": "tables",
    _DATASET: "dataset",
}
"""Paths whose calls are about a dataset, as `sluice.local.google.access` names them."""

_TOO_LARGE: Final = b"<!DOCTYPE html><html><title>Error 413 (Request Entity Too Large)!!1</title></html>"


class Server:
    """Everything behind the REST interface."""

    def __init__(
        self,
        *,
        memory_limit: str | None = None,
        days_back: int = 1825,
        days_ahead: int = 366,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = Store(memory_limit=memory_limit) if memory_limit else Store()
        self.clock = ServerClock()
        self.catalog = Catalog(self.store, self.clock)
        self.inserter = Inserter(
            self.store, self.clock, days_back=days_back, days_ahead=days_ahead, monotonic=monotonic
        )
        self.jobs = Jobs(self.store, self.catalog, self.clock)
        self.faults = Faults()
        self.google = Google()

    def app(self) -> App:
        """Return the ASGI application."""
        routes = [
            Route(path, _guarded(self._allowed(path, handler)), methods=methods)
            for path, methods, handler in self._routes()
        ] + [Route(path, _guarded(handler), methods=methods) for path, methods, handler in self._own_routes()]
        return FaultyApp(
            Starlette(routes=routes, exception_handlers={404: _no_route, 405: _no_route}), self.faults
        )

    def _routes(self) -> list[tuple[str, list[str], Handler]]:
        return [
            (_TABLE + "/insertAll", ["POST"], self._insert_all),
            (_TABLE + "/data", ["GET"], self._list_rows),
            (_TABLE, ["GET", "PATCH", "PUT", "DELETE"], self._table),
            (_DATASET + "/tables", ["GET", "POST"], self._tables),
            (_DATASET, ["GET", "PATCH", "PUT", "DELETE"], self._dataset),
            (_ROOT + "/datasets", ["GET", "POST"], self._datasets),
            (_ROOT + "/queries", ["POST"], self._query),
            (_ROOT + "/queries/{job}", ["GET"], self._results),
            (_ROOT + "/jobs", ["GET", "POST"], self._jobs),
            (_ROOT + "/jobs/{job}", ["GET"], self._job),
            (_ROOT + "/jobs/{job}/cancel", ["POST"], self._cancel),
        ]

    def _own_routes(self) -> list[tuple[str, list[str], Handler]]:
        return [
            *self.google.routes(),
            ("/_sluice/faults", ["GET", "POST", "DELETE"], self._faults),
            ("/_sluice/clock", ["POST"], self._clock),
            ("/_sluice/health", ["GET"], self._health),
        ]

    def _allowed(self, path: str, handler: Handler) -> Handler:
        """Let in whom the dataset's access list does."""
        kind = _KINDS.get(path, "")

        async def allowed(request: Request) -> Response:
            params = request.path_params
            dataset = self.catalog.find_dataset(params["project"], params["dataset"]) if kind else None
            where = "{}:{}.{}".format(*(params.get(key, "") for key in ("project", "dataset", "table")))
            self.google.access.check(
                (kind, request.method), request.headers.get("authorization"), where.rstrip(":."), dataset
            )
            return await handler(request)

        return allowed

    async def _insert_all(self, request: Request) -> Response:
        body = await _body(request)
        if len(body) > MAX_FRONT_END_BYTES:
            return Response(_TOO_LARGE, 413, media_type="text/html")
        reject = request.scope.get("sluice.reject")
        table = self.catalog.table(_path(request))
        return _json(await run_in_threadpool(self.inserter.insert_all, table, body, reject))

    async def _list_rows(self, request: Request) -> Response:
        table = self.catalog.table(_path(request))
        return _json(
            await run_in_threadpool(list_rows, self.store, self.catalog, table, dict(request.query_params))
        )

    async def _table(self, request: Request) -> Response:
        path = _path(request)
        if request.method == "DELETE":
            await run_in_threadpool(self.catalog.delete_table, path)
            return Response(status_code=204)
        if request.method == "GET":
            table = self.catalog.table(path)
        else:
            table = await run_in_threadpool(self.catalog.update_table, path, await _object(request))
        return _json(await run_in_threadpool(self._described, table))

    async def _tables(self, request: Request) -> Response:
        project, dataset = request.path_params["project"], request.path_params["dataset"]
        if request.method == "POST":
            table = await run_in_threadpool(
                self.catalog.create_table, project, dataset, await _object(request)
            )
            return _json(await run_in_threadpool(self._described, table))
        self.catalog.dataset(project, dataset)
        tables = [short_resource(table) for table in self.catalog.tables(project, dataset)]
        return _json({"kind": "bigquery#tableList", "tables": tables, "totalItems": len(tables)})

    def _described(self, table: Table) -> dict[str, Any]:
        return resource_of(table, self.catalog, self.jobs)

    async def _dataset(self, request: Request) -> Response:
        project, dataset = request.path_params["project"], request.path_params["dataset"]
        if request.method == "DELETE":
            contents = request.query_params.get("deleteContents", "").lower() == "true"
            self.catalog.delete_dataset(project, dataset, contents=contents)
            return Response(status_code=204)
        if request.method == "GET":
            return _json(self.catalog.dataset(project, dataset))
        return _json(self.catalog.update_dataset(project, dataset, await _object(request)))

    async def _datasets(self, request: Request) -> Response:
        project = request.path_params["project"]
        if request.method == "POST":
            return _json(self.catalog.create_dataset(project, await _object(request)))
        keys = ("kind", "id", "datasetReference", "labels", "location", "friendlyName")
        listed = [{key: each[key] for key in keys if key in each} for each in self.catalog.datasets(project)]
        return _json({"kind": "bigquery#datasetList", "datasets": listed})

    async def _query(self, request: Request) -> Response:
        body = await _object(request)
        return _json(await run_in_threadpool(self.jobs.query, request.path_params["project"], body))

    async def _results(self, request: Request) -> Response:
        project, job = request.path_params["project"], request.path_params["job"]
        return _json(await run_in_threadpool(self.jobs.results, project, job, dict(request.query_params)))

    async def _jobs(self, request: Request) -> Response:
        project = request.path_params["project"]
        if request.method == "POST":
            return _json(await run_in_threadpool(self.jobs.insert, project, await _object(request)))
        return _json({"kind": "bigquery#jobList", "jobs": self.jobs.listed(project)})

    async def _job(self, request: Request) -> Response:
        return _json(self.jobs.get(request.path_params["project"], request.path_params["job"]).resource())

    async def _cancel(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["project"], request.path_params["job"])
        return _json({"kind": "bigquery#jobCancelResponse", "job": job.resource()})

    async def _faults(self, request: Request) -> Response:
        if request.method == "POST":
            return _json({"id": self.faults.add(await _object(request))})
        if request.method == "DELETE":
            self.faults.clear()
        return _json({"faults": self.faults.listed()})

    async def _clock(self, request: Request) -> Response:
        given = (await _object(request)).get("now")
        try:
            moment = dt.datetime.fromisoformat(given) if given else None
        except (ValueError, TypeError):
            raise invalid(f"now must be an ISO 8601 moment or null, not {given!r}") from None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        self.clock.fix(moment)
        return _json({"now": self.clock.now().isoformat()})

    async def _health(self, _: Request) -> Response:
        return _json({"ok": True})


def _path(request: Request) -> tuple[str, str, str]:
    path = request.path_params["project"], request.path_params["dataset"], request.path_params["table"]
    if "$" in path[2]:
        raise unsupported_request(f"A partition decorator ({path[2]})")
    return path


def _guarded(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except ApiError as error:
            return _json(error.envelope(), error.code)
        except duckdb.OutOfMemoryException:
            full = ApiError(503, "backendError", "The local BigQuery is out of memory (--memory-limit)")
            return _json(full.envelope(), full.code)

    return guarded


async def _no_route(request: Request, _: Exception) -> Response:
    error = ApiError(
        404, "notFound", f"{request.method} {request.url.path} is not supported by the local BigQuery"
    )
    return _json(error.envelope(), error.code)


def _json(body: Any, status: int = 200) -> Response:
    return Response(_ENCODE(body), status, media_type="application/json")


async def _body(request: Request) -> bytes:
    body = await request.body()
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise invalid(f"Unsupported Content-Encoding: {encoding}")
    try:
        # Not more than what would be turned away anyway, however much was packed.
        return zlib.decompressobj(31).decompress(body, MAX_FRONT_END_BYTES + 1)
    except zlib.error:
        raise invalid("The request's body is not valid gzip.") from None


async def _object(request: Request) -> dict[str, Any]:
    body = await _body(request)
    try:
        parsed = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ApiError(400, "parseError", f"Invalid JSON payload received. {error}") from None
    if not isinstance(parsed, dict):
        raise ApiError(400, "parseError", "Invalid JSON payload received. An object is expected.")
    return parsed
