"""What the filters of a target's mappings dropped: it costs no invocation, so no ledger knows of it."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sluice.errors import EnvironmentProblem

if TYPE_CHECKING:
    from sluice.audit.evidence import FilteredOut
    from sluice.cli.target import Target

SECONDS = 10
"""The local cloud answers at once, unless it is very busy."""

BY_METRIC = "known from Lambda's metric FilteredOutEventCount alone, which is minutes late and approximate"
SINCE_EVER = "counted since the mapping was made, and not only since then"


def filtered_of(target: "Target", since: datetime | None) -> "dict[str, FilteredOut]":
    """Return what was dropped since a moment (None: ever), by sink, for those that have a filter.

    Raises:
        EnvironmentProblem: the local cloud does not answer.
    """
    if target.endpoints is not None:
        return _counted(target, target.endpoints.lambda_url, since)
    return _measured(target, since)


def _counted(target: "Target", url: str, since: datetime | None) -> "dict[str, FilteredOut]":
    """Ask the local mappings themselves."""
    from sluice.audit.evidence import FilteredOut

    if all(sink.mapping is None for sink in target.outputs.sinks.values()):
        return {}
    mappings = {mapping["mapping"]: mapping for mapping in _status(url)["mappings"]}
    found = {}
    for name, sink in target.outputs.sinks.items():
        mapping = mappings.get(sink.mapping, {})
        if not sink.filtered and not mapping.get("filtered"):
            continue
        passed = {
            shard["shard"]: int(shard["position"])
            for shard in mapping.get("shards", ())
            if (shard["position"] or "").isdecimal()
        }
        doubt = None if since is None else SINCE_EVER
        found[name] = FilteredOut(mapping.get("filtered", 0), doubt, passed)
    return found


def _measured(target: "Target", since: datetime | None) -> "dict[str, FilteredOut]":
    from sluice.audit.evidence import FilteredOut
    from sluice.audit.stream import created_at, filtered_out

    now = datetime.now(UTC)
    found = {}
    for name, sink in target.outputs.sinks.items():
        if sink.filtered and sink.mapping is not None:
            begun = since or created_at(target.kinesis, sink.stream or target.outputs.stream_name)
            found[name] = FilteredOut(filtered_out(target.cloudwatch, sink.mapping, begun, now), BY_METRIC)
    return found


def _status(url: str) -> dict[str, Any]:
    import urllib3

    try:
        answer = urllib3.request("GET", f"{url}/status", timeout=SECONDS, retries=2)
        status: dict[str, Any] = json.loads(answer.data)
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise EnvironmentProblem(
            f"the local cloud does not say what its filters dropped ({type(error).__name__}): look whether "
            "`sluice local` still runs, then try again"
        ) from error
    return status
