"""The page and its API: a Starlette application over one pipeline's sources. It only ever reads."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from sluice.errors import UsageError
from sluice.report.chart import Chart
from sluice.report.download import csv_lines
from sluice.report.groups import find_values, parse_filter
from sluice.report.headers import SecurityHeaders
from sluice.report.metrics import Offered, card, choose, offered
from sluice.report.ranges import Range, floor
from sluice.report.shared import Reading, Shared
from sluice.report.sources import Sources
from sluice.report.static_files import Static

STATIC = Path(__file__).with_name("static")

WINDOWS_SECONDS = 1.5
FLOW_SECONDS = 4.0
LETTERS_SECONDS = 15.0
VALUES_SECONDS = 10.0
"""How old an answer may be before the next question is worked out anew."""

LOCAL_HOSTS = ("127.0.0.1", "localhost")
"""Other names in a request come from a page that wants to read this one through the user's browser."""

Work = Callable[[datetime], Any]


def create_app(
    sources: Sources,
    *,
    hosts: Sequence[str] = LOCAL_HOSTS,
    connect_to: Sequence[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    shared: Shared | None = None,
) -> Starlette:
    """Return the application.

    `hosts` are the names under which it may be asked for, `connect_to` the other servers that the page's
    scripts may ask, which signing in needs.
    """
    api = _Api(sources, now, Shared(now=now) if shared is None else shared)
    static = Static(STATIC)
    routes = [
        Route("/", static.page),
        Route("/login.json", api.login),
        Route("/static/{path:path}", static.file),
        Mount(
            "/api",
            routes=[
                Route("/overview", api.overview),
                Route("/chart", api.chart),
                Route("/values", api.values),
                Route("/flow", api.flow),
                Route("/letters", api.letters),
                Route("/windows.csv", api.download),
            ],
        ),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False),
        Middleware(SecurityHeaders, connect_to=connect_to),
        Middleware(GZipMiddleware, minimum_size=1_000),
    ]
    return Starlette(
        routes=routes, middleware=middleware, exception_handlers={UsageError: _wrong, Exception: _unexpected}
    )


class _Api:
    """The questions a page asks. Starlette runs each in a thread, since all of them are plain functions."""

    def __init__(self, sources: Sources, now: Callable[[], datetime], shared: Shared) -> None:
        self._sources, self._now, self._shared = sources, now, shared

    def login(self, request: Request) -> Response:
        """Say how to sign in; holds no data."""
        return _answer(request, Reading(dict(self._sources.login), None))

    def overview(self, request: Request) -> Response:
        """Tell which metrics there are, and how each is doing."""

        def work(now: datetime) -> dict[str, Any]:
            sources = self._sources
            choices = offered(sources)
            watermark = sources.windows.watermark()
            return {
                "name": sources.name,
                "environment": sources.environment,
                "poll_seconds": sources.poll_seconds,
                "watermark": None if watermark is None else int(watermark.timestamp()),
                "metrics": [card(sources.windows, each, now) for each in choices if each.state == "current"],
                "others": [each.document() for each in choices if each.state != "current"],
            }

        return self._shared_answer(request, ("overview",), work, WINDOWS_SECONDS, self._state)

    def chart(self, request: Request) -> Response:
        """Answer with steps of time of one metric's figure."""
        asked = request.query_params

        def work(now: datetime) -> dict[str, Any]:
            choice = self._choice(asked)
            return Chart(
                self._sources.windows,
                choice,
                choice.figure(asked.get("figure")),
                shown=_range(asked, now),
                group=parse_filter(choice.definition, asked.get("group")),
                now=now,
            ).answer()

        return self._shared_answer(request, ("chart", *_all(asked)), work, WINDOWS_SECONDS, self._state)

    def values(self, request: Request) -> Response:
        """Answer with the values of one group field that contain what was typed."""
        asked = request.query_params

        def work(now: datetime) -> dict[str, Any]:
            choice = self._choice(asked)
            shown = _range(asked, now)
            return find_values(
                self._sources.windows, choice.definition, asked.get("field"), asked.get("q", ""), shown
            )

        return self._shared_answer(request, ("values", *_all(asked)), work, VALUES_SECONDS)

    def flow(self, request: Request) -> Response:
        """Answer with throughput, latency and balance."""
        asked = request.query_params

        def work(now: datetime) -> dict[str, Any]:
            return self._sources.flow.answer(_range(asked, now).since, now)

        return self._shared_answer(request, ("flow", *_all(asked)), work, FLOW_SECONDS)

    def letters(self, request: Request) -> Response:
        """Answer with the newest dead letters."""
        return self._shared_answer(
            request, ("letters",), lambda _: self._sources.letters.answer(), LETTERS_SECONDS
        )

    def download(self, request: Request) -> Response:
        """Answer with all windows and groups of a range as a CSV file."""
        asked = request.query_params

        def work(now: datetime) -> bytes:
            choice = self._choice(asked)
            shown = _range(asked, now)
            rows = self._sources.windows.read(
                choice.definition.name,
                version=choice.definition.version,
                since=shown.since,
                until=shown.until,
                group=parse_filter(choice.definition, asked.get("group")) or None,
            )
            return self._bounded(csv_lines(choice, rows))

        found = Shared(now=self._now).get("download", lambda: work(self._now()), seconds=0)
        if found.problem is not None:
            return _problem(503, found.problem)
        name = f"{asked.get('metric') or 'windows'}-{self._now():%Y%m%dT%H%M%SZ}.csv"
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
        headers = {"content-disposition": f'attachment; filename="{safe}"', "cache-control": "no-store"}
        return Response(found.value, media_type="text/csv; charset=utf-8", headers=headers)

    def _bounded(self, chunks: Any) -> bytes:
        most = self._sources.most_bytes
        found, size = [], 0
        for chunk in chunks:
            found.append(chunk)
            size += len(chunk)
            if most is not None and size > most:
                raise UsageError(
                    f"these windows are more than {most / 1e6:g} MB, which no answer of this server holds: "
                    "choose a shorter time range or a group"
                )
        return b"".join(found)

    def _choice(self, asked: Mapping[str, str]) -> Offered:
        return choose(offered(self._sources), asked.get("metric"))

    def _state(self, now: datetime) -> object:
        """Return what charts and cards follow from: windows, metrics, and which of them lie in the range."""
        choices = offered(self._sources)
        shortest = min((each.definition.window for each in choices), default=1)
        versions = [(each.id, each.definition.version, each.state) for each in choices]
        return self._sources.windows.changes(), floor(now, shortest), versions

    def _shared_answer(
        self, request: Request, key: tuple[str, ...], work: Work, seconds: float, state: Work | None = None
    ) -> Response:
        reading = self._shared.get(
            key,
            lambda: work(self._now()),
            seconds=seconds,
            state=(lambda: state(self._now())) if state else None,
        )
        return _answer(request, reading)


def _range(asked: Mapping[str, str], now: datetime) -> Range:
    return Range.parse(asked.get("range"), asked.get("since"), asked.get("until"), now)


def _all(asked: Any) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in sorted(asked.items()))


def _answer(request: Request, reading: Reading) -> Response:
    """Send a reading, or 304 where the page has it already."""
    if reading.value is None:
        return _problem(503, reading.problem or "nothing was read")
    document: dict[str, Any] = {"data": reading.value}
    if reading.problem is not None:
        document |= {"problem": reading.problem, "read_at": reading.read_at}
    body = msgspec.json.encode(document)
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if tag in {each.strip() for each in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _problem(status: int, text: str) -> Response:
    body = msgspec.json.encode({"problem": text})
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def _unexpected(_: Request, error: Exception) -> Response:
    """Tell what is wrong with this program itself; the server that runs it has the traceback."""
    return _problem(500, f"unexpected {type(error).__name__}: {error}")


def _wrong(_: Request, error: Exception) -> Response:
    return _problem(400, str(error))
