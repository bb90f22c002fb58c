"""What the page is shown in the tests, and to those who look at its pictures."""

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sluice.contract.kinds import Kind
from tests.unit.report.world import World, definition, measure

HOSTILE = (
    "<script>document.title='owned'</script>",
    '<img src=x onerror="document.title=1">',
    "\u202egnp.live\u202c",
    "=cmd|' /C calc'!A0",
    "a\x00b\x1b[31mred",
    "'; DROP TABLE windows; --",
    "👩‍👩‍👧‍👦 family",
    "x" * 900,
    "",
    "no value",
    "{{constructor.constructor('return 1')()}}",
    "line\nbreak",
)


def shop(now: datetime | None = None, hours: int = 26) -> World:
    """A shop's afternoon: money, page views, searches, one metric that is gone."""
    now = now or datetime.now(UTC)
    draw = random.Random(7)  # noqa: S311 - the same picture each time
    world = World()
    windows = world.windows
    revenue = windows.add(
        definition(
            "revenue_by_currency",
            measure("count"),
            measure("revenue", "sum", Kind.DECIMAL),
            measure("basket", "mean", Kind.DECIMAL),
            by={"currency": Kind.STRING, "method": Kind.STRING},
            description="What was paid, in each currency",
        )
    )
    views = windows.add(
        definition(
            "page_views",
            measure("views", "count"),
            measure("visitors", "distinct", Kind.STRING),
            measure("load_ms", "quantiles", Kind.INTEGER, fractions=[0.5, 0.95]),
            by={"platform": Kind.STRING},
            description="Pages shown to people",
        )
    )
    searches = windows.add(
        definition(
            "top_searches", measure("queries", "topk", Kind.STRING, k=10), measure("count"), by={}, window=300
        )
    )
    gone = windows.add(definition("sign_ups", by={"country": Kind.STRING}, window=900))
    world.current = [revenue, views, searches]
    start = now.replace(second=0, microsecond=0) - timedelta(hours=hours)
    for minute in range(hours * 60 + 1):
        at = start + timedelta(minutes=minute)
        wave = 1 + 0.55 * math.sin(minute / 95) + 0.12 * math.sin(minute / 7)
        for currency, share in (("EUR", 40), ("USD", 22), ("GBP", 9), ("CHF", 4)):
            for method, part in (("card", 0.7), ("paypal", 0.2), (None, 0.1)):
                count = max(int(share * part * wave * draw.uniform(0.7, 1.3)), 0)
                paid = Decimal(count * draw.randint(1900, 5900)) / 100
                windows.put(
                    revenue,
                    at,
                    (currency, method),
                    count=count,
                    revenue=paid,
                    basket=float(paid) / max(count, 1),
                )
        for platform, share in (("web", 220), ("ios", 130), ("android", 170), (None, 6)):
            count = int(share * wave * draw.uniform(0.85, 1.15))
            low = draw.uniform(180, 260)
            load = {"p50": low, "p95": low * draw.uniform(3, 4)}
            windows.put(views, at, (platform,), views=count, visitors=int(count * 0.6), load_ms=load)
        if minute % 5 == 0:
            words = [
                "shoes",
                "rain jacket",
                "gift card",
                "socks",
                "tent",
                "backpack",
                "lamp",
                "sofa",
                "mug",
                "pen",
            ]
            top = [
                {"value": word, "count": int(400 / (place + 1) * wave)} for place, word in enumerate(words)
            ]
            windows.put(searches, at, (), queries=top, count=sum(each["count"] for each in top))
        if minute % 15 == 0:
            windows.put(gone, at, ("AT",), count=draw.randint(1, 9))
    windows.marked = now.replace(second=0, microsecond=0) - timedelta(minutes=2)
    world.flow.document = flow(now)
    world.letters.letters = [letter(number, now) for number in range(14)]
    return world


def flow(now: datetime, sinks: tuple[str, ...] = ("bigquery", "windows")) -> dict[str, Any]:
    draw = random.Random(3)  # noqa: S311 - the same picture each time
    end = int(now.timestamp()) // 15 * 15
    begin = end - 3600
    steps = range(begin, end, 15)

    def column(low: float, high: float) -> list[float]:
        return [round(draw.uniform(low, high) * (1 + 0.3 * math.sin(at / 300)), 1) for at in steps]

    return {
        "begin": begin,
        "end": end,
        "step": 15,
        "asked": begin,
        "sinks": [
            {
                "sink": sink,
                "records": 1_284_410,
                "rate": column(300, 380),
                "p50": column(700, 900) if place == 0 else column(1_500, 2_300),
                "p99": column(1_800, 2_900) if place == 0 else column(4_000, 6_000),
                "whole": {"p50": 812.7, "p99": 2435.5},
            }
            for place, sink in enumerate(sinks)
        ],
        "balance": {
            "since": begin,
            "until": None,
            "produced": 1_284_702,
            "sinks": [
                {
                    "sink": sink,
                    "delivered": 1_279_900 - place * 40,
                    "dead_lettered": 14,
                    "skipped": 4_748 * (place + 1) if place else 4_788,
                    "in_flight": 0 if place == 0 else 312,
                    "surplus": 0,
                }
                for place, sink in enumerate(sinks)
            ],
        },
    }


def letter(number: int, now: datetime, **more: Any) -> dict[str, Any]:
    kinds = ("contract", "rejected", "crash")
    return {
        "id": f"bigquery/shardId-000000000000:{number}",
        "sink": "bigquery" if number % 3 else "windows",
        "kind": kinds[number % 3],
        "type": "transaction",
        "field": "amount",
        "reason": "Expected `decimal` with at most 2 digits after the point, got `12.345`",
        "shard": "shardId-000000000000",
        "failed_at": (now - timedelta(minutes=3 * number)).isoformat(),
        "arrived_at": now.isoformat(),
        "count": 1,
        **more,
    }


def many_groups(count: int = 10_000, now: datetime | None = None) -> World:
    now = now or datetime.now(UTC)
    world = World()
    metric = world.windows.add(
        definition(
            "requests_by_customer",
            measure("count"),
            measure("bytes", "sum", Kind.INTEGER),
            by={"customer": Kind.STRING},
        )
    )
    world.current = [metric]
    for minute in range(3):
        at = now.replace(second=0, microsecond=0) - timedelta(minutes=minute)
        for number in range(count):
            weight = 1 + 4_000 // (number + 1)
            world.windows.put(metric, at, (f"customer {number:05d}",), count=weight, bytes=weight * 1_733)
    world.windows.marked = now - timedelta(minutes=2)
    return world


def hostile(now: datetime | None = None) -> World:
    now = now or datetime.now(UTC)
    world = World()
    metric = world.windows.add(definition("requests", by={"agent": Kind.STRING}))
    world.current = [metric]
    for minute in range(30):
        at = now.replace(second=0, microsecond=0) - timedelta(minutes=minute)
        for place, name in enumerate((*HOSTILE, None)):
            world.windows.put(metric, at, (name,), count=40 - place)
    world.windows.marked = now - timedelta(minutes=3)
    world.letters.letters = [
        letter(place, now, reason=name, field=name, type=name) for place, name in enumerate(HOSTILE)
    ]
    return world
