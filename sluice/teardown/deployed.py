"""Resources as Pulumi's state has them: what is deployed, whatever the program declares by now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from sluice.errors import EnvironmentProblem

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


class _Resource(msgspec.Struct, rename="camel"):
    """A resource of `pulumi stack export`; `custom`: it is something in a cloud, no component."""

    type: str
    urn: str
    custom: bool
    id: str | None = None
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    protect: bool = False
    retain_on_delete: bool = False


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
    def of(cls, resource: _Resource) -> Self:
        """Take what matters here of a resource in the state."""
        return cls(
            type=resource.type,
            urn=resource.urn,
            id=resource.id or "",
            values={**(resource.inputs or {}), **(resource.outputs or {})},
            protected=resource.protect,
            retained=resource.retain_on_delete,
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
    """Return what a stack's state holds in the clouds: no components, no providers.

    Raises:
        EnvironmentProblem: the state is not as Pulumi writes it.
    """
    try:
        resources = msgspec.convert(state.get("resources") or [], list[_Resource])
    except msgspec.ValidationError as error:
        raise EnvironmentProblem(
            f"the stack's state is not as Pulumi writes it: {error} of `resources`;"
            " look at `pulumi stack export`, and mend it with `pulumi state repair` or an older export"
        ) from error
    return [Deployed.of(each) for each in resources if each.custom and not each.type.startswith("pulumi:")]
