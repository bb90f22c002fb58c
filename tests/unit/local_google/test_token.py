"""A function's token: whom it asks, when it is renewed, how often it asks in vain, and what it says then."""

import json
import time
from urllib.parse import unquote

import pytest

from sluice.sinks.answers import Answer, NoAnswer
from sluice.sinks.bigquery import federation
from tests.unit.local_google.conftest import Google, environ, soon

BODY = b'{"rows":[{"insertId":"1","json":{"id":"1"}}]}'


def test_a_refusal_reaches_the_log_in_one_line_and_without_keys(google: Google) -> None:
    given = environ(role="sluice-dev-aggregator")
    with pytest.raises(NoAnswer) as refused:
        google.transport(google.token(given)).insert_all("visit", BODY, soon())
    assert str(refused.value) == (
        "Google's token service gave no token (400: unauthorized_client: The given credential is rejected by "
        "the attribute condition.)"
    )
    with pytest.raises(NoAnswer) as refused:
        google.transport(google.token(environ(seconds=0))).insert_all("visit", BODY, soon())
    assert "ExpiredToken" in str(refused.value)
    assert given["AWS_SESSION_TOKEN"] not in str(refused.value)


def test_nothing_but_the_token_service_is_asked(google: Google) -> None:
    """No metadata service, no region from elsewhere: Lambda has neither."""
    asked: list[str] = []

    def ask(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        asked.append(url)
        response = google.http.request("POST", url, body=body, headers=headers)
        return Answer(response.status, response.data)

    token = google.token(environ())
    assert token.get(ask) == token.get(ask)
    assert asked == [f"{google.url}/v1/token"]


def test_a_token_is_renewed_before_it_ends_and_not_sooner(google: Google) -> None:
    moment = time.time()
    token = federation.RoleToken(google.configuration(), environ(), now=lambda: moment)
    asked: list[str] = []

    def ask(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        asked.append(unquote(body.decode()))
        response = google.http.request("POST", url, body=body, headers=headers)
        return Answer(response.status, response.data)

    for later in (0.0, 3400.0, 79.0, 2.0):
        moment += later
        token.get(ask)
    assert len(asked) == 2, "at the start, and two minutes before the hour is over"


def test_a_renewal_that_fails_in_time_is_tried_again_while_the_token_is_good(google: Google) -> None:
    moment = time.time()
    token = federation.RoleToken(google.configuration(), environ(), now=lambda: moment)
    asked = 0

    def ask(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        nonlocal asked
        asked += 1
        if 1 < asked < 4:
            raise NoAnswer("no answer")
        response = google.http.request("POST", url, body=body, headers=headers)
        return Answer(response.status, response.data)

    first = token.get(ask)
    moment += 3500
    assert (token.get(ask), token.get(ask), asked) == (first, first, 2), (
        "in hand, and not asked at once again"
    )
    moment += 101
    with pytest.raises(NoAnswer):
        token.get(ask)
    moment += 1
    assert token.get(ask) != first


def test_the_requests_of_a_batch_share_a_refusal_whichever_way_the_clock_is_set(google: Google) -> None:
    moment = time.time()
    token = federation.RoleToken(google.configuration(), environ(), now=lambda: moment)
    asked = 0

    def ask(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        nonlocal asked
        del url, body, headers
        asked += 1
        return Answer(503, b"")

    for later, questions in ((0.0, 1), (0.1, 1), (0.5, 2), (-3600.0, 3)):
        moment += later
        for _ in range(8):
            with pytest.raises(NoAnswer, match=r"gave no token \(503\)"):
                token.get(ask)
        assert asked == questions


def test_a_session_token_that_an_answer_repeats_stays_out_of_the_log(google: Google) -> None:
    """AWS' tokens have several hundred characters of base64; names of pools and roles stay readable."""
    session, pool = "IQoJb3JpZ2lu+X2Vj/" * 30 + "==", google.configuration().audience
    said = {"error": "invalid_grant", "error_description": f"{pool}\nx-amz-security-token:{session}\nend"}

    def ask(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        del url, body, headers
        return Answer(400, json.dumps(said).encode())

    with pytest.raises(NoAnswer) as refused:
        google.token(environ()).get(ask)
    assert f"invalid_grant: {pool} x-amz-security-token:… end" in str(refused.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"error": "invalid_grant"}, "(400: invalid_grant)"),
        ({"error": {"message": "API key not valid"}}, "(400: API key not valid)"),
        ({"error": {"status": "PERMISSION_DENIED", "message": "No."}}, "(400: PERMISSION_DENIED: No.)"),
        ({}, "(400)"),
        ([], "(400)"),
    ],
)
def test_the_reason_has_the_words_that_there_are(google: Google, said: object, words: str) -> None:
    def ask(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        del url, body, headers
        return Answer(400, json.dumps(said).encode())

    with pytest.raises(NoAnswer) as refused:
        google.token(environ()).get(ask)
    assert str(refused.value) == f"Google's token service gave no token {words}"
