"""Signature Version 4 of a GetCallerIdentity request, checked as STS does, by botocore's own signer.

Elsewhere the local AWS goes by the session token alone; here the request itself is the proof that Google's
token service takes, so nothing of it may have been changed.
"""

import hmac
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Signing

from sluice.local.identities import Identity, Issuer, RefusedError

VALID_MINUTES = 15
"""How long a signature is good, before and after its date: STS says so itself when it refuses one."""

VERSION = "2011-06-15"
_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)"
    r"/(?P<service>[^/,\s]+)/aws4_request,\s*SignedHeaders=(?P<signed>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_REGIONAL_HOST = re.compile(r"sts\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$")
_DATE = "%Y%m%dT%H%M%SZ"


def asks_who(query: str, body: bytes) -> bool:
    """Whether a request to STS is GetCallerIdentity, in its address or its form."""
    return any(
        parse_qs(text).get("Action") == ["GetCallerIdentity"]
        for text in (query, body.decode("latin-1"))
        if "GetCallerIdentity" in text
    )


class Verifier:
    """Says who signed a request."""

    def __init__(self, issuer: Issuer, now: Callable[[], float] = time.time) -> None:
        self._issuer, self._now = issuer, now

    def identify(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Identity:
        """Whose credentials signed exactly this request.

        Args:
            method: In capitals.
            path: As it was sent, still quoted.
            query: The same, without the question mark.
            headers: By their names in small letters.
            body: As it was sent.

        Raises:
            RefusedError: nobody's, or not now.
        """
        found = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if found is None:
            if "authorization" not in headers:
                raise RefusedError("MissingAuthenticationToken", "Request is missing Authentication Token")
            raise RefusedError(
                "IncompleteSignature", "Authorization header is not a Signature Version 4 in full.", 400
            )
        signed = found["signed"].split(";")
        date = headers.get("x-amz-date", "")
        if not {"host", "x-amz-date"} <= {*signed} or not {*signed} <= headers.keys():
            raise RefusedError(
                "SignatureDoesNotMatch", "'Host' and 'X-Amz-Date' must be 'SignedHeader's in the AWS request."
            )
        self._check_scope(found, headers["host"], date)
        key, token = found["key"], headers.get("x-amz-security-token", "")
        identity = self._issuer.identify(key, token)
        signer = SigV4Auth(
            Signing(key, self._issuer.secret_key(key, token)), found["service"], found["region"]
        )
        request = AWSRequest(
            method=method,
            url=f"https://{headers['host']}{path}" + (f"?{query}" if query else ""),
            headers={name: headers[name] for name in signed},
            data=body,
        )
        request.context["timestamp"] = date
        expected = signer.signature(
            signer.string_to_sign(request, signer.canonical_request(request)), request
        )
        if not hmac.compare_digest(expected, found["signature"]):
            raise RefusedError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your "
                "AWS Secret Access Key and signing method. Consult the service documentation for details.",
            )
        return identity

    def _check_scope(self, found: re.Match[str], host: str, date: str) -> None:
        """Refuse a signature for another service, another region's STS, another day or another hour."""
        if found["service"] != "sts":
            raise RefusedError(
                "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'. "
            )
        regional = _REGIONAL_HOST.match(host)
        if regional and regional[1] != found["region"]:
            raise RefusedError("SignatureDoesNotMatch", "Credential should be scoped to a valid region. ")
        try:
            signed_at = datetime.strptime(date, _DATE).replace(tzinfo=UTC)
        except ValueError:
            raise RefusedError(
                "IncompleteSignature", f"Date must be in ISO-8601 'basic format'. Got '{date}'.", 400
            ) from None
        if not date.startswith(found["date"]):
            raise RefusedError(
                "SignatureDoesNotMatch",
                f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {date}",
            )
        now, valid = datetime.fromtimestamp(self._now(), UTC), timedelta(minutes=VALID_MINUTES)
        if signed_at + valid < now:
            raise RefusedError(
                "SignatureDoesNotMatch",
                f"Signature expired: {date} is now earlier than {now - valid:{_DATE}} "
                f"({now:{_DATE}} - {VALID_MINUTES} min.)",
            )
        if signed_at - valid > now:
            raise RefusedError(
                "SignatureDoesNotMatch",
                f"Signature not yet current: {date} is still later than {now + valid:{_DATE}} "
                f"({now:{_DATE}} + {VALID_MINUTES} min.)",
            )


def caller(identity: Identity, request_id: str, *, json: bool) -> bytes:
    """What GetCallerIdentity answers: XML, or JSON to who asks for it."""
    if json:
        result = {"Account": identity.account, "Arn": identity.arn, "UserId": identity.user_id}
        metadata = {"RequestId": request_id}
        return msgspec.json.encode(
            {
                "GetCallerIdentityResponse": {
                    "GetCallerIdentityResult": result,
                    "ResponseMetadata": metadata,
                }
            }
        )
    return (
        f'<GetCallerIdentityResponse xmlns="{_NAMESPACE}"><GetCallerIdentityResult>'
        f"<Arn>{escape(identity.arn)}</Arn><UserId>{escape(identity.user_id)}</UserId>"
        f"<Account>{identity.account}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    ).encode()


def refusal(error: RefusedError, request_id: str, *, json: bool) -> bytes:
    """What STS answers to a request that it does not take."""
    if json:
        said = {"Type": "Sender", "Code": error.code, "Message": str(error)}
        return msgspec.json.encode({"Error": said, "RequestId": request_id})
    return (
        f'<ErrorResponse xmlns="{_NAMESPACE}"><Error><Type>Sender</Type><Code>{error.code}</Code>'
        f"<Message>{escape(str(error))}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()
