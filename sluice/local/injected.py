"""Faults that are injected into servers of the local cloud while it runs."""

from typing import Any

import msgspec
import urllib3

from sluice.errors import EnvironmentProblem


class Faults:
    """Faults of the local BigQuery (listed in docs/local-bigquery.md) or Firehose (docs/local-cloud.md)."""

    def __init__(self, pool: urllib3.PoolManager, url: str) -> None:
        self._pool = pool
        self._url = url + "/_sluice/faults"

    def add(self, **fault: Any) -> str:
        """Inject a fault, e.g. `add(match="insertAll", kind="status", status=500, count=3)`; its id."""
        answer = json_of(self._pool.request("POST", self._url, json=fault))
        return str(answer.get("id"))

    def clear(self) -> None:
        """Take all faults away."""
        json_of(self._pool.request("DELETE", self._url))


class SearchFaults(Faults):
    """Faults of the local OpenSearch (docs/local-opensearch.md lists them); it can also be killed."""

    def kill(self) -> None:
        """End it as a power cut would."""
        json_of(self._pool.request("POST", self._url.replace("/faults", "/kill")))

    def start(self) -> None:
        """Bring it back over what it held."""
        json_of(self._pool.request("POST", self._url.replace("/faults", "/start")))


def json_of(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """A server's answer; raises EnvironmentProblem for an error."""
    answer: Any = msgspec.json.decode(response.data) if response.data else {}
    if response.status >= 400 or not isinstance(answer, dict):  # noqa: PLR2004 - HTTP's errors
        raise EnvironmentProblem(f"the local cloud answers {response.status}: {response.data[:300]!r}")
    return answer
