"""What an answer of BigQuery's insertAll means for the rows that were sent.

The error table: https://cloud.google.com/bigquery/docs/error-messages
The answer's shape: https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/insertAll
"""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.sinks.answers import Answer, Doubtful, Fate, Later, Stopped, Whole, said

TRANSIENT_REASONS = frozenset(
    {
        "accessDenied", "backendError", "billingNotEnabled", "blocked", "internalError", "jobBackendError",
        "jobInternalError", "jobRateLimitExceeded", "notFound", "quotaExceeded", "rateLimitExceeded",
        "resourceInUse", "resourcesExceeded", "serviceUnavailable", "tableUnavailable", "timeout",
    }
)  # fmt: skip
"""Nothing is wrong with the row: the service is slow, full, or knows no table or right yet."""

THROTTLING_REASONS = frozenset(
    {"jobRateLimitExceeded", "quotaExceeded", "rateLimitExceeded", "resourcesExceeded"}
)
"""Those by which BigQuery asks for fewer requests, or for smaller ones."""

BEHIND_THE_CONTRACT = ("no such field", "missing required field")
"""Rows are made by the contract that made the table. These errors mean that BigQuery has not seen the newest
schema yet, which takes minutes (google-cloud-ruby#3805)."""

TOO_LARGE = ("too large", "exceeds the limit", "payload size", "exceeds the maximum", "request size")
ABOUT_A_ROW = ("json", "parse", "unknown name", "nesting", "nested too", "utf-8", "proto", "row ")

VALUES = re.compile(r"""(?<=\bValue )\S+|(?<=\(bad value\): ).*|'[^']*'|"[^"]*"|\d{6,}""")
"""Where BigQuery quotes what a row carries; days of a streaming range and names of fields stay."""

NONSENSE = (msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""What reading an answer raises that is not what BigQuery documents; a UnicodeDecodeError is a ValueError."""

_said = partial(said, values=VALUES)


def read(answer: Answer, rows: int) -> Sequence[Fate] | Whole | Later:
    """Return each row's fate, or what to do with the request."""
    if answer.status == 200:  # noqa: PLR2004 - HTTP's OK
        return _fates(answer.body, rows)
    message, reasons = _error(answer.body)
    words = message.lower()
    if answer.status == 413 or (answer.status == 400 and any(each in words for each in TOO_LARGE)):  # noqa: PLR2004 - HTTP's own
        return Whole(
            f"the row is larger than BigQuery takes{_said(message)}", too_large=True, about_an_item=True
        )
    if answer.status == 400 and message and not reasons & TRANSIENT_REASONS:  # noqa: PLR2004 - HTTP's Bad Request
        about_a_row = any(each in words for each in ABOUT_A_ROW)
        return Whole(
            f"BigQuery refused the request{_said(message)}", too_large=False, about_an_item=about_a_row
        )
    throttled = answer.status == 429 or bool(reasons & THROTTLING_REASONS)  # noqa: PLR2004 - HTTP's Too Many Requests
    return Later(f"BigQuery answered {answer.status}{_said(message)}", answer.retry_after, throttled)


def _fates(body: bytes | str, rows: int) -> Sequence[Fate] | Later:
    """Read the answer to a request that was carried out; one without sense says nothing about any row."""
    fates: list[Fate] = [DELIVERED] * rows
    try:
        document = msgspec.json.decode(body)
        for failure in document.get("insertErrors") or ():
            index = int(failure["index"])
            if not 0 <= index < rows:
                return Later("BigQuery's answer names a row that was not sent")
            fates[index] = _fate(failure.get("errors") or [])
    except NONSENSE:
        return Later("BigQuery's answer cannot be read")
    return fates


def _fate(errors: Sequence[dict[str, Any]]) -> Fate:
    """Judge a row by the worst of its errors."""
    fates = [_judged(error) for error in errors]
    for kind in (Retry, Rejected, Doubtful, Stopped):
        for fate in fates:
            if isinstance(fate, kind):
                return fate
    return Doubtful("BigQuery refused the row without a reason")


def _judged(error: dict[str, Any]) -> Fate:
    reason, message = str(error.get("reason") or ""), str(error.get("message") or "")
    if reason == "stopped":
        return Stopped()
    said = _said(message or reason)
    if reason in TRANSIENT_REASONS or any(each in message.lower() for each in BEHIND_THE_CONTRACT):
        return Retry(f"BigQuery could not take the row{said}", reason in THROTTLING_REASONS)
    if reason == "invalid":
        return Rejected(f"BigQuery refused the row{said}", str(error.get("location") or "") or None)
    return Doubtful(f"BigQuery refused the row{said}")


def _error(body: bytes | str) -> tuple[str, frozenset[str]]:
    """Return the message and the reasons of an error answer; nothing for one that is not BigQuery's JSON."""
    try:
        error = msgspec.json.decode(body)["error"]
        reasons = frozenset(str(each.get("reason")) for each in error.get("errors") or ())
        return str(error["message"]), reasons
    except NONSENSE:
        return "", frozenset()
