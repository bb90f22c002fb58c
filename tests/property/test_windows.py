"""Whatever Lambda, DynamoDB and Kinesis do: merged windows are what plain Python computes over the events.

The real aggregator runs over tables, a stream and a queue in memory (`aggregator_rig`), handed its records by
a model of Lambda that keeps to no more than what AWS promises (`aggregator_world`). A tape of numbers decides
what goes wrong in each call and between any two; when it is used up nothing does, and everything must end.
"""

import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zlib import crc32

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluice.errors import DeliveryError
from sluice.windows.items import Header
from sluice.windows.keys import claim_key
from sluice.windows.reader import WindowReader, WindowRow
from sluice.windows.store import WindowTable
from tests.property.aggregator_rig import Tape
from tests.property.aggregator_world import World, returning
from tests.property.fake_kinesis import Arrival, Shard
from tests.unit.delivery.builders import Killed

EXAMPLES = int(os.environ.get("SLUICE_EXAMPLES", "250"))
"""`make soak` asks for more."""

START = 1_700_000_000_000
NATURES = ("good",) * 12 + ("aside", "poison", "killer", "deadly", "touchy", "old", "ahead")
REFUSED = {
    "poison": "contract",
    "killer": "crash",
    "deadly": "crash",
    "touchy": "crash",
    "old": "rejected",
    "ahead": "rejected",
}
LAYOUTS = ("one", "two", "split", "merge")
BEFORE_ARRIVAL = (0, 0, 0, 1, 9, 11, 35, 70, 3 * 86_400)
"""Seconds; -20 would be an event from the future, which counts all the same."""


@dataclass(frozen=True)
class Planned:
    """One event to be: `gap` is the time since the one before, in steps of half a second.

    One that `joins` comes in an aggregate with the one before in its shard.
    """

    nature: str
    gap: int
    age: int
    id: int
    page: int
    amount: int
    left: bool
    joins: bool


planned = st.builds(
    Planned,
    nature=st.sampled_from(NATURES),
    gap=st.integers(0, 15),
    age=st.sampled_from((*BEFORE_ARRIVAL, -20)),
    id=st.integers(0, 12),
    page=st.integers(0, 2),
    amount=st.integers(-50, 10**15),
    left=st.booleans(),
    joins=st.sampled_from((False, False, True)),
)


class Case:
    """The records, where they go, and the world that they go through."""

    def __init__(self, plans: list[Planned], layout: str, tape: Tape) -> None:
        self.natures: dict[str, str] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.shards = self.lay_out(plans, layout)
        self.world = World(self.shards, tape)
        self.table = WindowTable(cast("Any", self.world.outside.dynamodb), "windows")

    def lay_out(self, plans: list[Planned], layout: str) -> list[Shard]:
        middle = len(plans) // 2
        at = [START + 500 * sum(plan.gap for plan in plans[: n + 1]) for n in range(len(plans))]
        turn = at[middle] if plans else START
        parents = (
            [Shard("s0", START)] if layout in ("one", "split") else [Shard("s0", START), Shard("s1", START)]
        )
        children: list[Shard] = []
        planned_in: dict[str, tuple[Shard, Arrival, list[Planned]]] = {}
        if layout in ("split", "merge"):
            children = [Shard("s2", turn), Shard("s3", turn)][: 2 if layout == "split" else 1]
            for parent in parents:
                parent.closed = turn
        for number, (plan, moment) in enumerate(zip(plans, at, strict=True)):
            these = children if children and number >= middle else parents
            shard = these[0] if plan.left else these[-1]
            if plan.joins and shard.arrivals:
                arrival = shard.arrivals[-1]
                arrival.join(self.data(plan, arrival.at / 1000))
            else:
                arrival = Arrival(number, moment, self.data(plan, moment / 1000))
                shard.arrivals.append(arrival)
            planned_in.setdefault(f"{shard.name}/{arrival.sequence}", (shard, arrival, []))[2].append(plan)
        for shard, arrival, inside in planned_in.values():
            for plan, (position, _, _) in zip(inside, arrival.events(), strict=True):
                arrived = arrival.at / 1000
                self.natures[f"{shard.name}/{position}"] = plan.nature
                self.events[f"{shard.name}/{position}"] = {**self.event(plan, arrived), "arrived": arrived}
        return [*parents, *children]

    def event(self, plan: Planned, arrived: float) -> dict[str, Any]:
        page = plan.nature if plan.nature in ("deadly", "touchy") else f"page{plan.page}"
        age = {"old": 401 * 86_400, "ahead": -367 * 86_400}.get(plan.nature, plan.age)
        return {
            "type": "aside" if plan.nature == "aside" else "hit",
            "at": datetime.fromtimestamp(arrived - age, UTC),
            "id": "killer" if plan.nature == "killer" else f"h{plan.id}",
            "page": page,
            "amount": plan.amount,
            "weight": plan.amount / 10,
        }

    def data(self, plan: Planned, arrived: float) -> bytes:
        if plan.nature == "poison":
            return b"not json"
        event = self.event(plan, arrived)
        event["at"] = event["at"].isoformat()
        if plan.nature == "aside":
            event = {"type": "aside", "at": event["at"]}
        return json.dumps(event).encode()

    def headers(self, shard: str) -> list[Header]:
        lane = self.table.lane(shard)
        return list(self.table.headers(shard, 0, lane.number if lane else 0))

    def refused(self) -> set[str]:
        """The identities of the records that committed segments have refused."""
        return {
            f"{shard.name}/{position}"
            for shard in self.shards
            for header in self.headers(shard.name)
            for position in header.refused
        }

    def counted(self) -> set[str]:
        """What is taken in: what was not refused, and what of that was redriven; answers may be lost."""
        items = self.world.outside.dynamodb.tables["windows"]
        redriven = {identity for pk, identity in items if pk == "redriven"}
        assert self.world.redriven & self.refused() - self.uncounted() <= redriven <= self.refused()
        return (self.natures.keys() - self.refused()) | redriven

    def uncounted(self) -> set[str]:
        """What no metric is about, whatever becomes of it."""
        return {identity for identity, nature in self.natures.items() if nature == "aside"}

    def winners(self) -> set[str]:
        """The identities of the records that have a claim."""
        claims = self.world.outside.dynamodb.tables["claims"]
        found = set()
        for event in self.events.values():
            item = claims.get((claim_key("hit", event["id"])["pk"]["S"],))
            found |= {item["record"]["S"]} if item else set()
        return found

    def read(self, metric: str, version: str = "all") -> list[WindowRow]:
        world = self.world
        reader = WindowReader(cast("Any", world.outside.dynamodb), "windows", days=400, now=world.outside.now)
        return reader.read(metric, version=version)


def check_segments(case: Case) -> None:
    """The segments of a shard cover every record once, and the books say the same."""
    ledger = case.world.outside.dynamodb.tables["ledger"]
    for shard in case.shards:
        headers = case.headers(shard.name)
        lasts = [-1, *(header.last for header in headers)]
        assert all(last < header.first <= header.last for last, header in zip(lasts, headers, strict=False))
        sequences = [int(one.sequence) for one in shard.arrivals for _ in one.events()]
        for last, header in zip(lasts, headers, strict=False):
            inside = [sequence for sequence in sequences if last < sequence <= header.last]
            assert inside
            assert (inside[0], inside[-1]) == (header.first, header.last)
            assert header.delivered + header.skipped + header.dead_lettered == len(inside)
            assert header.dead_lettered == len(header.refused)
        assert not sequences or lasts[-1] == sequences[-1]
        books = [item for (lane, _), item in ledger.items() if lane == f"windows#{shard.name}"]
        assert sorted((int(item["first"]["S"]), int(item["last"]["S"])) for item in books) == [
            (header.first, header.last) for header in headers
        ]
        for name in ("delivered", "skipped", "dead_lettered"):
            assert sum(int(item[name]["N"]) for item in books) == sum(getattr(one, name) for one in headers)
        inside = [len(one.inside) for one in shard.arrivals if one.inside]
        assert sum(int(item["aggregates"]["N"]) for item in books) == len(inside)
        assert sum(int(item["aggregated"]["N"]) for item in books) == sum(inside)


def check_refused(case: Case) -> None:
    """What has to be refused is, with its dead letter; nothing else but what was in hand when a call died."""
    refused = case.refused()
    for identity, nature in case.natures.items():
        kind = REFUSED.get(nature)
        letter = case.world.outside.letterbox.held.get(f"windows/{identity}")
        if kind is not None:
            assert identity in refused
            assert letter is not None
            assert letter.kind in (kind, "crash")
        elif identity in refused:
            assert letter is not None
            assert letter.kind == "crash"
            assert case.world.troubled, "a good record was put aside though no call had died"


def check_windows(case: Case, counted: Iterable[str]) -> None:
    """Windows are what plain Python says about the events that were taken in."""
    hits = {identity: case.events[identity] for identity in counted if case.events[identity]["type"] == "hit"}
    winners = {identity: hit for identity, hit in hits.items() if identity in case.winners()}
    assert len({hit["id"] for hit in winners.values()}) == len(winners)
    assert rows_of(case.read("stays")) == plainly(hits.values(), 10, weighed=True)
    assert rows_of(case.read("once")) == plainly(winners.values(), 30)
    assert sum(row.values["count"] for row in case.read("reshaped")) == len(hits)
    grows: Counter[datetime] = Counter(start_of(hit["at"], 60) for hit in hits.values())
    amounts: dict[datetime, int] = defaultdict(int)
    for hit in hits.values():
        amounts[start_of(hit["at"], 60)] += hit["amount"]
    rows = case.read("grows")
    assert {row.window_start: row.values["count"] for row in rows} == dict(grows)
    for row in rows:
        assert row.values.get("amount") in (None, amounts[row.window_start])


def rows_of(rows: list[WindowRow]) -> dict[Any, Any]:
    found = {(row.window_start, row.group["page"]): {**row.values, "late": row.late} for row in rows}
    assert len(found) == len(rows)
    return found


def plainly(hits: Iterable[dict[str, Any]], seconds: int, *, weighed: bool = False) -> dict[Any, Any]:
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for hit in hits:
        groups[start_of(hit["at"], seconds), hit["page"]].append(hit)
    return {
        (start, page): {
            "count": len(group),
            "amount": sum(hit["amount"] for hit in group),
            **({"weight": math.fsum(hit["weight"] for hit in group)} if weighed else {}),
            **({"most": max(hit["amount"] for hit in group)} if weighed else {}),
            "late": sum(hit["arrived"] >= (start + timedelta(seconds=seconds)).timestamp() for hit in group),
        }
        for (start, page), group in groups.items()
    }


def start_of(at: datetime, seconds: int) -> datetime:
    second = int(at.timestamp() // 1)
    return datetime.fromtimestamp(second - second % seconds, UTC)


def check_complete(case: Case) -> None:
    """In the end every window that is over is complete."""
    watermark = case.table.watermark()
    assert watermark is not None
    assert watermark.through >= case.world.end
    for row in case.read("stays"):
        assert row.provisional == (row.window_end.timestamp() * 1000 > watermark.through)


def redrive(case: Case, identities: Iterable[str]) -> dict[str, str]:
    """Drive records in again until each is settled, whatever goes wrong on the way."""
    waiting, outcomes = set(identities), dict[str, str]()
    for _ in range(200):
        if not waiting:
            return outcomes
        entries = [entry for shard in case.shards for entry in returning(shard, waiting)]
        try:
            answer = case.world.runtime().invoke({"Records": entries, "redrive": True})
        except Killed:
            case.world.runtimes = [None, None]
            continue
        except DeliveryError:
            continue
        left = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        unsettled = waiting - answer["outcomes"].keys()
        assert left == {identity.split("/")[1].partition(":")[0] for identity in unsettled}
        outcomes |= answer["outcomes"]
        waiting -= outcomes.keys()
    raise AssertionError("a redrive does not end")


def check_redrive(case: Case, tape: Tape) -> None:
    """What was put aside counts once it is driven in again, once, and what counts already counts no more."""
    counted = case.counted()
    curable = {identity for identity in case.refused() if case.natures[identity] in ("good", "aside")}
    case.world.outside.tape = case.world.outside.letterbox.tape = tape
    case.world.runtimes = [None, None]
    for _ in range(2):
        outcomes = redrive(case, curable | {identity for identity in counted if crc32(identity.encode()) % 2})
        assert "dead_lettered" not in outcomes.values()
    check_windows(case, counted | curable)


@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(
    plans=st.lists(planned, min_size=1, max_size=5) | st.lists(planned, min_size=12, max_size=30),
    layout=st.sampled_from(LAYOUTS),
    seed=st.integers(0, 2**32),
    length=st.sampled_from((0, 50, 300, 1500)),
    rate=st.sampled_from((0.03, 0.1, 0.2, 0.35)),
)
def test_merged_windows_equal_what_plain_python_computes(
    plans: list[Planned], layout: str, seed: int, length: int, rate: float
) -> None:
    case = Case(plans, layout, Tape(seed, length, rate))
    case.world.run()
    check_segments(case)
    check_refused(case)
    check_windows(case, case.counted())
    check_complete(case)
    check_redrive(case, Tape(seed + 1, length // 4, rate))
