"""Creates and changes the BigQuery resources that a program declares, by Google's REST calls."""

import json
from typing import TYPE_CHECKING, Any

import urllib3

from sluice.errors import EnvironmentProblem
from sluice.local.declared import Declared
from sluice.local.deploy_iam import CHANGEABLE, IamCreator
from sluice.local.deploy_result import Outputs

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_FOUND = 404
DATASET = "gcp:bigquery/dataset:Dataset"
IN_PLACE = {
    DATASET: frozenset({"accesses", "description", "friendlyName", "defaultPartitionExpirationMs", "labels"}),
    **CHANGEABLE,
}
"""Inputs that Google's services change while all else stays as it is."""


class GoogleCreator:
    """Creates datasets, tables and views; changes tables and views in place."""

    def __init__(self, url: str, aws_url: str) -> None:
        """Take the addresses of the local Google, and of the AWS that tells it who has signed a request."""
        self._url = url
        self._aws_url = aws_url
        self._told = False
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(30), retries=False)
        self._by_type: dict[str, Callable[[dict[str, Any]], Outputs]] = {
            DATASET: self._dataset,
            "gcp:bigquery/table:Table": self._table,
        }
        self._iam = IamCreator(self._call)

    def handles(self, resource: Declared) -> bool:
        """Whether a resource has a counterpart here."""
        return resource.type in self._by_type or self._iam.handles(resource)

    def create(self, resource: Declared) -> Outputs:
        """Create a resource: its id and outputs."""
        if self._iam.handles(resource):
            if not self._told:
                self._call("PUT", "/_sluice/aws", {"url": self._aws_url}, "the address of AWS")
                self._told = True
            return self._iam.create(resource)
        return self._by_type[resource.type](resource.inputs)

    def change(self, resource: Declared, names: dict[str, Any]) -> None:
        """Change what exists, and is called what `names`, its outputs, say, to what is declared."""
        if resource.type == DATASET:
            path = f"projects/{resource.inputs['project']}/datasets/{resource.inputs['datasetId']}"
            answer = self._send("PATCH", path, dataset_body(resource.inputs))
            _good(answer, f"dataset {resource.inputs['datasetId']}")
        else:
            self._iam.change(resource, names)

    def find_table(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        """A declared table or view as it is now; None when there is none."""
        response = self._send("GET", _table_path(inputs))
        if response.status == NOT_FOUND:
            return None
        found: dict[str, Any] = json.loads(_good(response, f"to show {inputs['tableId']}").data)
        return found

    def update_table(self, inputs: dict[str, Any]) -> None:
        """Change a table or view that exists to what is declared, as far as that goes in place."""
        _good(self._send("PATCH", _table_path(inputs), table_body(inputs)), f"table {inputs['tableId']}")

    def _dataset(self, inputs: dict[str, Any]) -> Outputs:
        project, dataset = inputs["project"], inputs["datasetId"]
        answer = self._send("POST", f"projects/{project}/datasets", dataset_body(inputs))
        _good(answer, f"dataset {dataset}")
        return f"projects/{project}/datasets/{dataset}", {"datasetId": dataset}

    def _table(self, inputs: dict[str, Any]) -> Outputs:
        answer = self._send("POST", _table_path(inputs).rpartition("/")[0], table_body(inputs))
        _good(answer, f"table {inputs['datasetId']}.{inputs['tableId']}")
        return table_outputs(inputs)

    def _call(self, method: str, path: str, body: dict[str, Any], what: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(_good(self._request(method, path, body), what).data)
        return found

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> urllib3.BaseHTTPResponse:
        return self._request(method, f"/bigquery/v2/{path}", body)

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json"}
        url = self._url + path
        data = None if body is None else json.dumps(body).encode()
        try:
            return self._pool.request(method, url, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise EnvironmentProblem(f"the local BigQuery does not answer: {error}") from error


def dataset_body(inputs: dict[str, Any]) -> dict[str, Any]:
    """A declared dataset as BigQuery's REST resource."""
    reference = {"projectId": inputs["project"], "datasetId": inputs["datasetId"]}
    keys = ("location", "description", "friendlyName", "defaultPartitionExpirationMs", "labels")
    return {
        "datasetReference": reference,
        **{key: inputs[key] for key in keys if inputs.get(key) is not None},
        **({"access": inputs["accesses"]} if inputs.get("accesses") else {}),
    }


def table_body(inputs: dict[str, Any]) -> dict[str, Any]:
    """A declared table or view as BigQuery's REST resource."""
    body: dict[str, Any] = {
        "tableReference": {
            "projectId": inputs["project"],
            "datasetId": inputs["datasetId"],
            "tableId": inputs["tableId"],
        }
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
    return body


def table_outputs(inputs: dict[str, Any]) -> Outputs:
    """What a declared table or view is to the program, whether it exists yet or not."""
    return _table_path(inputs), {"tableId": inputs["tableId"]}


def _table_path(inputs: dict[str, Any]) -> str:
    return f"projects/{inputs['project']}/datasets/{inputs['datasetId']}/tables/{inputs['tableId']}"


def _good(response: urllib3.BaseHTTPResponse, what: str) -> urllib3.BaseHTTPResponse:
    if response.status != 200:  # noqa: PLR2004 - HTTP's OK
        raise EnvironmentProblem(f"the local Google refuses {what}: {_message(response.data)}")
    return response


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return data[:300].decode(errors="replace")
