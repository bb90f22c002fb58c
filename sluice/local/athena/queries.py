"""Queries under way and done, as Athena's API tells of them."""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sluice.local.athena.engine import Answer, run
from sluice.local.athena.refusals import QueryRefused
from sluice.local.athena.resolved import Catalog

AT_ONCE: Final = 2
KEPT: Final = 100
"""Queries whose answers can still be read."""

PAGE: Final = 1_000
MOST_TEXT: Final = 262_144
"""Bytes of a query. docs.aws.amazon.com/athena/latest/ug/service-limits.html (read 2026-11)"""

ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})


class BadRequest(Exception):  # noqa: N818 - Athena's InvalidRequestException
    """A request that Athena refuses as a whole."""


@dataclass(slots=True)
class Query:
    """One query: `state` is Athena's word for how far it is."""

    id: str
    sql: str
    database: str
    workgroup: str
    submitted_at: datetime
    state: str = "QUEUED"
    reason: str | None = None
    own_fault: bool = True
    ended_at: datetime | None = None
    answer: Answer | None = None
    interrupt: Callable[[], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Queries:
    """Runs queries in threads of their own, a few at a time, and keeps the newest answers."""

    def __init__(self, catalog: Catalog, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._catalog = catalog
        self._now = now
        self._known: OrderedDict[str, Query] = OrderedDict()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="athena")

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """StartQueryExecution."""
        sql = str(request.get("QueryString") or "")
        if not sql.strip() or len(sql.encode()) > MOST_TEXT:
            raise BadRequest(f"QueryString must have 1 to {MOST_TEXT} bytes")
        if request.get("ExecutionParameters"):
            raise BadRequest("ExecutionParameters are not supported by the local Athena")
        database = str((request.get("QueryExecutionContext") or {}).get("Database") or "default")
        query = Query(
            str(uuid.uuid4()), sql, database, str(request.get("WorkGroup") or "primary"), self._now()
        )
        self._known[query.id] = query
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        self._threads.submit(self._run, query)
        return {"QueryExecutionId": query.id}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetQueryExecution."""
        query = self._query(request)
        status: dict[str, Any] = {
            "State": query.state,
            "SubmissionDateTime": query.submitted_at.timestamp(),
        }
        if query.ended_at is not None:
            status["CompletionDateTime"] = query.ended_at.timestamp()
        if query.reason is not None:
            status["StateChangeReason"] = query.reason
        if query.state == "FAILED":
            status["AthenaError"] = {
                "ErrorCategory": 2 if query.own_fault else 1,
                "ErrorMessage": query.reason,
            }
        return {
            "QueryExecution": {
                "QueryExecutionId": query.id,
                "Query": query.sql,
                "StatementType": "DML",
                "QueryExecutionContext": {"Database": query.database},
                "WorkGroup": query.workgroup,
                "Status": status,
                "Statistics": {"DataScannedInBytes": query.answer.bytes_scanned if query.answer else 0},
            }
        }

    def results(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetQueryResults: the first page begins with the columns' names, as Athena's does."""
        query = self._query(request)
        answer = query.answer
        if query.state != "SUCCEEDED" or answer is None:
            raise BadRequest(f"Query has not yet finished. Current state: {query.state}")
        most = int(request.get("MaxResults") or PAGE)
        token = str(request.get("NextToken") or "0")
        if not 1 <= most <= PAGE or not token.isdigit():
            raise BadRequest(f"MaxResults must be 1 to {PAGE}, NextToken what an answer gave")
        first = int(token)
        # place 0 is the header
        rows = [answer.columns, *answer.rows[:most]] if first == 0 else answer.rows[first - 1 :]
        shown = rows[:most]
        end = first + len(shown)
        found: dict[str, Any] = {
            "ResultSet": {
                "Rows": [{"Data": [_datum(value) for value in row]} for row in shown],
                "ResultSetMetadata": {
                    "ColumnInfo": [
                        {"Name": name, "Label": name, "Type": kind, "Nullable": "UNKNOWN"}
                        for name, kind in zip(answer.columns, answer.types, strict=True)
                    ]
                },
            },
            "UpdateCount": 0,
        }
        return found | ({"NextToken": str(end)} if end <= len(answer.rows) else {})

    def stop(self, request: dict[str, Any]) -> dict[str, Any]:
        """StopQueryExecution."""
        query = self._query(request)
        with query.lock:
            if query.state not in ENDED:
                self._end(query, "CANCELLED", "Query cancelled by user")
                if query.interrupt is not None:
                    query.interrupt()
        return {}

    def _run(self, query: Query) -> None:
        def stopping(interrupt: Callable[[], None]) -> None:
            with query.lock:
                query.interrupt = interrupt
                if query.state in ENDED:
                    raise QueryRefused(query.reason or query.state)

        with query.lock:
            if query.state in ENDED:
                return
            query.state = "RUNNING"
        state, reason = "SUCCEEDED", None
        try:
            query.answer = run(query.sql, self._catalog, query.database, stopping)
        except QueryRefused as refusal:
            state, reason = "FAILED", str(refusal)
        except Exception as error:  # noqa: BLE001 - whatever the lake or S3 throws is told, not lost in a thread
            state, reason = "FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
            query.own_fault = False
        with query.lock:
            query.interrupt = None
            if query.state not in ENDED:
                self._end(query, state, reason)

    def _end(self, query: Query, state: str, reason: str | None) -> None:
        query.ended_at, query.reason, query.state = self._now(), reason, state

    def _query(self, request: dict[str, Any]) -> Query:
        found = self._known.get(str(request.get("QueryExecutionId")))
        if found is None:
            raise BadRequest(f"QueryExecution {request.get('QueryExecutionId')} was not found")
        return found


def _datum(value: str | None) -> dict[str, str]:
    return {} if value is None else {"VarCharValue": value}
