"""What an OpenSearch domain measures once a minute, asked of the local OpenSearch.

By Amazon OpenSearch Service's developer guide ("Monitoring OpenSearch cluster metrics with Amazon
CloudWatch"): 1 for the status that a cluster has and 0 for the others, free space in MB, whether it blocks
writes. A cluster that does not answer is red here: no primary shard of it is there.
"""

import threading
from typing import Any, Final

import msgspec
import urllib3

from sluice.local.deploy_result import Deployment
from sluice.local.watch.meters import Meter

NAMESPACE: Final = "AWS/ES"
STATUSES: Final = ("green", "yellow", "red")
RED: Final = {"status": "red", "writes_blocked": True, "free_mb": None}
PER_MINUTE: Final = 2
"""How often a minute is looked at, so that none is missed."""


class SearchMeter:
    """Measures the domains of a deployment from a thread of its own, as long as there are any."""

    def __init__(self, meter: Meter, minute_seconds: float) -> None:
        self._meter, self._pause = meter, minute_seconds / PER_MINUTE
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(5), retries=False)
        self._domains: list[str] = []
        self._account, self._url = "", ""
        self._started = False

    def aim(self, deployment: Deployment) -> None:
        """Look at what a deployment declares from now on."""
        self._domains, self._account = deployment.domains, deployment.account
        self._url = deployment.search_url or ""

    def take(self, deployment: Deployment) -> None:
        """Measure what a deployment declares, from now on and by itself."""
        self.aim(deployment)
        if self._domains and self._url and not self._started:
            self._started = True
            threading.Thread(target=self._run, name="search-metrics", daemon=True).start()

    def measure(self) -> None:
        """Measure now."""
        health = self._health()
        figures = {f"ClusterStatus.{status}": int(health["status"] == status) for status in STATUSES}
        figures["ClusterIndexWritesBlocked"] = int(bool(health["writes_blocked"]))
        for domain in self._domains:
            named = {"DomainName": domain, "ClientId": self._account}
            for name, value in figures.items():
                self._meter.add(NAMESPACE, name, named, value)
            if health["free_mb"] is not None:
                free = float(health["free_mb"])
                self._meter.add(NAMESPACE, "FreeStorageSpace", named, free, unit="Megabytes")

    def _health(self) -> dict[str, Any]:
        try:
            answer = self._pool.request("GET", f"{self._url}/_sluice/health")
            found: dict[str, Any] = msgspec.json.decode(answer.data)
        except (urllib3.exceptions.HTTPError, msgspec.MsgspecError):
            return RED
        return found

    def _run(self) -> None:
        waiting = threading.Event()
        while not waiting.wait(self._pause):
            self.measure()
