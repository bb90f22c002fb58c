"""Who gets a token of Google's: one role of one account, for one pool, with a request signed just now."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest
import urllib3
from botocore import auth
from google.auth import aws

from sluice.local.identities import Issuer
from sluice.sinks.answers import Answer
from sluice.sinks.bigquery import federation
from sluice.sinks.bigquery.external_account import AWS_REQUEST_TYPE
from tests.unit.local_google.conftest import POOLS, ROLE, Google, environ

BODY = b'{"rows":[{"insertId":"1","json":{"id":"1"}}]}'


def exchange(google: Google, subject_token: str, *, pool: str = "sluice-a", **form: str) -> tuple[int, Any]:
    """Ask for a token as google-auth does, with a request of one's own."""
    fields = {
        "grant_type": federation.GRANT_TYPE,
        "audience": google.configuration(pool=pool).audience,
        "scope": federation.SCOPE,
        "requested_token_type": federation.ACCESS_TOKEN_TYPE,
        "subject_token_type": AWS_REQUEST_TYPE,
        "subject_token": subject_token,
        **form,
    }
    answer = google.http.request("POST", f"{google.url}/v1/token", fields=fields, encode_multipart=False)
    return answer.status, json.loads(answer.data)


def signed(google: Google, pool: str = "sluice-a", **given: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(google.token(environ(**given), pool=pool).signed_request())
    return document


def serialised(document: dict[str, Any]) -> str:
    return quote(json.dumps(document))


def test_the_role_that_is_named_gets_a_token_for_an_hour(google: Google) -> None:
    status, answer = exchange(google, serialised(signed(google)))
    assert status == 200
    assert answer.pop("access_token").startswith("ya29.")
    assert answer == {
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
    }


def test_the_audience_is_among_what_is_signed(google: Google) -> None:
    listed = {each["key"].lower(): each["value"] for each in signed(google)["headers"]}
    names = listed["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert set(names) == {"host", "x-amz-date", "x-amz-security-token", "x-goog-cloud-target-resource"}


def test_googles_own_library_sends_the_same_and_gets_one_too(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But that it leaves the audience unsigned, which Google takes, and says what library it is."""
    for name, value in environ().items():
        monkeypatch.setenv(name, value)
    found = google.configuration()
    credentials: Any = aws.Credentials.from_info(  # type: ignore[no-untyped-call] # google-auth has no types
        {
            "type": "external_account",
            "audience": found.audience,
            "subject_token_type": found.subject_token_type,
            "token_url": found.token_url,
            "credential_source": {
                "environment_id": "aws1",
                "regional_cred_verification_url": found.credential_source.regional_cred_verification_url,
            },
        },
        scopes=[federation.SCOPE],
    )

    sent: list[tuple[str, dict[str, str]]] = []

    def ask(url: str, body: bytes, headers: Any, **_: object) -> urllib3.BaseHTTPResponse:
        sent.append((url, dict(parse_qsl(body.decode() if isinstance(body, bytes) else body))))
        return google.http.request("POST", url, body=body, headers=headers)

    def own(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        response = ask(url, body, headers)
        return Answer(response.status, response.data)

    credentials.refresh(ask)
    assert credentials.token.startswith("ya29.")
    assert google.token(environ()).get(own).startswith("ya29.")
    (theirs, ours) = sent
    requests = [json.loads(unquote(form.pop("subject_token"))) for _, form in (theirs, ours)]
    assert ours == theirs
    assert requests[0]["url"] == requests[1]["url"]
    names = [{each["key"].lower() for each in request["headers"]} for request in requests]
    assert names[0] == names[1]


REFUSED: dict[str, tuple[Callable[[Google], dict[str, Any]], str, str]] = {
    "of another role": (
        lambda google: signed(google, role="sluice-dev-aggregator"),
        "unauthorized_client",
        "rejected by the attribute condition",
    ),
    "of a role whose name only begins like it": (
        lambda google: signed(google, role=f"{ROLE}-2"),
        "unauthorized_client",
        "rejected by the attribute condition",
    ),
    "of another account": (
        lambda google: signed(google, account="222222222222"),
        "invalid_grant",
        "AWS account 222222222222",
    ),
    "with credentials that are over": (
        lambda google: signed(google, seconds=0.0),
        "invalid_grant",
        "ExpiredToken",
    ),
    "with credentials that nobody has issued": (
        lambda google: signed(google, issuer=Issuer(b"another cloud's")),
        "invalid_grant",
        "InvalidClientTokenId",
    ),
    "with another signature": (
        lambda google: _with(signed(google), "Authorization", lambda text: text[:-4] + "0000"),
        "invalid_grant",
        "SignatureDoesNotMatch",
    ),
    "signed for another pool": (
        lambda google: signed(google, pool="sluice-b"),
        "invalid_grant",
        "is not the audience",
    ),
    "signed for another pool, and renamed": (
        lambda google: _with(
            signed(google, pool="sluice-b"),
            "x-goog-cloud-target-resource",
            lambda text: text.replace("sluice-b", "sluice-a"),
        ),
        "invalid_grant",
        "SignatureDoesNotMatch",
    ),
    "without naming its audience": (
        lambda google: _without(signed(google), "x-goog-cloud-target-resource"),
        "invalid_grant",
        "lacks the header x-goog-cloud-target-resource",
    ),
    "without a signature": (
        lambda google: _without(signed(google), "Authorization"),
        "invalid_grant",
        "lacks the header authorization",
    ),
    "to another server": (
        lambda google: {**signed(google), "url": "https://sts.eu-central-1.amazonaws.com.example.com/?x"},
        "invalid_grant",
        "not to a service of AWS STS",
    ),
    "for another server than it says": (
        lambda google: _with(signed(google), "Host", lambda _: "127.0.0.1"),
        "invalid_grant",
        "host is not that of its URL",
    ),
    "of another action": (
        lambda google: {**signed(google), "url": "https://sts.amazonaws.com?Action=GetSessionToken"},
        "invalid_grant",
        "not a POST of GetCallerIdentity",
    ),
    "that is none": (lambda _: {"url": "https://sts.amazonaws.com"}, "invalid_grant", "invalid format"),
}


def _with(document: dict[str, Any], key: str, change: Callable[[str], str]) -> dict[str, Any]:
    for each in document["headers"]:
        if each["key"] == key:
            each["value"] = change(each["value"])
    return document


def _without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {**document, "headers": [each for each in document["headers"] if each["key"] != key]}


@pytest.mark.parametrize("request_", REFUSED)
def test_no_token_for_a_request(google: Google, request_: str) -> None:
    make, error, words = REFUSED[request_]
    status, answer = exchange(google, serialised(make(google)))
    assert (status, answer["error"]) == (400, error), answer
    assert words in answer["error_description"]


def test_no_token_for_a_request_that_was_signed_long_ago(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = dt.datetime.now(dt.UTC).replace(tzinfo=None) - dt.timedelta(minutes=16)
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_, **__: then)
    status, answer = exchange(google, serialised(signed(google)))
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert "Signature expired" in answer["error_description"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (
            {"audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x"},
            "invalid_target",
        ),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
    ],
)
def test_no_token_for_a_form_that_is_not_that_of_the_exchange(
    google: Google, form: dict[str, str], error: str
) -> None:
    status, answer = exchange(google, serialised(signed(google)), **form)
    assert (status, answer["error"]) == (400, error)


def test_a_provider_that_is_switched_off_gives_none(google: Google) -> None:
    path = f"{POOLS}/sluice-b/providers/aws-roles"
    google.made(path, {"disabled": True}, "PATCH")
    try:
        status, answer = exchange(google, serialised(signed(google, pool="sluice-b")), pool="sluice-b")
    finally:
        google.made(path, {"disabled": False}, "PATCH")
    assert (status, answer["error"]) == (400, "invalid_target")


def test_an_aws_that_does_not_answer_is_nobodys_fault(google: Google) -> None:
    google.sts.status = 503
    status, answer = exchange(google, serialised(signed(google)))
    assert (status, answer["error"]) == (503, "temporarily_unavailable")


def test_an_answer_of_aws_that_names_nobody_is_no_proof(google: Google) -> None:
    google.sts.status = 200
    status, answer = exchange(google, serialised(signed(google, seconds=0.0)))
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert "does not say who signed it" in answer["error_description"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"attributeCondition": "assertion.account =="}, "is no expression"),
        ({"attributeCondition": "x" * 4097}, "4097 characters"),
        ({"attributeMapping": {"attribute.aws_role": "assertion.arn"}}, "google.subject is required"),
        ({"aws": {}}, "not one of AWS"),
    ],
)
def test_a_provider_that_google_would_not_take_is_refused(
    google: Google, change: dict[str, Any], words: str
) -> None:
    status, answer = google.call("PATCH", f"{POOLS}/sluice-b/providers/aws-roles", change)
    assert status == 400
    assert words in answer["error"]["message"]


@pytest.mark.parametrize("name", ["aws", "gcp-roles", "Roles", "x" * 33])
def test_a_name_that_google_would_not_take_is_refused(google: Google, name: str) -> None:
    status, _ = google.call("POST", f"{POOLS}/sluice-a/providers?workloadIdentityPoolProviderId={name}", {})
    assert status == 400


def test_a_subject_that_is_too_long_is_refused(google: Google) -> None:
    path = f"{POOLS}/sluice-b/providers/aws-roles"
    before = google.call("GET", path)[1]
    google.made(path, {"attributeMapping": {"google.subject": "assertion.arn + assertion.arn"}}, "PATCH")
    try:
        status, answer = exchange(google, serialised(signed(google, pool="sluice-b")), pool="sluice-b")
    finally:
        google.made(path, before, "PATCH")
    assert (status, answer["error"]) == (400, "invalid_request")
    assert "exceeds the 127 bytes limit" in answer["error_description"]
