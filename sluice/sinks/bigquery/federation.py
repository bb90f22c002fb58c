"""A Google token for the function's AWS role, without any key.

The role's credentials sign a GetCallerIdentity request, which Google's token service sends on to AWS: the
answer tells it whose the request is, and it gives back a token for that role. As Google's IAM guide shows it
(workload-identity-federation-with-other-clouds, create_token_aws, read 2026-11), the request is signed by
botocore, which Lambda's runtime brings, with the audience among what is signed: no other pool can use it.

google-auth does the same, but leaves the audience unsigned (2.62), and is 4 MB and 0.2 s of a cold start.
"""

import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sluice.delivery.environment import required
from sluice.sinks.answers import Answer, NoAnswer, said
from sluice.sinks.bigquery.external_account import AWS_REQUEST_TYPE, Configuration

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The scope that Google documents for exchanged tokens; the dataset's grant, not this, narrows what may be
done."""

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 a type's name

AUDIENCE_HEADER = "x-goog-cloud-target-resource"

RENEW_SECONDS = 120.0
"""Before its end a token is renewed, so that none ends on its way; Google's last an hour. One that lasts
shorter is renewed with a quarter of its time left."""

AGAIN_SECONDS = 10.0
"""While the token in hand is still good, so long after a renewal that failed the next one is tried."""

PAUSE_SECONDS = 0.5
"""Without a good token, so long after one was refused nobody asks again: the requests of a batch share what
was said, instead of asking each for itself."""

_NOT_FOR_LOGS = re.compile(r"\bA[KS]IA[A-Z0-9]{8,}|<[^<>]*>|[\w+/=-]{160,}")
"""Access keys, the tags of AWS' own answer, which Google repeats, and what is as long as a session token."""


class Ask(Protocol):
    """Sends a POST; raises NoAnswer when nothing whole comes back."""

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Return what came back."""


class RoleToken:
    """The token of the function's role, fetched when it is first needed and again before it ends.

    Safe to use from several threads: one fetches, the others wait for what it brings.
    """

    def __init__(
        self, configuration: Configuration, environ: Mapping[str, str], now: Callable[[], float] = time.time
    ) -> None:
        """Take the role's credentials from Lambda's environment, and from nowhere else.

        Raises:
            SettingsError: they are not there.
        """
        self._configuration = configuration
        self._region = required(environ, "AWS_REGION")
        self._credentials = Credentials(
            required(environ, "AWS_ACCESS_KEY_ID"),
            required(environ, "AWS_SECRET_ACCESS_KEY"),
            environ.get("AWS_SESSION_TOKEN"),
        )
        self._now = now
        self._lock = threading.Lock()
        self._token, self._failure = "", ""
        self._ends_at = self._renew_at = self._failed_at = -math.inf
        self._failures = 0

    def get(self, ask: Ask) -> str:
        """Return a token that is good for a while.

        Raises:
            NoAnswer: there is none; what Google said, in one line.
        """
        with self._lock:
            now = self._now()
            good = bool(self._token) and now < self._ends_at
            if good and now < self._renew_at:
                return self._token
            if abs(now - self._failed_at) >= (AGAIN_SECONDS if good else PAUSE_SECONDS):
                try:
                    return self._renewed(ask, now)
                except NoAnswer as error:
                    self._failed_at, self._failure = now, str(error)
                    self._failures += 1
            if not good:
                raise NoAnswer(self._failure)
            return self._token

    def _renewed(self, ask: Ask, now: float) -> str:
        """Fetch a token and keep it."""
        self._token, seconds = self._fetch(ask)
        self._ends_at = now + seconds
        self._renew_at = self._ends_at - min(RENEW_SECONDS, seconds / 4)
        return self._token

    def refused(self, token: str) -> None:
        """Fetch another one before the next request; another thread may have done so meanwhile."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def failures(self) -> int:
        """Return how often no token was had since the last time that this was asked."""
        with self._lock:
            failures, self._failures = self._failures, 0
        return failures

    def _fetch(self, ask: Ask) -> tuple[str, float]:
        """Return a token and its seconds."""
        try:
            token, seconds = self._exchange(ask)
            url = self._configuration.service_account_impersonation_url
            return self._impersonate(ask, url, token) if url else (token, seconds)
        except (KeyError, TypeError, ValueError) as error:
            raise NoAnswer(f"Google's answer has no token in it ({type(error).__name__})") from error

    def _exchange(self, ask: Ask) -> tuple[str, float]:
        """Trade the signed request for a token (RFC 8693)."""
        form = {
            "grant_type": GRANT_TYPE,
            "audience": self._configuration.audience,
            "scope": SCOPE,
            "requested_token_type": ACCESS_TOKEN_TYPE,
            "subject_token_type": AWS_REQUEST_TYPE,
            "subject_token": quote(self.signed_request()),
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = ask(self._configuration.token_url, urlencode(form).encode(), headers)
        given = _document(answer, "Google's token service")
        return str(given["access_token"]), float(given["expires_in"])

    def _impersonate(self, ask: Ask, url: str, token: str) -> tuple[str, float]:
        """Trade the role's token for one of the service account that the role may act as."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        answer = ask(url, msgspec.json.encode({"scope": [SCOPE]}), headers)
        given = _document(answer, "Google's service of service accounts")
        ends_at = datetime.fromisoformat(given["expireTime"]).timestamp()
        return str(given["accessToken"]), ends_at - self._now()

    def signed_request(self) -> bytes:
        """Return the GetCallerIdentity request as Google wants it described, signed at this moment."""
        url = self._configuration.credential_source.regional_cred_verification_url
        url = url.replace("{region}", self._region)
        host = url.partition("://")[2].partition("/")[0].partition("?")[0]
        headers = {"Host": host, AUDIENCE_HEADER: self._configuration.audience}
        request = AWSRequest(method="POST", url=url, headers=headers)
        SigV4Auth(self._credentials, "sts", self._region).add_auth(request)
        listed = [{"key": key, "value": value} for key, value in request.headers.items()]
        return msgspec.json.encode({"url": url, "method": "POST", "headers": listed})


def _document(answer: Answer, service: str) -> dict[str, Any]:
    """Return what a service answered; raises NoAnswer with its error."""
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeError):
        found = None
    if answer.status == 200 and isinstance(found, dict):  # noqa: PLR2004 - HTTP's OK
        return found
    raise NoAnswer(f"{service} gave no token ({answer.status}{said(_error(found), _NOT_FOR_LOGS)})")


def _error(found: Any) -> str:
    """Return the words of an OAuth error, or of an error of Google's APIs."""
    if not isinstance(found, dict):
        return ""
    error = found.get("error")
    words = (error.get("status"), error.get("message")) if isinstance(error, dict) else (error,)
    return ": ".join(str(each) for each in (*words, found.get("error_description")) if each)
