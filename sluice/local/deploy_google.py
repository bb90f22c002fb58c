"""Creates the BigQuery resources that a program declares in the local BigQuery, by BigQuery's REST calls."""

import json
from typing import TYPE_CHECKING, Any

import urllib3

from sluice.errors import EnvironmentProblem
from sluice.local.declared import Declared

if TYPE_CHECKING:
    from collections.abc import Callable

Outputs = tuple[str, dict[str, Any]]


class GoogleCreator:
    """Creates datasets, tables and views."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(30), retries=False)
        self._by_type: dict[str, Callable[[dict[str, Any]], Outputs]] = {
            "gcp:bigquery/dataset:Dataset": self._dataset,
            "gcp:bigquery/table:Table": self._table,
        }

    def handles(self, kind: str) -> bool:
        """Whether a resource type has a counterpart here."""
        return kind in self._by_type

    def create(self, resource: Declared) -> Outputs:
        """Create a resource: its id and outputs."""
        return self._by_type[resource.type](resource.inputs)

    def _dataset(self, inputs: dict[str, Any]) -> Outputs:
        project, dataset = inputs["project"], inputs["datasetId"]
        body: dict[str, Any] = {"datasetReference": {"projectId": project, "datasetId": dataset}}
        for key in ("location", "description", "friendlyName", "defaultPartitionExpirationMs", "labels"):
            if inputs.get(key) is not None:
                body[key] = inputs[key]
        self._post(f"projects/{project}/datasets", body, f"dataset {dataset}")
        return f"projects/{project}/datasets/{dataset}", {"datasetId": dataset}

    def _table(self, inputs: dict[str, Any]) -> Outputs:
        project, dataset, table = inputs["project"], inputs["datasetId"], inputs["tableId"]
        body: dict[str, Any] = {
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table}
        }
        for key in ("description", "friendlyName", "timePartitioning", "requirePartitionFilter", "labels"):
            if inputs.get(key) is not None:
                body[key] = inputs[key]
        if inputs.get("schema"):
            body["schema"] = {"fields": json.loads(inputs["schema"])}
        if inputs.get("clusterings"):
            body["clustering"] = {"fields": inputs["clusterings"]}
        if inputs.get("view"):
            body["view"] = inputs["view"]
        self._post(f"projects/{project}/datasets/{dataset}/tables", body, f"table {dataset}.{table}")
        return f"projects/{project}/datasets/{dataset}/tables/{table}", {"tableId": table}

    def _post(self, path: str, body: dict[str, Any], what: str) -> None:
        headers = {"Content-Type": "application/json"}
        url = f"{self._url}/bigquery/v2/{path}"
        try:
            response = self._pool.request("POST", url, body=json.dumps(body).encode(), headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise EnvironmentProblem(f"the local BigQuery does not answer: {error}") from error
        if response.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise EnvironmentProblem(f"the local BigQuery refuses {what}: {_message(response.data)}")


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return data[:300].decode(errors="replace")
