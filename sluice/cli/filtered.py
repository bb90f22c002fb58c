"""What the filters of a target's mappings dropped: it costs no invocation, so no ledger knows of it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sluice.audit.evidence import FilteredOut
    from sluice.cli.target import Target
    from sluice.local.endpoints import Endpoints

BY_METRIC = "known from Lambda's metric FilteredOutEventCount alone, which is minutes late and approximate"
SINCE_EVER = "counted since the mapping was made, and not only since then"


def filtered_of(target: "Target", since: datetime | None) -> "dict[str, FilteredOut]":
    """Return what was dropped since a moment (None: ever), by sink, for those that have a filter.

    Raises:
        EnvironmentProblem: the local cloud does not answer.
    """
    if target.endpoints is not None:
        return _counted(target, target.endpoints, since)
    return _measured(target, since)


def _counted(target: "Target", endpoints: "Endpoints", since: datetime | None) -> "dict[str, FilteredOut]":
    """Ask the local mappings themselves."""
    from sluice.audit.evidence import FilteredOut
    from sluice.cli.local_status import status_of

    if all(sink.mapping is None for sink in target.outputs.sinks.values()):
        return {}
    mappings = {mapping["mapping"]: mapping for mapping in status_of(endpoints)["mappings"]}
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
