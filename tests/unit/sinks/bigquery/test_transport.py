"""Who the sink is to Google, and what it says when its environment is wrong."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from sluice.deadline import Deadline
from sluice.errors import SettingsError
from sluice.sinks.answers import NoAnswer
from sluice.sinks.bigquery import transport as module
from sluice.sinks.bigquery.transport import Transport, connect
from tests.unit.delivery.builders import Time
from tests.unit.sinks.bigquery import stub_bigquery as bq
from tests.unit.sinks.bigquery.stub_bigquery import StubBigQuery

WHERE = {"SLUICE_BIGQUERY_PROJECT": "p", "SLUICE_BIGQUERY_DATASET": "raw"}


ROLE = {
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_SESSION_TOKEN": "session",
    "AWS_REGION": "eu-central-1",
}
AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/aws/providers/aws"


class TokenService:
    """Google's token exchange: notes what it is sent, hands out numbered tokens."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = json.dumps(
                    {
                        "access_token": f"token-{len(service.asked)}",
                        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                        "token_type": "Bearer",
                        "expires_in": 3600,
                    }
                ).encode()
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/token"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def tokens() -> Iterator[TokenService]:
    service = TokenService()
    yield service
    service.close()


def configuration(token_url: str, **more: str) -> str:
    return json.dumps(
        {
            "universe_domain": "googleapis.com",
            "type": "external_account",
            "audience": AUDIENCE,
            "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
            "token_url": token_url,
            "credential_source": {
                "environment_id": "aws1",
                "regional_cred_verification_url": (
                    "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
                ),
            },
            **more,
        }
    )


def federated(stub: StubBigQuery, tokens: TokenService, **more: str) -> Transport:
    return connect(
        {
            **WHERE,
            **ROLE,
            "SLUICE_GOOGLE_CREDENTIALS": configuration(tokens.url, **more),
            "BIGQUERY_EMULATOR_HOST": stub.url,
        }
    )


def authorisations(stub: StubBigQuery) -> list[Any]:
    return [exchange.headers.get("Authorization") for exchange in stub.requests]


BODY = b'{"rows":[]}'


def test_the_roles_signature_is_traded_for_a_token_once_and_no_key_or_metadata_service_is_needed(
    stub: StubBigQuery, tokens: TokenService, time: Time
) -> None:
    transport = federated(stub, tokens)
    for _ in range(3):
        assert transport.insert_all("visit", BODY, time.deadline(5)).status == 200
    assert authorisations(stub) == ["Bearer token-1"] * 3
    (asked,) = tokens.asked
    assert "GetCallerIdentity" in asked
    assert "auth%2Fcloud-platform" in asked or "auth/cloud-platform" in asked


def test_a_token_that_was_refused_is_replaced(stub: StubBigQuery, tokens: TokenService, time: Time) -> None:
    transport = federated(stub, tokens)
    stub.behave(bq.status(401, "Request had invalid authentication credentials", "authError"))
    assert transport.insert_all("visit", BODY, time.deadline(5)).status == 401
    assert transport.insert_all("visit", BODY, time.deadline(5)).status == 200
    assert authorisations(stub) == ["Bearer token-1", "Bearer token-2"]


def test_the_token_service_too_is_waited_for_longer_with_each_attempt(
    stub: StubBigQuery, tokens: TokenService, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = federated(stub, tokens)
    request, waited = transport._http.request, list[float]()

    def noting(*arguments: Any, **options: Any) -> Any:
        waited.append(options["timeout"].read_timeout)
        return request(*arguments, **options)

    monkeypatch.setattr(transport._http, "request", noting)
    transport.insert_all("visit", BODY, Deadline.after(60), attempt=3)
    assert waited == [4 * module.FIRST_READ_SECONDS] * 2


def test_a_token_service_that_fails_is_no_answer_and_sends_nothing(
    stub: StubBigQuery, tokens: TokenService, time: Time
) -> None:
    tokens.status = 503
    with pytest.raises(NoAnswer, match="token"):
        federated(stub, tokens).insert_all("visit", BODY, time.deadline(5))
    assert stub.requests == []


def test_without_a_local_bigquery_and_credentials_the_message_says_what_is_missing() -> None:
    with pytest.raises(SettingsError, match="SLUICE_GOOGLE_CREDENTIALS") as refused:
        connect(WHERE)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"type": "service_account"}'])
def test_credentials_that_are_none_are_named_and_not_repeated(text: str) -> None:
    with pytest.raises(SettingsError, match="SLUICE_GOOGLE_CREDENTIALS") as refused:
        connect({**WHERE, **ROLE, "SLUICE_GOOGLE_CREDENTIALS": text})
    assert "service_account" not in str(refused.value)


@pytest.mark.parametrize("missing", sorted(WHERE))
def test_a_missing_name_is_said(missing: str) -> None:
    with pytest.raises(SettingsError, match=missing):
        connect({name: value for name, value in WHERE.items() if name != missing})


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_local_bigquery_is_spoken_to_without_credentials(
    stub: StubBigQuery, time: Time, scheme: str
) -> None:
    host = stub.url.removeprefix("http://")
    transport = connect({**WHERE, "BIGQUERY_EMULATOR_HOST": f"{scheme}{host}"})
    assert transport.insert_all("visit", BODY, time.deadline(5)).status == 200
    assert authorisations(stub) == [None]
    assert stub.requests[0].handler.path == "/bigquery/v2/projects/p/datasets/raw/tables/visit/insertAll"


def test_a_server_that_is_not_there_is_no_answer(time: Time) -> None:
    transport = Transport("p", "raw", base_url="http://127.0.0.1:1")
    with pytest.raises(NoAnswer):
        transport.insert_all("visit", BODY, time.deadline(5))


def test_a_redirect_is_an_answer_and_not_followed(stub: StubBigQuery, time: Time) -> None:
    stub.behave(bq.status(302, Location=f"{stub.url}/elsewhere"))
    assert Transport("p", "raw", base_url=stub.url).insert_all("visit", BODY, time.deadline(5)).status == 302
    assert len(stub.requests) == 1


def test_urllib3_repeats_nothing_by_itself(stub: StubBigQuery, time: Time) -> None:
    stub.behave(bq.drop)
    with pytest.raises(NoAnswer):
        Transport("p", "raw", base_url=stub.url).insert_all("visit", BODY, time.deadline(5))
    assert len(stub.requests) == 1
