"""The user's own Google Cloud over REST, as Pulumi's provider would use it.

Endpoints are Google's own unless the variables say otherwise that the provider reads as well
(GOOGLE_..._CUSTOM_ENDPOINT, terraform-provider-google, "Provider Configuration Reference", read 2026-11).
"""

import os
from threading import Lock
from typing import Any, Final, cast
from urllib.parse import urlsplit

from sluice.errors import EnvironmentProblem

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
SECONDS: Final = 20
ENDPOINTS: Final = {
    "bigquery": ("GOOGLE_BIGQUERY_CUSTOM_ENDPOINT", "https://bigquery.googleapis.com/bigquery/v2/"),
    "billing": ("GOOGLE_CLOUD_BILLING_CUSTOM_ENDPOINT", "https://cloudbilling.googleapis.com/v1/"),
    "iam": ("GOOGLE_IAM_CUSTOM_ENDPOINT", "https://iam.googleapis.com/v1/"),
    "projects": (
        "GOOGLE_RESOURCE_MANAGER_CUSTOM_ENDPOINT",
        "https://cloudresourcemanager.googleapis.com/v1/",
    ),
    "services": ("GOOGLE_SERVICE_USAGE_CUSTOM_ENDPOINT", "https://serviceusage.googleapis.com/v1/"),
}
LOGIN: Final = "gcloud auth application-default login"
_OK, _DENIED, _MISSING = 200, 403, 404


class Refused(EnvironmentProblem):
    """Google's own refusal: `status` is HTTP's, `reason` the first of its reasons."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status, self.reason = status, reason

    @property
    def switched_off(self) -> bool:
        """Whether the API itself is off in the project that pays for the call."""
        return self.reason in {"accessNotConfigured", "SERVICE_DISABLED"} or (
            self.status == _DENIED and "has not been used in project" in str(self)
        )


class Google:
    """Google's APIs with the user's own credentials. Safe to use from several threads.

    `project` is the one that calls are counted for where the credentials are a person's and name none:
    several APIs take no others (Google Cloud, "Set the quota project").
    """

    def __init__(self, project: str) -> None:
        self._project = project
        self._lock = Lock()
        self._found: Any = None

    @property
    def credentials(self) -> Any:
        """Application-default credentials, with a token that is good.

        Raises:
            EnvironmentProblem: there are none, or they give no token any more.
        """
        with self._lock:
            self._found = self._found or _signed_in()
            return self._found

    def call(self, api: str, path: str, *, body: Any = None, **query: str) -> dict[str, Any]:
        """Return the answer to a GET, or to a POST of a body.

        Raises:
            Refused: Google says no.
            EnvironmentProblem: it does not answer, or there are no credentials.
        """
        import requests  # noqa: PLC0415 - a third of a second that no other check waits for

        url, method = base_url(api) + path, "GET" if body is None else "POST"
        headers: dict[str, str] = {}
        self.credentials.apply(headers)
        if hasattr(self.credentials, "refresh_token"):
            headers.setdefault("x-goog-user-project", self._project)
        try:
            with _session() as session:
                answer = session.request(
                    method, url, params=query, json=body, headers=headers, timeout=SECONDS
                )
        except requests.RequestException as error:
            raise EnvironmentProblem(
                f"{urlsplit(url).netloc} does not answer ({type(error).__name__})"
            ) from error
        if answer.status_code != _OK:
            raise _refusal(answer)
        try:
            found: dict[str, Any] = answer.json()
        except ValueError as error:  # a page of a proxy's, say
            raise EnvironmentProblem(
                f"{urlsplit(url).netloc} answers with something that is not JSON: is a proxy in between?"
            ) from error
        return found

    def find(self, api: str, path: str, **query: str) -> dict[str, Any] | None:
        """Return the answer to a GET; None where there is no such thing."""
        try:
            return self.call(api, path, **query)
        except Refused as error:
            if error.status == _MISSING:
                return None
            raise

    def every(self, api: str, path: str, key: str, **query: str) -> list[dict[str, Any]]:
        """Return all that a GET lists under `key`, page by page."""
        found: list[dict[str, Any]] = []
        page: dict[str, str] = {}
        while True:
            answer = self.call(api, path, **query, **page)
            found += answer.get(key) or []
            token = answer.get("nextPageToken")
            if not token:
                return found
            page = {"pageToken": str(token)}


def _signed_in() -> Any:
    """Return whoever is signed in, with a token."""
    import google.auth  # noqa: PLC0415 - see Google.call
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError  # noqa: PLC0415 - same
    from google.auth.transport.requests import Request  # noqa: PLC0415 - same

    try:
        found, _ = google.auth.default(scopes=[SCOPE])
    except DefaultCredentialsError as error:
        raise EnvironmentProblem("no Google credentials are to be found") from error
    try:
        with _session() as session:
            cast("Any", found).refresh(Request(session))
    except GoogleAuthError as error:
        raise EnvironmentProblem(f"the Google credentials give no token: {_first(error)}") from error
    return found


def _session() -> Any:
    import requests  # noqa: PLC0415 - see Google.call

    session = requests.Session()
    session.trust_env = not _at_home()  # a proxy has no business with 127.0.0.1
    return session


def base_url(api: str) -> str:
    """Return where an API answers, ending in a slash."""
    variable, usual = ENDPOINTS[api]
    found = os.environ.get(variable) or usual
    return found if found.endswith("/") else f"{found}/"


def _at_home() -> bool:
    return urlsplit(base_url("projects")).hostname == "127.0.0.1"


def _refusal(answer: Any) -> Refused:
    try:
        error = answer.json()["error"]
        message = " ".join(str(error["message"]).split())
        reasons = [each.get("reason", "") for each in (*error.get("errors", ()), *error.get("details", ()))]
    except (ValueError, KeyError, TypeError):
        message, reasons = f"HTTP {answer.status_code}", []
    return Refused(answer.status_code, message, next(filter(None, reasons), ""))


def _first(error: Exception) -> str:
    """Return what an error says, without the answer's body that google-auth adds."""
    said = error.args[0] if error.args else error
    return " ".join(str(said).split())[:200].rstrip(".")
