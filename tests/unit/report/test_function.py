"""The page's Lambda: the same application, behind whoever checks who asks."""

import asyncio
import base64
import gzip
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.error import URLError

import boto3
import pytest
from moto import mock_aws

from sluice.delivery import clients
from sluice.errors import SettingsError
from sluice.pipeline import load_pipeline
from sluice.report import function
from tests.unit.windows.aws import create_windows

ENVIRON = {
    "SLUICE_ENVIRONMENT": "sluice-prod",
    "SLUICE_STACK": "prod",
    "SLUICE_STREAM": "activity",
    "SLUICE_WINDOWS_TABLE": "windows",
    "SLUICE_WINDOW_DAYS": "400",
    "SLUICE_LEDGER_TABLE": "ledger",
    "SLUICE_DEAD_LETTER_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/letters",
    "SLUICE_REPORT_SINKS": '{"bigquery": {"function": "bigquery-sink", "parallelization": 2.0}}',
    "SLUICE_REPORT_AUTH": "iam",
}
OIDC = {
    "SLUICE_REPORT_AUTH": "oidc",
    "SLUICE_REPORT_ISSUER": "https://login.example.com/tenant",
    "SLUICE_REPORT_CLIENT_ID": "page",
    "SLUICE_REPORT_AUDIENCE": "report",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    cached = (clients._session, clients.windows, clients.kinesis, clients.cloudwatch, clients.sqs)
    for each in cached:
        each.cache_clear()
    loop = asyncio.new_event_loop()  # Mangum takes the thread's, and leaves it open for the next request
    asyncio.set_event_loop(loop)
    with mock_aws():
        create_windows(boto3.client("dynamodb"))
        yield
    asyncio.set_event_loop(None)
    loop.close()
    for each in cached:
        each.cache_clear()


def get(handler: Any, path: str) -> dict[str, Any]:
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.eu-central-1.on.aws", "accept-encoding": "gzip"},
        "requestContext": {
            "http": {"method": "GET", "path": path, "sourceIp": "1.2.3.4", "protocol": "HTTP/1.1"},
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = handler(event, None)
    return answer


def body(answer: dict[str, Any]) -> bytes:
    raw = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    return gzip.decompress(raw) if answer["headers"].get("content-encoding") == "gzip" else raw


@pytest.mark.usefixtures("aws")
def test_it_serves_the_page_its_scripts_and_the_metrics_of_the_pipeline_that_ships_with_it() -> None:
    pipeline = load_pipeline()
    handler = function.report(pipeline, ENVIRON)
    page = get(handler, "/")
    assert page["statusCode"] == 200
    version = body(page).decode().split("static/", 1)[1].split("/", 1)[0]
    script = get(handler, f"/static/{version}/vendor/uplot.js")
    assert b"uPlot" in body(script)
    overview = json.loads(body(get(handler, "/api/overview")))["data"]
    assert [metric["name"] for metric in overview["metrics"]] == [each.name for each in pipeline.metrics]
    assert overview["poll_seconds"] == function.POLL_SECONDS
    assert json.loads(body(get(handler, "/login.json")))["data"] == {}


@pytest.mark.usefixtures("aws")
def test_an_issuer_may_keep_its_tokens_on_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    told = io.BytesIO(b'{"token_endpoint": "https://token.example.com/oauth2/token"}')
    monkeypatch.setattr(function, "urlopen", lambda *_, **__: told)
    handler = function.report(load_pipeline(), ENVIRON | OIDC)
    policy = get(handler, "/")["headers"]["content-security-policy"]
    assert "connect-src 'self' https://login.example.com https://token.example.com" in policy
    login = json.loads(body(get(handler, "/login.json")))["data"]
    assert login == {"issuer": "https://login.example.com/tenant", "client_id": "page", "audience": "report"}


@pytest.mark.usefixtures("aws")
def test_an_issuer_that_does_not_answer_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise URLError("down")

    monkeypatch.setattr(function, "urlopen", refuse)
    handler = function.report(load_pipeline(), ENVIRON | OIDC)
    assert (
        "connect-src 'self' https://login.example.com;"
        in get(handler, "/")["headers"]["content-security-policy"]
    )


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SLUICE_REPORT_AUTH": "none"}, "the page is never open"),
        ({"SLUICE_REPORT_AUTH": ""}, "SLUICE_REPORT_AUTH is not set"),
        ({**OIDC, "SLUICE_REPORT_ISSUER": ""}, "SLUICE_REPORT_ISSUER is not set"),
        ({"SLUICE_REPORT_SINKS": "[1]"}, "no JSON object of sinks"),
    ],
)
def test_it_does_not_start_without_somebody_who_checks_who_asks(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        function.report(load_pipeline(), ENVIRON | wrong)
