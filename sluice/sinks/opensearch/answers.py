"""What an answer of OpenSearch's bulk API means for the events that were sent.

The answer's shape: https://docs.opensearch.org/latest/api-reference/document-apis/bulk (read 2026-11). The
names of errors are those of the exceptions of OpenSearch 2.19, in snake case.
"""

import re
from functools import partial
from typing import Any

import msgspec

from sluice.delivery import DELIVERED, Rejected, Retry
from sluice.sinks.answers import Answer, Doubtful, Fate, Later, Whole, said

ABOUT_THE_EVENT = frozenset(
    {
        "document_parsing_exception", "json_e_o_f_exception", "json_parse_exception",
        "mapper_parsing_exception", "max_bytes_length_exceeded_exception", "not_x_content_exception",
        "parse_exception", "parsing_exception", "strict_dynamic_mapping_exception",
        "x_content_parse_exception",
    }
)  # fmt: skip
"""The mapping does not take the document: sent again, it would be refused again."""

ABOUT_THE_CLUSTER = frozenset(
    {
        "alias_invalid_exception", "circuit_breaking_exception", "cluster_block_exception",
        "cluster_manager_not_discovered_exception", "index_closed_exception",
        "index_create_block_exception", "index_not_found_exception", "invalid_alias_name_exception",
        "invalid_index_name_exception", "master_not_discovered_exception",
        "no_shard_available_action_exception",
        "opensearch_rejected_execution_exception", "es_rejected_execution_exception",
        "rejected_execution_exception", "process_cluster_event_timeout_exception",
        "resource_already_exists_exception", "routing_missing_exception", "security_exception",
        "shard_not_found_exception", "timeout_exception", "unavailable_shards_exception",
    }
)  # fmt: skip
"""Nothing is wrong with the event: the cluster is full, locked, has no such index or grants no right yet."""

WORDS_ABOUT_THE_CLUSTER = (
    "shards open",
    "no write index",
    "index template",
    "document id is not supported",  # a serverless collection of another type than SEARCH (opensearch-py#792)
)
"""In reasons of `illegal_argument_exception` and `validation_exception`, which say anything at all."""

WORDS_ABOUT_THE_EVENT = (
    "immense term",
    "illegal version value",
    "nested documents",
    "is too long",
    "nesting",
)
"""Same."""

TOO_LARGE = ("entity too large", "maximum content length", "request size exceeded")

TOO_MANY = 429
"""HTTP's Too Many Requests: the cluster's queues are full."""

PASSING = frozenset({401, 403, 404, TOO_MANY})
"""Statuses of an item that say: not yet allowed, not yet there, not now."""

VALUES = re.compile(
    r""" in document with id .*| preview of field.*| the prefix of .*|\bid \[.*|'[^']*'|\d{6,}""",
    re.IGNORECASE | re.DOTALL,
)
"""Where OpenSearch quotes what an event carries; names of fields, in brackets or double quotes, stay."""

FIELD = re.compile(
    r"""failed to parse (?:date )?field \[([^\]]+)\] of type|object mapping for \[([^\]]+)\]"""
    r"""|dynamic introduction of \[([^\]]+)\]|immense term in field="([^"]+)\""""
    r"""|add (?:a )?dynamic(?:ally)? mapping for (?:field )?\[([^\]]+)\]|mapper for \[([^\]]+)\]""",
    re.IGNORECASE,
)
NOT_A_FIELD = "_doc"

NONSENSE = (msgspec.DecodeError, AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError)
"""What reading an answer raises that is not what OpenSearch documents; a UnicodeError is a ValueError."""

_said = partial(said, values=VALUES)


def read(answer: Answer, items: int) -> list[Fate] | Whole | Later:
    """Return each item's fate, or what to do with the request."""
    if answer.status == 200:  # noqa: PLR2004 - HTTP's OK
        return _fates(answer.body, items)
    kind, said = _error(answer.body)
    words = said.lower()
    large = answer.status == 400 and any(each in words for each in TOO_LARGE)  # noqa: PLR2004 - HTTP's Bad Request
    if answer.status == 413 or large:  # noqa: PLR2004 - HTTP's own
        reason = f"the document is larger than OpenSearch takes{_said(said)}"
        return Whole(reason, too_large=True, about_an_item=True)
    if answer.status == 400 and kind and not _about_the_cluster(kind, words):  # noqa: PLR2004 - HTTP's Bad Request
        reason = f"OpenSearch refused the request{_said(said or kind)}"
        return Whole(reason, too_large=False, about_an_item=kind in ABOUT_THE_EVENT)
    reason = f"OpenSearch answered {answer.status}{_said(said or kind)}"
    return Later(reason, answer.retry_after, throttled=answer.status == TOO_MANY)


def _fates(body: bytes | str, items: int) -> list[Fate] | Later:
    """Read the answer to a request that was carried out; one without sense says nothing about any item."""
    try:
        document = msgspec.json.decode(body)
        results = [tuple(item.values()) for item in document["items"]]
        if len(results) != items:
            return Later("OpenSearch's answer is not about the events that were sent")
        return [_fate(int(result["status"]), result.get("error")) for (result,) in results]
    except NONSENSE:
        return Later("OpenSearch's answer cannot be read")


def _fate(status: int, error: dict[str, Any] | None) -> Fate:
    if error is None:
        went_in = status in (200, 201)
        return (
            DELIVERED if went_in else Retry(f"OpenSearch answered {status} for the event", status == TOO_MANY)
        )
    kind = str(error.get("type") or "")
    reason, cause = str(error.get("reason") or kind), error.get("caused_by") or {}
    causes, words = {kind, str(cause.get("type") or "")}, reason.lower()
    if "version_conflict_engine_exception" in causes:
        return DELIVERED  # it is there: the first one, or, of a type with versions, the same or a newer one
    if not causes & ABOUT_THE_EVENT:
        if status in PASSING or status >= 500 or _about_the_cluster(kind, words):  # noqa: PLR2004 - HTTP's own
            return Retry(f"OpenSearch could not take the event{_said(reason)}", status == TOO_MANY)
        if not any(each in words for each in WORDS_ABOUT_THE_EVENT):
            return Doubtful(f"OpenSearch refused the event{_said(reason)}")
    return Rejected(f"OpenSearch refused the event{_said(reason)}", _field(reason))


def _about_the_cluster(kind: str, words: str) -> bool:
    return kind in ABOUT_THE_CLUSTER or any(each in words for each in WORDS_ABOUT_THE_CLUSTER)


def _field(reason: str) -> str | None:
    """Return the field that a reason names; a multi-field counts as its own."""
    found = FIELD.search(reason)
    name = next((each for each in found.groups() if each), None) if found else None
    return None if name in (None, NOT_A_FIELD) else name


def _error(body: bytes | str) -> tuple[str, str]:
    """Return the kind and the words of an error answer; nothing for one that has no known shape.

    The cluster answers {"error": {"type", "reason"}}, what stands before it {"message"} or {"Message"}.
    """
    try:
        document = msgspec.json.decode(body)
        error = document.get("error", document)
        if isinstance(error, str):
            return error, error
        said = error.get("reason") or error.get("message") or error.get("Message") or ""
        return str(error.get("type") or ""), str(said)
    except NONSENSE:
        return "", ""
