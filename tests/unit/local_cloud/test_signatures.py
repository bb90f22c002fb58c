"""Who signed a GetCallerIdentity request: exactly one role's session, or nobody."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signing

from sluice.local.identities import Identity, Issuer, RefusedError
from sluice.local.signatures import Verifier, asks_who, caller, refusal

NOW = 1_800_000_000.0
HOST = "sts.eu-central-1.amazonaws.com"
QUERY = "Action=GetCallerIdentity&Version=2011-06-15"
ROLE = Identity("111111111111", "sluice-dev-bigquery-sink", "sluice-dev-bigquery-sink")
STAMP = "20270115T080000Z"
"""NOW, as a signature has it."""


def issuer(now: float = NOW, secret: bytes = b"one cloud's") -> Issuer:
    return Issuer(secret, lambda: now)


def signed(
    by: Issuer | None = None,
    *,
    query: str = QUERY,
    body: bytes = b"",
    scope: tuple[str, str] = ("sts", "eu-central-1"),
    extra: dict[str, str] | None = None,
    lasts: float = 3600,
) -> dict[str, str]:
    """The headers of a request that a session of ROLE signed at NOW."""
    made = (by or issuer()).issue(ROLE, NOW + lasts)
    given = {"host": HOST, "x-amz-date": STAMP, "x-amz-security-token": made.token, **(extra or {})}
    request = AWSRequest("POST", f"https://{HOST}/?{query}", headers=given, data=body)
    request.context["timestamp"] = STAMP
    signer = SigV4Auth(Signing(made.access_key, made.secret_key, made.token), *scope)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    names = ";".join(sorted(given))
    return {
        **given,
        "authorization": (
            f"AWS4-HMAC-SHA256 Credential={made.access_key}/{STAMP[:8]}/{scope[1]}/{scope[0]}/aws4_request, "
            f"SignedHeaders={names}, Signature={signer.signature(text, request)}"
        ),
    }


def identify(
    headers: dict[str, str], *, now: float = NOW, query: str = QUERY, method: str = "POST", body: bytes = b""
) -> Identity:
    return Verifier(issuer(now), lambda: now).identify(method, "/", query, headers, body)


def test_a_signature_names_account_role_and_session() -> None:
    found = identify(signed(extra={"x-goog-cloud-target-resource": "//iam.googleapis.com/pool"}))
    assert found == ROLE
    assert found.arn == (
        "arn:aws:sts::111111111111:assumed-role/sluice-dev-bigquery-sink/sluice-dev-bigquery-sink"
    )
    assert found.user_id.startswith("AROA")


def without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def other(name: str, old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {**headers, name: headers[name].replace(old, new)}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (other("x-target", "one", "another"), "SignatureDoesNotMatch"),
        (other("host", "eu-central-1.amazonaws.com", "evil.example"), "SignatureDoesNotMatch"),
        (other("authorization", "Signature=", "Signature=0"), "IncompleteSignature"),
        (other("authorization", "/sts/", "/s3/"), "SignatureDoesNotMatch"),
        (other("authorization", "eu-central-1", "us-east-1"), "SignatureDoesNotMatch"),
        (other("authorization", "20270115", "20270114"), "SignatureDoesNotMatch"),
        (other("authorization", "host;", ""), "SignatureDoesNotMatch"),
        (other("authorization", "ASIA", "AKIA"), "InvalidClientTokenId"),
        (other("x-amz-date", "T08", "T0x"), "IncompleteSignature"),
        (without("x-target"), "SignatureDoesNotMatch"),
        (without("x-amz-security-token"), "SignatureDoesNotMatch"),
        (without("authorization"), "MissingAuthenticationToken"),
    ],
)
def test_nothing_signed_may_be_changed(change: Callable[[dict[str, str]], dict[str, str]], code: str) -> None:
    with pytest.raises(RefusedError) as refused:
        identify(change(signed(extra={"x-target": "one"})))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "changed", [{"query": QUERY + "&a=b"}, {"method": "GET"}, {"body": b"more"}], ids=str
)
def test_neither_may_the_request_itself(changed: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="does not match the signature you provided"):
        identify(signed(), **changed)


@pytest.mark.parametrize(
    ("later", "words"), [(901, "Signature expired"), (-901, "Signature not yet current")]
)
def test_a_signature_is_good_for_a_quarter_of_an_hour(later: float, words: str) -> None:
    headers = signed()
    assert identify(headers, now=NOW + 899) == identify(headers, now=NOW - 899) == ROLE
    with pytest.raises(RefusedError, match=words) as refused:
        identify(headers, now=NOW + later)
    assert refused.value.code == "SignatureDoesNotMatch"


def test_credentials_that_are_over_sign_nothing() -> None:
    with pytest.raises(RefusedError) as refused:
        identify(signed(lasts=60), now=NOW + 60)
    assert refused.value.code == "ExpiredToken"


def test_another_clouds_credentials_are_nobodys() -> None:
    with pytest.raises(RefusedError) as refused:
        identify(signed(issuer(secret=b"another cloud's")))
    assert refused.value.code == "InvalidClientTokenId"


def test_keys_belong_to_their_token_alone() -> None:
    one, two = (issuer().issue(ROLE, NOW + 60) for _ in range(2))
    assert issuer().identify(one.access_key, one.token) == ROLE
    for key, token in [(one.access_key, two.token), (one.access_key, "x"), ("local", one.token), ("", "")]:
        with pytest.raises(RefusedError, match="is invalid"):
            issuer().identify(key, token)
    assert one.secret_key not in repr(one)
    assert one.token not in repr(one)


def test_the_question_is_found_in_address_and_form() -> None:
    assert asks_who(QUERY, b"")
    assert asks_who("", QUERY.encode())
    assert not asks_who("Action=AssumeRole&RoleSessionName=GetCallerIdentity", b"")


def test_answers_are_xml_unless_json_is_asked_for() -> None:
    assert b"<Account>111111111111</Account>" in caller(ROLE, "id", json=False)
    assert b'"Account":"111111111111"' in caller(ROLE, "id", json=True)
    error = RefusedError("ExpiredToken", "a < b")
    assert b"<Code>ExpiredToken</Code><Message>a &lt; b</Message>" in refusal(error, "id", json=False)
    assert b'"Code":"ExpiredToken"' in refusal(error, "id", json=True)
