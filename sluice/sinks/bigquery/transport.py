"""BigQuery's insertAll over urllib3, as the function's AWS role (federation)."""

import gzip
from collections.abc import Mapping

import urllib3

from sluice.deadline import Deadline
from sluice.delivery.environment import required
from sluice.errors import SettingsError
from sluice.observing.figures import Tally
from sluice.sinks.answers import Answer, NoAnswer, least, seconds
from sluice.sinks.bigquery.external_account import Configuration
from sluice.sinks.bigquery.federation import RoleToken

PUBLIC_URL = "https://bigquery.googleapis.com"
CONNECT_SECONDS = 3.0
FIRST_READ_SECONDS = 4.0
"""How long the first attempt waits for an answer; each further one waits twice as long. Half of all inserts
answer within 75 ms, 95 % within 110 ms (evanj/streambench)."""

GZIP_FROM_BYTES = 2048
"""Traffic out of AWS costs more than the inserts themselves; BigQuery takes compressed requests."""


class Transport:
    """Sends requests to the tables of one dataset. Safe to use from several threads."""

    def __init__(
        self,
        project: str,
        dataset: str,
        *,
        base_url: str = PUBLIC_URL,
        token: RoleToken | None = None,
        connections: int = 8,
    ) -> None:
        self._tables = f"{base_url}/bigquery/v2/projects/{project}/datasets/{dataset}/tables"
        self._token = token
        self.tally = Tally()
        self._http = urllib3.PoolManager(
            maxsize=connections,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=FIRST_READ_SECONDS),
        )

    def insert_all(self, table: str, body: bytes, deadline: Deadline, attempt: int = 1) -> Answer:
        """Send one request and return the answer; raises NoAnswer when there is none.

        A token that BigQuery does not accept any more is not used again.
        """
        headers = {"Content-Type": "application/json", "User-Agent": "sluice"}
        raw = len(body)
        if raw >= GZIP_FROM_BYTES:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, compresslevel=1, mtime=0)

        def ask(url: str, body: bytes, headers: dict[str, str]) -> Answer:
            return self._post(url, body, headers, deadline, attempt=attempt)

        token = ""
        if self._token is not None:
            token = self._token.get(ask)
            headers["Authorization"] = f"Bearer {token}"
        url = f"{self._tables}/{table}/insertAll"
        self.tally.add(Requests=1, RawBytes=raw, SentBytes=len(body))
        answer = self._post(url, body, headers, deadline, service="BigQuery", attempt=attempt)
        if self._token is not None and answer.status == 401:  # noqa: PLR2004 - HTTP's Unauthorized
            self._token.refused(token)
        return answer

    def tallies(self) -> Mapping[str, int]:
        """Return the signals that were counted since the last time."""
        failures = self._token.failures() if self._token is not None else 0
        return {"Requests": 0, "RawBytes": 0, "SentBytes": 0, **self.tally.take(), "TokenFailures": failures}

    def _post(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        deadline: Deadline,
        *,
        service: str = "Google's token service",
        attempt: int = 1,
    ) -> Answer:
        left = least(deadline)
        read = min(FIRST_READ_SECONDS * 2 ** (attempt - 1), left)
        try:
            response = self._http.request(
                "POST",
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=read),
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NoAnswer(f"no answer from {service} ({type(error).__name__})") from error
        return Answer(response.status, response.data, seconds(response.headers.get("Retry-After")))


def connect(environ: Mapping[str, str]) -> Transport:
    """Return the transport that the function's environment describes.

    Raises SettingsError, in one line, when the environment says too little.
    """
    project, dataset = (
        required(environ, "SLUICE_BIGQUERY_PROJECT"),
        required(environ, "SLUICE_BIGQUERY_DATASET"),
    )
    configuration = environ.get("SLUICE_GOOGLE_CREDENTIALS")
    token = RoleToken(Configuration.parse(configuration), environ) if configuration else None
    emulator = environ.get("BIGQUERY_EMULATOR_HOST")
    if emulator:
        url = emulator if "://" in emulator else f"http://{emulator}"
        return Transport(project, dataset, base_url=url.rstrip("/"), token=token)
    if token is None:
        raise SettingsError(
            "neither SLUICE_GOOGLE_CREDENTIALS nor BIGQUERY_EMULATOR_HOST is set: the function needs the "
            "external-account configuration that a deployment gives it, or the address of a local BigQuery"
        )
    return Transport(project, dataset, token=token)
