"""The token service's side of an exchange: whose is this signed request of AWS?

Google has AWS answer the request that the caller signed, and believes nothing but that answer. What the
request must be: IAM guide, workload-identity-federation-with-other-clouds (read 2026-11).
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3

from sluice.local.google.errors import TokenRefusedError, invalid_grant, invalid_request, invalid_target
from sluice.local.google.iam import Iam
from sluice.local.google.providers import Caller
from sluice.local.google.tokens import Tokens

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 a type's name
AWS_REQUEST: Final = "urn:ietf:params:aws:token-type:aws4_request"
TARGET: Final = "x-goog-cloud-target-resource"

_HOST: Final = re.compile(r"sts(\.[a-z0-9-]+)?\.amazonaws\.com")
_QUERY: Final = {"Action": ["GetCallerIdentity"], "Version": ["2011-06-15"]}
_NEEDED: Final = ("authorization", "host", "x-amz-date", TARGET)
_OK: Final = 200
_SERVER_ERROR: Final = 500
_SECONDS: Final = 10.0


class Exchange:
    """Trades signed requests for tokens."""

    def __init__(self, iam: Iam, tokens: Tokens) -> None:
        self._iam, self._tokens = iam, tokens
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(_SECONDS))
        self.aws_url = ""
        """Where AWS answers, on this machine."""

    def answer(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a request for a token.

        Raises:
            TokenRefusedError: there is none for it.
        """
        wanted = {
            "grant_type": GRANT_TYPE,
            "requested_token_type": ACCESS_TOKEN,
            "subject_token_type": AWS_REQUEST,
        }
        for name, value in wanted.items():
            if form.get(name) != value:
                raise invalid_request(f'Invalid value for "{name}": accepted is {value}')
        if not form.get("scope"):
            raise invalid_request('Missing value for "scope"')
        audience = form.get("audience", "")
        provider = self._iam.provider(audience)
        if provider is None:
            raise invalid_target()
        caller = self._caller(form.get("subject_token", ""), audience)
        token, seconds = self._tokens.issue(provider.members(caller))
        return {
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": int(seconds),
        }

    def _caller(self, subject_token: str, audience: str) -> Caller:
        """Have AWS say who signed a request."""
        query, headers = _unpacked(subject_token, audience)
        try:
            response = self._pool.request("POST", f"{self.aws_url}/?{query}", headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise TokenRefusedError("temporarily_unavailable", f"AWS does not answer: {error}", 503) from None
        if response.status >= _SERVER_ERROR:
            raise TokenRefusedError("temporarily_unavailable", f"AWS answered {response.status}", 503)
        told = _texts(response.data)
        if response.status != _OK:
            raise invalid_grant(f"AWS refused the request: {told.get('Code')}: {told.get('Message')}")
        try:
            return Caller(told["Arn"], told["Account"], told["UserId"])
        except KeyError:
            raise invalid_grant("AWS's answer to the request does not say who signed it.") from None


def _unpacked(subject_token: str, audience: str) -> tuple[str, dict[str, str]]:
    """Return the query and the headers of a serialised request that is what it must be."""
    try:
        said = json.loads(unquote(subject_token))
        url, method = urlsplit(str(said["url"])), str(said["method"])
        headers = {str(each["key"]).lower(): str(each["value"]) for each in said["headers"]}
    except (ValueError, KeyError, TypeError):
        raise invalid_grant("AWS request has invalid format.") from None
    if url.scheme != "https" or not _HOST.fullmatch(url.netloc) or url.path not in {"", "/"}:
        raise invalid_grant("The AWS request is not to a service of AWS STS.")
    if method != "POST" or parse_qs(url.query) != _QUERY:
        raise invalid_grant("The AWS request is not a POST of GetCallerIdentity.")
    missing = [name for name in _NEEDED if not headers.get(name)]
    if missing:
        raise invalid_grant(f"The AWS request lacks the header {missing[0]}.")
    if headers["host"] != url.netloc:
        raise invalid_grant("The AWS request's host is not that of its URL.")
    if headers[TARGET].removeprefix("https:") != audience.removeprefix("https:"):
        raise invalid_grant(f"The AWS request's {TARGET} is not the audience of the exchange.")
    return url.query, headers


def _texts(document: bytes) -> dict[str, str]:
    """Return the texts of an XML answer by their elements' names."""
    try:
        root = ET.fromstring(document)  # noqa: S314 it comes from the local AWS, not from whoever asks
    except ET.ParseError:
        return {}
    return {each.tag.rpartition("}")[2]: each.text or "" for each in root.iter()}
