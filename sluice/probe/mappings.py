"""The probe's event-source mappings: one for each way in which Lambda is asked to read a stream.

All but `plain` read one stream, each over a consumer of its own, and tell their records by the field `to`.
The other stream has `plain` alone, which takes whatever comes.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

StreamName = Literal["cases", "plain"]
STREAMS: Final[tuple[StreamName, ...]] = ("cases", "plain")

UNLIMITED: Final = -1


@dataclass(frozen=True, kw_only=True)
class Fed:
    """How one mapping feeds the probe's function; times in seconds, UNLIMITED as in Lambda's API.

    `windowed`: it has a tumbling window, as long as the environment says. `patterns`: what its filter lets
    through, none for everything.
    """

    name: str
    stream: StreamName = "cases"
    enhanced: bool = True
    patterns: tuple[str, ...] = ()
    batch_size: int = 100
    batching_seconds: int = 0
    retries: int = 2
    oldest_seconds: int = UNLIMITED
    parallelization: int = 1
    bisect: bool = False
    parts: bool = False
    windowed: bool = False


def pattern(to: str, case: str | None = None, **fields: Any) -> str:
    """Write a filter pattern for the records of a mapping, or of one case, by further fields."""
    data = {"to": [to], **({"case": [case]} if case else {}), **fields}
    return json.dumps({"data": data})


MAPPINGS: Final = (
    Fed(name="plain", stream="plain", batching_seconds=1, parts=True),
    Fed(name="parts", patterns=(pattern("parts"),), batch_size=10, batching_seconds=2, parts=True),
    Fed(
        name="halves",
        patterns=(pattern("halves"),),
        batch_size=8,
        batching_seconds=2,
        retries=1,
        bisect=True,
        parts=True,
    ),
    Fed(name="aged", patterns=(pattern("aged"),), retries=UNLIMITED, oldest_seconds=60),
    Fed(name="keyed", patterns=(pattern("keyed"),), batch_size=1, parallelization=4),
    Fed(name="windows", patterns=(pattern("windows"),), retries=3, windowed=True),
    Fed(
        name="filtered",
        patterns=(
            pattern("filtered", "numbers", x=[{"numeric": [">", 0]}]),
            pattern("filtered", "nothing", x=[None]),
            pattern("filtered", "absence", x=[{"exists": False}]),
            pattern("filtered", "unlike", x=[{"anything-but": ["EUR"]}]),
            pattern("filtered", "texts", x=["wanted"]),
        ),
    ),
    Fed(name="shared", enhanced=False, patterns=(pattern("shared", x=["wanted"]),)),
)

BY_NAME: Final = {each.name: each for each in MAPPINGS}
