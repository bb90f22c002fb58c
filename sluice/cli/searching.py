"""Asking the search index, and its answers and refusals in the command line's own terms."""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sluice.errors import EnvironmentProblem, QueryError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from opensearchpy import OpenSearch

    from sluice.cli.target import Target
    from sluice.contract import Contract, EventType

SEARCH_SECONDS = 30.0
MOST_HITS = 10_000
"""The most that one search returns: `index.max_result_window` of an index that does not set it (2.19)."""

ARRIVED = "_arrived_at"
ABSENT, FORBIDDEN = 404, frozenset({401, 403})
NO_INDEX = "index_not_found_exception"
REASON_CHARACTERS = 300

PHRASE = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}')
"""What a colon in it separates no field from: a phrase, a range (of moments)."""

FIELD = re.compile(r"(?<![\w.*\\:-])([A-Za-z_][\w.]*):")
OF_OPENSEARCH = frozenset({"_exists_", "_id", "_index"})

NONSENSE = (AttributeError, KeyError, TypeError, ValueError)
"""What reading an answer raises that is not OpenSearch's."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found: how many in all, and the newest of them as they were indexed."""

    total: int
    events: tuple[dict[str, Any], ...]
    shards_missing: int = 0
    """Of the index: what these hold is not among the events, nor counted."""


def event_type(contract: "Contract", name: str) -> "EventType":
    """Return the event type of a name; raises UsageError for what is none."""
    found = contract.types.get(name)
    if found is None:
        raise UsageError(f"--type {name}: no such event type; there are: {', '.join(sorted(contract.types))}")
    return found


def time_column(kinds: Sequence["EventType"]) -> str:
    """Return the field by which hits are sorted: the event time where all types call it the same."""
    columns = {kind.time_column for kind in kinds}
    return columns.pop() if len(columns) == 1 else ARRIVED


def unknown_fields(words: str, kinds: Sequence["EventType"]) -> list[str]:
    """Return the fields in a query that no event has: OpenSearch finds nothing, and says nothing."""
    from sluice.contract.opensearch import properties

    known = {name for kind in kinds for name in properties(kind)} | OF_OPENSEARCH
    asked = FIELD.findall(PHRASE.sub(" ", words))
    return [name for name in dict.fromkeys(asked) if name.split(".")[0] not in known]


def client_of(target: "Target") -> "OpenSearch":
    """Return a client for the target's index; raises EnvironmentProblem where there is none."""
    from typing import cast

    from sluice.sinks.opensearch.connection import Service, connect

    search = target.outputs.search
    if search is None:
        raise EnvironmentProblem(
            f"{target.where} has no search index: set search_sink in "
            f"Pulumi.{target.outputs.environment}.yaml and deploy, or ask `sluice query`"
        )
    if target.endpoints is None:
        credentials = target.session.get_credentials()
        service = cast("Service", search.service)
        region = target.outputs.region
        return connect(search.endpoint, service, credentials=credentials, region=region, connections=1)
    if target.endpoints.search_url is None:
        raise EnvironmentProblem("the local cloud has no search index: stop it and start it again")
    return connect(target.endpoints.search_url, None, connections=1)


def search(
    target: "Target",
    words: str,
    *,
    contract: "Contract",
    kind: "EventType | None",
    since: "datetime | None",
    limit: int,
) -> Hits:
    """Find events, the newest first.

    Raises:
        QueryError: OpenSearch refuses the query.
        EnvironmentProblem: there is no index, or it does not answer, or who asks may not.
    """
    from sluice.sinks.opensearch.indices import Indices

    client = client_of(target)
    outputs = target.outputs.search
    indices = Indices(outputs.prefix if outputs else "")
    alias = indices.alias(kind.table) if kind else indices.everything
    field = time_column([kind] if kind else list(contract.types.values()))
    if target.is_local:
        with suppress(EnvironmentProblem):  # in a deployed stack it is a right of its own, and seconds old
            ask(client, target, f"/{alias}/_refresh", None)
    found = ask(client, target, f"/{alias}/_search", body(words, field, since, limit))
    if found is None:
        return Hits(0, ())
    try:
        hits = found["hits"]
        events = tuple(hit["_source"] for hit in hits["hits"])
        return Hits(int(hits["total"]["value"]), events, shards_missing(found))
    except NONSENSE as error:
        raise _no_answer(target) from error


def count(client: "OpenSearch", target: "Target", alias: str, query: Mapping[str, Any]) -> int:
    """Count the documents that a query finds; none where there is no such index yet.

    Raises:
        EnvironmentProblem: OpenSearch does not answer, or only part of the index does, or who asks may not.
    """
    found = ask(client, target, f"/{alias}/_count", {"query": query})
    if found is None:
        return 0
    try:
        number, missing = int(found["count"]), shards_missing(found)
    except NONSENSE as error:
        raise _no_answer(target) from error
    if missing:
        raise EnvironmentProblem(
            f"OpenSearch of {target.where} is without {missing} of its shards: no count until they are back"
        )
    return number


def shards_missing(answer: Mapping[str, Any]) -> int:
    """Say how many shards an answer is without: OpenSearch leaves out those that no node holds, unasked."""
    return int(answer["_shards"]["total"]) - int(answer["_shards"]["successful"])


def body(words: str, field: str, since: "datetime | None", limit: int) -> dict[str, Any]:
    """Return the request: all words have to be found, in whichever fields can hold them."""
    query = {"query_string": {"query": words, "default_operator": "AND", "lenient": True}}
    after = [{"range": {field: {"gte": since.isoformat()}}}] if since else []
    return {
        "query": {"bool": {"must": [query], "filter": after}},
        "sort": [{field: {"order": "desc", "unmapped_type": "date"}}],
        "size": limit,
        "track_total_hits": True,
    }


def ask(
    client: "OpenSearch", target: "Target", path: str, request: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return the answer; None where there is no such index yet.

    Raises:
        QueryError: OpenSearch refuses the query.
        EnvironmentProblem: it does not answer, or not as OpenSearch does, or who asks may not.
    """
    from opensearchpy.exceptions import ConnectionError as NoConnection

    from sluice.sinks.opensearch.asking import ask_once

    content = None if request is None else json.dumps(request).encode()
    try:
        reply = ask_once(client, "POST", path, content, seconds=SEARCH_SECONDS)
    except NoConnection as error:
        advice = (
            "look whether `sluice local` still runs"
            if target.is_local
            else "a private domain is reached from within its VPC only"
        )
        raise EnvironmentProblem(
            f"OpenSearch of {target.where} does not answer ({type(error.info).__name__}): {advice}"
        ) from None
    if reply.ok and isinstance(reply.body, dict):
        return reply.body
    if reply.status in FORBIDDEN:
        raise EnvironmentProblem(
            f"OpenSearch of {target.where} refuses you ({reply.status}): name your role in "
            "search_domain.readers, or map it to the reader's role, and deploy"
        )
    refusal = reply.body.get("error") if isinstance(reply.body, dict) else None
    if reply.status == ABSENT and isinstance(refusal, dict) and refusal.get("type") == NO_INDEX:
        return None
    if reply.status == 400 and isinstance(refusal, dict):  # noqa: PLR2004 - HTTP's Bad Request
        raise _refused(refusal)
    if reply.ok or reply.status == ABSENT:
        raise _no_answer(target)
    raise EnvironmentProblem(f"OpenSearch of {target.where} answers {reply.status}: try again")


def _refused(error: Mapping[str, Any]) -> QueryError:
    """Say why, in OpenSearch's words: they quote the query, however long that is."""
    causes = error.get("root_cause")
    cause = causes[0] if isinstance(causes, list) and causes else error
    reason = cause.get("reason") if isinstance(cause, dict) else cause
    said = " ".join(str(reason or "OpenSearch refuses the query").split())
    if len(said) > REASON_CHARACTERS:
        said = f"{said[:REASON_CHARACTERS]}…"
    return QueryError(
        f'{said}; words, "phrases", field:value, field:[a TO b], AND, OR, NOT and * are understood, '
        "and \\ goes before a special character that is meant"
    )


def _no_answer(target: "Target") -> EnvironmentProblem:
    where = target.outputs.search.endpoint if target.outputs.search and not target.is_local else target.where
    return EnvironmentProblem(f"what answers at {where} is not OpenSearch, or something stands before it")
