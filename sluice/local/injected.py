"""Faults that are injected into servers of the local cloud while it runs."""

from abc import ABC, abstractmethod
from typing import Any

import msgspec
import urllib3

from sluice.errors import EnvironmentProblem
from sluice.local.endpoints import Endpoints


class Faults:
    """Faults of one server, listed in docs/local-cloud.md and in the page about the server."""

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


class Injectable(ABC):
    """A local cloud as somebody sees it who wants it to go wrong."""

    def __init__(self, pool: urllib3.PoolManager) -> None:
        self._pool = pool

    @property
    @abstractmethod
    def endpoints(self) -> Endpoints:
        """Where the servers listen."""

    @property
    def faults(self) -> Faults:
        """Faults of the local BigQuery."""
        return Faults(self._pool, self.endpoints.bigquery_url)

    @property
    def aws_faults(self) -> Faults:
        """Faults of the local AWS: calls that are throttled, fail, or take their time."""
        return Faults(self._pool, self.endpoints.aws_url)

    @property
    def lambda_faults(self) -> Faults:
        """Faults of the local Lambda and EventBridge: invocations and destinations that are refused."""
        return Faults(self._pool, self.endpoints.lambda_url)

    @property
    def lake_faults(self) -> Faults:
        """Faults of the local Firehose; raises EnvironmentProblem where the lake is off."""
        if self.endpoints.lake_url is None:
            raise EnvironmentProblem("there is no lake: switch it on in the environment's settings")
        return Faults(self._pool, self.endpoints.lake_url)

    @property
    def search_faults(self) -> SearchFaults:
        """Faults of the local OpenSearch; raises EnvironmentProblem where search is off."""
        if self.endpoints.search_url is None:
            raise EnvironmentProblem("there is no search: switch it on in the environment's settings")
        return SearchFaults(self._pool, self.endpoints.search_url)


def json_of(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """A server's answer; raises EnvironmentProblem for an error."""
    answer: Any = msgspec.json.decode(response.data) if response.data else {}
    if response.status >= 400 or not isinstance(answer, dict):  # noqa: PLR2004 - HTTP's errors
        raise EnvironmentProblem(f"the local cloud answers {response.status}: {response.data[:300]!r}")
    return answer
