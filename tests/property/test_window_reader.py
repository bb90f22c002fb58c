"""However segments come, crash and are asked about, readers tell exactly what was committed."""

from collections import Counter
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.windows.reader import WindowReader
from tests.unit.windows import planted
from tests.unit.windows.aws import WINDOWS
from tests.unit.windows.planted import NOW
from tests.unit.windows.test_reader import BYTES, COUNT, REQUESTS, seen

TIMES = ("09:45", "10:00", "10:45", "11:30")
EVENTS = st.lists(
    st.tuples(st.sampled_from(TIMES), st.sampled_from([200, 404]), st.sampled_from(["a", None])),
    min_size=1,
    max_size=5,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["s1", "s2", "s1#redriven"]), EVENTS, st.booleans()),
        st.sampled_from(["refresh", "read some", "read all"]),
    ),
    min_size=1,
    max_size=12,
)
ASKED: tuple[dict[str, Any], ...] = ({}, {"by": ["site"]}, {"by": (), "step": 3600}, {"step": "all"})


def windows(events: list[Any]) -> list[Any]:
    """The events as the windows of one segment; each is worth its minute in bytes."""
    found: dict[str, dict[Any, Any]] = {}
    for time, status, site in events:
        group = found.setdefault(time, {}).setdefault((status, site), seen())
        group[COUNT] = [*group[COUNT], None]
        group[BYTES] = [*group[BYTES], int(time[3:]) + 1]
    return [(REQUESTS, time, groups) for time, groups in found.items()]


def totals(reader: Any, asked: dict[str, Any]) -> Counter[Any]:
    rows = reader.read("requests", **asked)
    return Counter(
        {
            (row.window_start, *row.group.values()): row.values["count"] * 1000 + row.values["bytes"]
            for row in rows
        }
    )


def plain(events: list[Any], asked: dict[str, Any]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    first = min((time for time, _, _ in events), default="")
    for time, status, site in events:
        start = {None: time, 3600: f"{time[:2]}:00", "all": first}[asked.get("step")]
        group = (status, site) if "by" not in asked else (site,) if asked["by"] else ()
        moment = datetime.fromtimestamp(planted.at(start), NOW.tzinfo)
        found[moment, *group] += 1000 + int(time[3:]) + 1
    return found


@settings(max_examples=20, deadline=None)
@given(steps=STEPS, most_rows=st.sampled_from([0, 3, 1000]))
def test_a_follower_and_a_fresh_reader_tell_what_was_committed(steps: list[Any], most_rows: int) -> None:
    with planted.running() as table:
        table.define(REQUESTS)
        reader = WindowReader(table.dynamodb, WINDOWS, days=30, now=lambda: NOW)
        follower = reader.follow(most_rows=most_rows)
        committed: list[Any] = []
        told: list[Any] | None = None
        for step in steps:
            match step:
                case "refresh":
                    follower.refresh()
                    told = list(committed)
                case "read some":
                    told = list(committed) if told is None else told
                    follower.read("requests", since=NOW.replace(hour=10), until=NOW.replace(hour=11))
                case "read all":
                    told = list(committed) if told is None else told
                    for asked in ASKED:
                        assert totals(follower, asked) == plain(told, asked)
                case lane, events, commits:
                    table.segment(lane, *windows(events), committed=commits)
                    committed += events if commits else []
        follower.refresh()
        for asked in ASKED:
            assert totals(follower, asked) == plain(committed, asked) == totals(reader, asked)
