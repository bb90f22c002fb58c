"""Requests to a web site, as a web server's access log has them."""

from datetime import datetime
from typing import Annotated, Literal

from sluice.contract import Event, field
from sluice.metrics import Count, Metric, Sum
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


pipeline = Pipeline(
    events=[WebRequest],
    metrics=[
        Metric(
            "requests_by_status",
            events=[WebRequest],
            window="15m",
            by=["status"],
            measures={"count": Count(), "bytes": Sum("bytes")},
            dedupe=True,
            description="Requests and the bytes sent in answer, by status",
        )
    ],
)
