"""The page's Lambda, put together from its environment: read-only, and never without a login before it."""

import json
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from mangum import Mangum

from sluice.deadline import LambdaContext
from sluice.delivery import clients
from sluice.delivery.environment import days, required
from sluice.errors import SettingsError, told
from sluice.observing.observer import Observer
from sluice.report.app import create_app
from sluice.report.live import Clients, Places, SinkPlace, live_sources

if TYPE_CHECKING:
    from sluice.pipeline import Pipeline

POLL_SECONDS = 5.0
"""Each poll is an invocation: a deployed page asks less often than one on a laptop."""

MOST_BYTES = 4_500_000
"""Of an answer: Lambda gives back 6 MB, and compressed ones travel in base64."""

SERVER_ERROR = 500
"""From this status of HTTP on the page has failed, and not its reader."""

ISSUER_SECONDS = 3
WINDOW_DAYS = 400


def report(
    pipeline: "Pipeline", environ: Mapping[str, str] = os.environ
) -> Callable[[Any, LambdaContext], Mapping[str, Any]]:
    """Return the handler of the report page.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    places = Places(
        name=required(environ, "SLUICE_STREAM"),
        environment=required(environ, "SLUICE_STACK"),
        stream=required(environ, "SLUICE_STREAM"),
        windows_table=required(environ, "SLUICE_WINDOWS_TABLE"),
        window_days=days(environ, "SLUICE_WINDOW_DAYS", WINDOW_DAYS),
        ledger_table=required(environ, "SLUICE_LEDGER_TABLE"),
        queue_url=required(environ, "SLUICE_DEAD_LETTER_QUEUE_URL"),
        sinks=_sinks(required(environ, "SLUICE_REPORT_SINKS")),
    )
    login = _login(environ)
    sources = live_sources(
        places,
        Clients(
            dynamodb=clients.windows(),
            kinesis=clients.kinesis(),
            cloudwatch=clients.cloudwatch(),
            sqs=clients.sqs(),
        ),
        current=lambda: [metric.definition for metric in pipeline.metrics],
        login=login,
        poll_seconds=POLL_SECONDS,
        most_bytes=MOST_BYTES,
    )
    observer = Observer.of("report", environ)
    app = create_app(sources, hosts=["*"], connect_to=_origins(login, observer))
    page = Mangum(app, lifespan="off")

    def handler(event: Any, context: LambdaContext) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = page(event, context)  # type: ignore[arg-type] # Mangum wants more of it than it uses
        observer.say({"PageRequests": 1, "PageFailures": int(answer["statusCode"] >= SERVER_ERROR)})
        return answer

    return observer.around(handler, "the page failed", lambda _: {"PageRequests": 1, "PageFailures": 1})


def _login(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a browser signs in with. IAM callers sign requests: nothing, then."""
    auth = required(environ, "SLUICE_REPORT_AUTH")
    if auth == "iam":
        return {}
    if auth != "oidc":
        raise SettingsError(f"SLUICE_REPORT_AUTH is {auth!r}; give iam or oidc: the page is never open")
    return {
        "issuer": required(environ, "SLUICE_REPORT_ISSUER"),
        "client_id": required(environ, "SLUICE_REPORT_CLIENT_ID"),
        "audience": environ.get("SLUICE_REPORT_AUDIENCE", ""),
    }


def _sinks(text: str) -> dict[str, SinkPlace]:
    try:
        found: Mapping[str, Mapping[str, Any]] = json.loads(text)
        return {
            name: SinkPlace(
                function=sink["function"],
                parallelization=int(sink.get("parallelization") or 1),
                whole=bool(sink.get("whole", True)),
            )
            for name, sink in found.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(
            "SLUICE_REPORT_SINKS is no JSON object of sinks: deploy again with this version of the program"
        ) from None


def _origins(login: Mapping[str, str], observer: Observer) -> list[str]:
    """Return the addresses that signing in needs: an issuer may keep its endpoints on another host."""
    if not login:
        return []
    issuer = login["issuer"]
    try:
        request = Request(f"{issuer.rstrip('/')}/.well-known/openid-configuration")  # noqa: S310 - https, checked by the settings
        with urlopen(request, timeout=ISSUER_SECONDS) as answer:  # noqa: S310 - same
            endpoint = str(json.load(answer)["token_endpoint"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        observer.log.warning(
            "the issuer does not answer; trusting its own host alone", extra={"reason": told(error)}
        )
        return [issuer]
    return [issuer, endpoint]
