"""Requests to a web site beside sales that have every kind of column: what a lake's reader must get back."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from sluice.contract import Event, Json, Nested, field
from sluice.pipeline import Pipeline


class WebRequest(Event, type="web_request", id="request_id", time="requested_at", cluster=["status", "path"]):
    """A request that the web server answered."""

    request_id: Annotated[str, field("Unique id of the request", max_length=64, pattern="^[a-z]+-[0-9]+$")]
    client_ip: Annotated[str, field("Address of the client", max_length=45)]
    requested_at: Annotated[datetime, field("When the request arrived")]
    method: Annotated[
        Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], field("HTTP method")
    ]
    path: Annotated[str, field("Path and query, as requested", max_length=4_000)]
    protocol: Annotated[str, field("Version of HTTP", pattern=r"^HTTP/[0-9](\.[0-9])?$")]
    status: Annotated[int, field("Status of the answer", ge=100, le=599)]
    bytes: Annotated[int | None, field("Size of the answer's body, null when none was sent", ge=0)] = None
    referrer: Annotated[str | None, field("Page that linked here", max_length=4_000)] = None
    user_agent: Annotated[str | None, field("Browser, as it names itself", max_length=1_000)] = None


class Line(Nested):
    """One article of a sale."""

    sku: Annotated[str, field("Article number")]
    price: Annotated[Decimal, field("Price of one", ge=0)]


class Sale(Event, type="Sale", id="id", time="paid_at"):
    """A sale with every kind of column."""

    id: Annotated[str, field("Unique id of the sale")]
    paid_at: Annotated[datetime, field("When it was paid")]
    total: Annotated[Decimal, field("What was paid")]
    count: Annotated[int, field("How many articles")]
    weight: Annotated[float, field("In kilogrammes")]
    gift: Annotated[bool, field("Wrapped as a gift")]
    ships_on: Annotated[date | None, field("Day the goods leave")] = None
    first: Annotated[Line | None, field("The first article")] = None
    lines: Annotated[list[Line], field("All articles")] = []
    tags: Annotated[list[str], field("What it was tagged with")] = []
    extra: Annotated[Json | None, field("Whatever else")] = None


pipeline = Pipeline(events=[WebRequest, Sale])
