"""Resources as Pulumi's state has them: what is deployed, whatever the program declares by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

STREAM = "aws:kinesis/stream:Stream"
TABLE = "aws:dynamodb/table:Table"
QUEUE = "aws:sqs/queue:Queue"
BUCKET = "aws:s3/bucket:Bucket"
DOMAIN = "aws:opensearch/domain:Domain"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
DATASET = "gcp:bigquery/dataset:Dataset"
BIGQUERY_TABLE = "gcp:bigquery/table:Table"
KEY = "aws:kms/key:Key"
POOL = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
SERVICE = "gcp:projects/service:Service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One resource; `values` are its inputs with its outputs laid over them."""

    type: str
    urn: str
    id: str
    values: Mapping[str, Any]
    protected: bool = False
    """Whether Pulumi refuses to delete it."""
    retained: bool = False
    """Whether it stays in the cloud when Pulumi deletes it."""

    @classmethod
    def parse(cls, resource: Mapping[str, Any]) -> Self:
        """Read a resource of `pulumi stack export`."""
        return cls(
            type=str(resource["type"]),
            urn=str(resource["urn"]),
            id=str(resource.get("id") or ""),
            values={**(resource.get("inputs") or {}), **(resource.get("outputs") or {})},
            protected=bool(resource.get("protect")),
            retained=bool(resource.get("retainOnDelete")),
        )

    @property
    def name(self) -> str:
        """What the cloud calls it."""
        if self.type == BIGQUERY_TABLE:
            return f"{self.values['datasetId']}.{self.values['tableId']}"
        keys = {
            BUCKET: "bucket",
            DOMAIN: "domainName",
            DATASET: "datasetId",
            POOL: "workloadIdentityPoolId",
            ROLE: "roleId",
            SERVICE: "service",
        }
        return str(self.values.get(keys.get(self.type, "name")) or self.id or self.urn.rpartition("::")[2])


def deployed(state: Mapping[str, Any]) -> list[Deployed]:
    """Return what a stack's state holds in the clouds: no components, no providers."""
    return [
        Deployed.parse(each)
        for each in state.get("resources") or ()
        if each.get("custom") and not str(each["type"]).startswith("pulumi:")
    ]
