"""What flows through this pipeline: an app's activity. The one file that you edit.

Each class is an event type: a table in BigQuery, the rules that every record is checked against, the shape of
fake data. `sluice contract show` prints what is made of it; docs/contract.md says how to write one.

Each metric is counted live, window by window: `sluice windows` and the report page show it, docs/metrics.md
says how to write one.

Each route takes the events for which its SQL is TRUE somewhere of their own: `sluice routes` shows how,
docs/routes.md says how to write one.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated

from sluice.contract import Event, Json, Nested, field
from sluice.metrics import Count, CountDistinct, Max, Mean, Metric, Quantiles, Sum, TopK
from sluice.pipeline import Pipeline
from sluice.routes import Function, Route


class Platform(Enum):
    """Where the app runs."""

    WEB = "web"
    IOS = "ios"
    ANDROID = "android"


class PaymentMethod(Enum):
    """How a purchase was paid."""

    CARD = "card"
    PAYPAL = "paypal"
    BANK_TRANSFER = "bank_transfer"
    GIFT_CARD = "gift_card"


class Point(Nested):
    """A place on the map, in degrees (WGS 84)."""

    latitude: Annotated[float, field("Degrees north", ge=-90, le=90)]
    longitude: Annotated[float, field("Degrees east", ge=-180, le=180)]


class Device(Nested):
    """What the user holds."""

    model: Annotated[str, field("Model as the maker names it", max_length=100)]
    os_version: Annotated[str, field("Version of the operating system", max_length=40)]
    screen_width: Annotated[int | None, field("Pixels", ge=1, le=20_000)] = None
    screen_height: Annotated[int | None, field("Pixels", ge=1, le=20_000)] = None


class LineItem(Nested):
    """One line of a receipt."""

    sku: Annotated[str, field("Article number", pattern=r"^[A-Z]{3}-[0-9]{6}$")]
    title: Annotated[str, field("Article as shown", max_length=200)]
    quantity: Annotated[int, field("Pieces", ge=1, le=99)]
    unit_price: Annotated[
        Decimal, field("Price of one piece, in the receipt's currency", ge=0, le=10_000, scale=2)
    ]


class AppEvent(Event):
    """What all events of the app have in common."""

    username: Annotated[str, field("Account name", min_length=1, max_length=64)]
    session_id: Annotated[str | None, field("Visit that the event belongs to", max_length=64)] = None
    platform: Annotated[Platform | None, field("Where the app runs")] = None
    app_version: Annotated[str | None, field("Version of the app", pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")] = (
        None
    )
    country: Annotated[str | None, field("Country, ISO 3166-1 alpha-2", pattern=r"^[A-Z]{2}$")] = None
    locale: Annotated[str | None, field("Language and region, such as de-AT", max_length=35)] = None
    ip_address: Annotated[str | None, field("Address the request came from", max_length=45)] = None
    device: Annotated[Device | None, field("What the user holds")] = None


class Search(AppEvent, type="search", id="search_id", time="searched_at", cluster=["username"], weight=30):
    """A search in the app."""

    search_id: Annotated[str, field("Unique id of the search", max_length=64)]
    searched_at: Annotated[datetime, field("When the user searched")]
    query: Annotated[str, field("What was typed", max_length=500)]
    tags: Annotated[list[str], field("Tags the user filtered by", max_length=50, max_items=20)] = []
    filters: Annotated[Json | None, field("The filter panel as the app sent it")] = None
    results: Annotated[int | None, field("How many results were found", ge=0)] = None
    took_ms: Annotated[float | None, field("Milliseconds until the first result", ge=0)] = None
    clicked_positions: Annotated[list[int], field("Results opened, 1 is the first", ge=1, max_items=50)] = []


class PageView(
    AppEvent, type="page_view", id="view_id", time="viewed_at", cluster=["path", "username"], weight=40
):
    """A page shown to a user."""

    view_id: Annotated[str, field("Unique id of the view", max_length=64)]
    viewed_at: Annotated[datetime, field("When the page was shown")]
    path: Annotated[str, field("Path within the site", pattern="^/", max_length=1_000)]
    url: Annotated[str | None, field("Whole address", max_length=2_000)] = None
    title: Annotated[str | None, field("Title of the page", max_length=300)] = None
    referrer: Annotated[str | None, field("Page that linked here", max_length=2_000)] = None
    user_agent: Annotated[str | None, field("Browser, as it names itself", max_length=500)] = None
    load_ms: Annotated[int | None, field("Milliseconds until the page was usable", ge=0, le=600_000)] = None
    scroll_depth: Annotated[float | None, field("Part of the page that was seen", ge=0, le=1)] = None
    experiments: Annotated[Json | None, field("Variants of running experiments, by name")] = None


class MapMove(AppEvent, type="map_move", id="move_id", time="moved_at", cluster=["username"], weight=20):
    """The map was panned or zoomed."""

    move_id: Annotated[str, field("Unique id of the move", max_length=64)]
    moved_at: Annotated[datetime, field("When the map came to rest")]
    center: Annotated[Point, field("Middle of the map")]
    zoom: Annotated[float, field("Zoom level", ge=0, le=22)]
    south_west: Annotated[Point | None, field("Lower left corner")] = None
    north_east: Annotated[Point | None, field("Upper right corner")] = None
    layers: Annotated[list[str], field("Layers that were shown", max_length=50, max_items=30)] = []
    trail: Annotated[list[Point], field("Places the map passed on its way", max_items=100)] = []
    duration_ms: Annotated[int | None, field("Milliseconds that the move took", ge=0)] = None
    by_touch: Annotated[bool, field("Moved by hand, not by the app")] = True


class Transaction(
    AppEvent, type="transaction", id="id", time="paid_at", cluster=["username", "currency"], weight=10
):
    """A purchase that was paid, or paid back."""

    id: Annotated[str, field("Unique id of the transaction", max_length=64)]
    paid_at: Annotated[datetime, field("When it was paid")]
    amount: Annotated[
        Decimal,
        field(
            "Total in the currency's main unit; negative for a refund",
            ge=-1_000_000,
            le=1_000_000,
            scale=2,
            strings=False,  # so that Lambda can tell payments from refunds by itself
        ),
    ]
    currency: Annotated[str, field("ISO 4217 code", pattern=r"^[A-Z]{3}$")] = "EUR"
    method: Annotated[PaymentMethod | None, field("How it was paid")] = None
    items: Annotated[list[LineItem], field("What was bought", max_items=100)] = []
    discount: Annotated[Decimal | None, field("Taken off the total", ge=0, scale=2)] = None
    ships_on: Annotated[date | None, field("Day the goods leave")] = None
    first_purchase: Annotated[bool, field("The user's first")] = False
    notes: Annotated[str | None, field("What the buyer wrote", max_length=2_000)] = None


pipeline = Pipeline(
    events=[Search, PageView, MapMove, Transaction],
    metrics=[
        Metric(
            "activity",
            description="What people do in the app, by kind of event",
            events=[Search, PageView, MapMove, Transaction],
            window="30s",
            by=["type"],
            measures={"events": Count(), "people": CountDistinct("username")},
        ),
        Metric(
            "page_views",
            description="Pages shown and how fast they were, by platform",
            events=[PageView],
            window="1m",
            by=["platform"],
            measures={
                "views": Count(),
                "people": CountDistinct("username"),
                "load_ms": Quantiles("load_ms", (0.5, 0.95)),
            },
        ),
        Metric(
            "revenue",
            description="Payments less refunds, by currency",
            events=[Transaction],
            window="1m",
            by=["currency"],
            groups=200,  # ISO 4217 has about 180 codes
            measures={"payments": Count(), "total": Sum("amount"), "average": Mean("amount")},
            dedupe=True,  # a payment that an app sends twice is money only once
        ),
        Metric(
            "top_searches",
            description="What people search for most",
            events=[Search],
            window="5m",
            measures={"searches": Count(), "queries": TopK("query", 10)},
        ),
        Metric(
            "slow_pages",
            description="Pages that took three seconds or longer, and whom that met",
            events=[PageView],
            window="1m",
            where="load_ms >= 3000",
            by=["platform"],
            measures={"views": Count(), "people": CountDistinct("username"), "slowest_ms": Max("load_ms")},
        ),
    ],
    routes=[
        Route(
            "payments",
            "amount >= 0",
            types=[Transaction],
            to=Function("transactions"),
            partition=True,
            description="What was paid",
        ),
        Route(
            "refunds",
            "amount < 0",
            types=[Transaction],
            to=Function("transactions"),
            partition=True,
            description="What was paid back",
        ),
    ],
)
