"""Every kind of alarm: what it asks, what it means, when it rings, and why so.

Each kind has a runbook, docs/runbooks/KIND.md, and becomes one alarm for each sink, function or thing that it
is about: see infra/alarms_watched.py. What is data here is compared with the pages by tests.

No alarm rings because data is missing: where nothing arrives, nothing is counted, and an idle environment is
healthy. Nor does one stop ringing by it that waits for somebody to look. What must be noticed by its absence
is asked for in so many words, by `sink-silent` and by the audit.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from infra.alarm_kind import BAD_EVENTS, IN_TROUBLE, OVERLOADED, Composite, Kind
from infra.alarm_kinds_late import LATE
from infra.alarm_kinds_losing import LOSING
from infra.alarm_kinds_running import RUNNING

KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in (*LATE, *RUNNING, *LOSING)})
"""By name, in the order of the dashboard."""

COMPOSITES: Final[Mapping[str, Composite]] = MappingProxyType(
    {
        composite.name: composite
        for composite in (
            Composite(
                name=IN_TROUBLE,
                asks="Does a sink deliver?",
                means="A sink does not deliver as it should; this rings once, whatever its members say.",
                why="A service that is down makes its sink late, stale, slow and failing, all at once.",
            ),
            Composite(
                name=OVERLOADED,
                asks="Does the stream carry what is asked of it?",
                means="A stream refuses writes, reads or subscriptions.",
                why="Too few shards show at every producer and at every reader.",
            ),
            Composite(
                name=BAD_EVENTS,
                asks="Do producers keep to the contract?",
                means="Events that the contract refuses arrive; each sink keeps them as dead letters.",
                why="One bad event is refused by every sink.",
            ),
        )
    }
)
"""By name: what rings once where any of its members would."""

NAMES: Final = (*KINDS, *COMPOSITES)
"""Of all runbooks."""

GUARDING: Final = frozenset(
    {
        "function-failing",
        "function-slow",
        "sink-late",
        "bigquery-stale",
        "contract-violations",
        "rejected-rows",
        "record-crashes",
    }
)
"""Kinds that may show that the new code of a sink is worse than the one before."""
