"""tabledata.insertAll: BigQuery's limits, row errors, the streaming range of partitions and insertId.

Limits: https://cloud.google.com/bigquery/quotas#streaming_inserts (read in November 2026).
"""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from sluice.local.bigquery.catalog import Table
from sluice.local.bigquery.clock import ServerClock
from sluice.local.bigquery.coerce import RowError
from sluice.local.bigquery.errors import ApiError, invalid, unsupported_request
from sluice.local.bigquery.rows import Raw
from sluice.local.bigquery.store import Store

MAX_REQUEST_BYTES: Final = 10 * 1024 * 1024
# What "vastly exceeds this limit" is turned away by the front end already (googleapis/python-bigquery#1409).
MAX_FRONT_END_BYTES: Final = 2 * MAX_REQUEST_BYTES
MAX_ROWS: Final = 50_000
MAX_INSERT_ID: Final = 128
# Best effort in BigQuery, "at least one minute": here it is exactly that.
INSERT_ID_SECONDS: Final = 60.0


class Request(msgspec.Struct):
    """The body of tabledata.insertAll."""

    rows: list[Raw] = []
    skipInvalidRows: bool = False  # noqa: N815 - the name in the request
    ignoreUnknownValues: bool = False  # noqa: N815 - the name in the request
    templateSuffix: str | None = None  # noqa: N815 - the name in the request


_DECODER = msgspec.json.Decoder(Request)


class Inserter:
    """Validates rows and loads the good ones."""

    def __init__(
        self,
        store: Store,
        clock: ServerClock,
        *,
        days_back: int = 1825,
        days_ahead: int = 366,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._days_back = days_back
        self._days_ahead = days_ahead
        self._monotonic = monotonic

    def insert_all(self, table: Table, body: bytes, reject: dict[str, Any] | None = None) -> dict[str, Any]:
        """Handle one request; returns the answer's body. Raises ApiError for the request as a whole.

        `reject` refuses good rows on purpose: those whose index divides by its `every` (default: each row).
        """
        request = _request(table, body)
        answer: dict[str, Any] = {"kind": "bigquery#tableDataInsertAllResponse"}
        with table.lock:
            good, errors = self._validate(table, request)
            if reject is not None:
                good, errors = _rejected(good, errors, reject)
            if errors and not request.skipInvalidRows:
                answer["insertErrors"] = _stopped(errors, len(request.rows))
                return answer
            self._load(table, request.rows, good)
        if errors:
            answer["insertErrors"] = [_entry(index, error) for index, error in errors]
        return answer

    def _validate(
        self, table: Table, request: Request
    ) -> tuple[list[tuple[int, str]], list[tuple[int, RowError]]]:
        if table.compiled is None:
            raise invalid(f"Cannot insert rows into a view: {table.name}")
        normalise = table.compiled.normalise
        ignore_unknown = request.ignoreUnknownValues
        check = self._range_check(table)
        good: list[tuple[int, str]] = []
        errors: list[tuple[int, RowError]] = []
        for index, row in enumerate(request.rows):
            try:
                text, moment = normalise(bytes(row.json), ignore_unknown=ignore_unknown)
                if moment is not None and check is not None:
                    check(moment)
            except RowError as error:
                errors.append((index, error))
            else:
                good.append((index, text))
        return good, errors

    def _range_check(self, table: Table) -> Any:
        column = table.partition_column
        if column is None:
            return None
        today = self._clock.now().date()
        first = today - dt.timedelta(days=self._days_back)
        last = today + dt.timedelta(days=self._days_ahead)

        def check(moment: dt.date) -> None:
            day = moment.date() if isinstance(moment, dt.datetime) else moment
            if not first <= day <= last:
                raise RowError(
                    column,
                    f"Value {_spelled(moment)} for field {column} of the destination table {table.name} "
                    f"is outside the allowed bounds. You can only stream to date range within "
                    f"{self._days_back} days in the past and {self._days_ahead} days in the future "
                    f"relative to the current date.",
                )

        return check

    def _load(self, table: Table, rows: list[Raw], good: list[tuple[int, str]]) -> None:
        now = self._monotonic()
        seen = table.insert_ids
        _forget(seen, now - INSERT_ID_SECONDS)
        fresh: list[str] = []
        taken: list[str] = []
        for index, text in good:
            insert_id = rows[index].insertId
            if insert_id:
                if insert_id in seen:
                    continue
                seen[insert_id] = now
                taken.append(insert_id)
            fresh.append(text)
        if not fresh:
            return
        try:
            with self._store.cursor() as cursor:
                cursor.execute(table.load_sql, [fresh])
        except BaseException:
            for insert_id in taken:
                del seen[insert_id]
            raise


def _request(table: Table, body: bytes) -> Request:
    if len(body) > MAX_REQUEST_BYTES:
        raise ApiError(
            400, "badRequest", f"Request payload size exceeds the limit: {MAX_REQUEST_BYTES} bytes."
        )
    try:
        request = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ApiError(400, "badRequest", f"Invalid JSON payload received. {error}") from None
    if request.templateSuffix:
        raise unsupported_request(f"templateSuffix (table {table.name})")
    if not request.rows:
        raise invalid("No rows present in the request.")
    if len(request.rows) > MAX_ROWS:
        raise invalid(
            f"too many rows present in the request, limit: {MAX_ROWS} row count: {len(request.rows)}."
        )
    for row in request.rows:
        if row.insertId is not None and len(row.insertId) > MAX_INSERT_ID:
            raise invalid(f"insertId is too long: {len(row.insertId)} characters, limit: {MAX_INSERT_ID}.")
    return request


def _forget(seen: dict[str, float], before: float) -> None:
    """Drop ids older than the window; the dictionary keeps them in the order of their arrival."""
    while seen:
        oldest = next(iter(seen))
        if seen[oldest] >= before:
            return
        del seen[oldest]


def _spelled(moment: dt.date) -> str:
    """Write a partition value as the message does: microseconds for moments, days for dates."""
    if isinstance(moment, dt.datetime):
        delta = moment - dt.datetime(1970, 1, 1)  # noqa: DTZ001 - both sides are naive UTC
        return str(delta // dt.timedelta(microseconds=1))
    return moment.isoformat()


def _rejected(
    good: list[tuple[int, str]], errors: list[tuple[int, RowError]], reject: dict[str, Any]
) -> tuple[list[tuple[int, str]], list[tuple[int, RowError]]]:
    every = max(1, int(reject.get("every", 1)))
    error = RowError(str(reject.get("location", "")), str(reject.get("message", "Injected fault")))
    error.reason = str(reject.get("reason", "invalid"))
    struck = [(index, error) for index, _ in good if index % every == 0]
    return [entry for entry in good if entry[0] % every], sorted(
        [*errors, *struck], key=lambda entry: entry[0]
    )


def _entry(index: int, error: RowError) -> dict[str, Any]:
    detail = {"reason": error.reason, "location": error.location, "debugInfo": "", "message": error.message}
    return {"index": index, "errors": [detail]}


def _stopped(errors: list[tuple[int, RowError]], count: int) -> list[dict[str, Any]]:
    bad = dict(errors)
    stopped = {"reason": "stopped", "location": "", "debugInfo": "", "message": ""}
    return [_entry(i, bad[i]) if i in bad else {"index": i, "errors": [stopped]} for i in range(count)]
