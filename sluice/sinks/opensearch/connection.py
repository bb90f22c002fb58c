"""The official client, set up for a sink that decides itself what is sent again and when.

Signing: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/request-signing.html
"""

import logging
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import botocore.session
from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection
from opensearchpy.exceptions import ConnectionError as NoConnection
from urllib3 import Timeout

from sluice.deadline import Deadline
from sluice.delivery.environment import required
from sluice.errors import SettingsError
from sluice.sinks.answers import Answer, NoAnswer, least, seconds

Service = Literal["es", "aoss"]
"""What requests are signed for: OpenSearch Service's domains, or OpenSearch Serverless."""

CONNECT_SECONDS = 3.0
FIRST_READ_SECONDS = 6.0
"""How long the first attempt waits for an answer; each further one waits twice as long. A request that is
given up is still being worked on, and sending it again is work on top: so this is generous."""

ITS_LOGGERS = ("opensearch", "opensearchpy.trace")
"""They write tracebacks, and on their debug level whole requests: payloads are never logged here."""

WAIT_SECONDS = 5
"""How long the cluster may wait for a shard or a new index before it says that there is none."""

EVERY_STATUS = range(300, 1000)
"""The client raises none of these: `answers.read` tells them apart."""

STATUSES_AND_ERRORS = "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by"
"""What of an answer is wanted: 25 bytes for an item that went in, instead of 200 and its id."""


def connect(
    endpoint: str,
    service: Service | None,
    *,
    credentials: Any = None,
    region: str | None = None,
    connections: int = 8,
) -> OpenSearch:
    """Return a client for the cluster at `endpoint`, a URL, which asks once and leaves the rest to others.

    Requests are signed for `service` with botocore's own credentials, or with those that are given; with None
    they are not signed.

    Raises SettingsError, in one line, when there is nothing to sign with or the URL is none.
    """
    for name in ITS_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise SettingsError(
            f"SLUICE_SEARCH_ENDPOINT is {endpoint!r}, not a URL such as https://search.example.com"
        )
    secure = url.scheme == "https"
    host = {"host": url.hostname, "port": url.port or (443 if secure else 80), "use_ssl": secure}
    return OpenSearch(
        [host | ({"url_prefix": url.path} if url.path.strip("/") else {})],
        connection_class=Urllib3HttpConnection,
        http_auth=None if service is None else _signer(service, credentials, region),
        max_retries=0,
        timeout=FIRST_READ_SECONDS,
        pool_maxsize=connections,
    )


def _signer(service: Service, credentials: Any, region: str | None) -> Urllib3AWSV4SignerAuth:
    session = botocore.session.get_session()
    credentials = credentials or session.get_credentials()
    region = region or session.get_config_variable("region")
    if credentials is None or not region:
        raise SettingsError(
            "there are no AWS credentials, or no region, to sign requests to OpenSearch with: the function "
            "runs with those that Lambda gives it"
        )
    return Urllib3AWSV4SignerAuth(credentials, region, service)


class Cluster:
    """Takes bulk requests. Safe to use from several threads."""

    def __init__(self, client: OpenSearch, *, serverless: bool = False) -> None:
        self._client = client
        self._parameters = {"filter_path": STATUSES_AND_ERRORS}
        if not serverless:
            self._parameters["timeout"] = f"{WAIT_SECONDS}s"

    def bulk(self, body: bytes, deadline: Deadline, attempt: int = 1) -> Answer:
        """Send one bulk request and return the answer; raises NoAnswer when there is none."""
        left = least(deadline)
        timeout = Timeout(
            connect=min(CONNECT_SECONDS, left), read=min(FIRST_READ_SECONDS * 2 ** (attempt - 1), left)
        )
        try:
            status, headers, text = self._client.transport.get_connection().perform_request(
                "POST",
                "/_bulk",
                params=self._parameters,
                body=body,
                timeout=timeout,
                ignore=EVERY_STATUS,
                headers={"content-type": "application/x-ndjson"},
            )
        except NoConnection as error:
            if isinstance(error.info, MemoryError):
                raise error.info from error
            raise NoAnswer(f"no answer from OpenSearch ({type(error.info).__name__})") from error
        return Answer(status, text, seconds(headers.get("Retry-After")))


def cluster(environ: Mapping[str, str], connections: int) -> Cluster:
    """Return the cluster that the function's environment names.

    Raises SettingsError, in one line, when the environment says too little.
    """
    service = required(environ, "SLUICE_SEARCH_SERVICE")
    if service not in get_args(Service):
        raise SettingsError(f"SLUICE_SEARCH_SERVICE is {service!r}: es and aoss are accepted; deploy again")
    client = connect(
        required(environ, "SLUICE_SEARCH_ENDPOINT"),
        "aoss" if service == "aoss" else "es",
        connections=connections,
    )
    return Cluster(client, serverless=service == "aoss")
