"""What an environment costs a month: what is there around the clock, and what a stated load takes.

A resource is priced, free, or paid by a use that a load does not say; what is none of these is named as
unknown, and never counted as nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sluice.planner.flow import Flow
from sluice.planner.load import Load
from sluice.planner.priced import PRICED, Item
from sluice.policies import Resource, kinds

FREE: Final = frozenset(
    {
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "aws:cloudwatch/logStream:LogStream",
        "aws:codedeploy/application:Application",
        "aws:codedeploy/deploymentConfig:DeploymentConfig",
        "aws:codedeploy/deploymentGroup:DeploymentGroup",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:glue/catalogDatabase:CatalogDatabase",
        "aws:glue/catalogTable:CatalogTable",
        "aws:iam/policy:Policy",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:kinesis/resourcePolicy:ResourcePolicy",
        "aws:kms/alias:Alias",
        "aws:lambda/alias:Alias",
        "aws:lambda/codeSigningConfig:CodeSigningConfig",
        "aws:lambda/eventSourceMapping:EventSourceMapping",
        "aws:lambda/functionUrl:FunctionUrl",
        "aws:lambda/invocation:Invocation",
        "aws:lambda/permission:Permission",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:signer/signingJob:SigningJob",
        "aws:signer/signingProfile:SigningProfile",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sqs/queuePolicy:QueuePolicy",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "aws:apigatewayv2/authorizer:Authorizer",
        "aws:apigatewayv2/integration:Integration",
        "aws:apigatewayv2/route:Route",
        "aws:apigatewayv2/stage:Stage",
        "gcp:bigquery/dataset:Dataset",
        "gcp:bigquery/datasetAccess:DatasetAccess",
        "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
        "gcp:projects/iAMCustomRole:IAMCustomRole",
        "gcp:projects/iAMMember:IAMMember",
        "gcp:projects/service:Service",
        "gcp:serviceaccount/account:Account",
        "gcp:serviceaccount/iAMMember:IAMMember",
    }
)
"""Types that cost nothing by themselves; what a mapping or an address calls costs as such."""

BY_USE: Final[Mapping[str, str]] = {
    "aws:apigatewayv2/api:Api": "requests to the report page",
    "aws:athena/workgroup:Workgroup": "what queries read",
    "aws:glue/catalogTableOptimizer:CatalogTableOptimizer": "the time that optimizers work",
    "aws:s3/bucketObjectv2:BucketObjectv2": "what is stored",
    "aws:sns/topic:Topic": "notifications",
    "aws:sns/topicSubscription:TopicSubscription": "notifications",
    kinds.BUCKET: "what is stored, and requests",
    kinds.BIGQUERY_TABLE: "what is stored, and what queries read",
}
"""Types whose cost depends on what a load does not say, and on what."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A month in US dollars, item by item; `uncounted` says what is left out, `unknown` names types."""

    load: Load
    items: tuple[Item, ...]
    uncounted: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def fixed(self) -> float:
        """What is paid around the clock, without a record."""
        return sum(each.usd for each in self.items if each.fixed)

    @property
    def by_load(self) -> float:
        """What the load adds."""
        return sum(each.usd for each in self.items if not each.fixed)

    @property
    def total(self) -> float:
        """Both."""
        return self.fixed + self.by_load

    def of(self, name: str) -> float:
        """Return what one resource costs in all, by its name in the program."""
        return sum(each.usd for each in self.items if each.resource == name)


def monthly(resources: Iterable[Resource], load: Load | None = None) -> Cost:
    """Count what resources cost a month at a load, by the list prices of sluice/planner/prices.py."""
    load = load or Load()
    flow = Flow(resources, load)
    items: list[Item] = []
    uncounted: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for each in flow.all:
        if each.component or each.cloud == "pulumi":
            continue
        if each.type in PRICED:
            items += PRICED[each.type](each, flow)
        elif each.type in BY_USE:
            uncounted[f"{each.type.rpartition(':')[2]}: {BY_USE[each.type]}"] = None
        elif each.type not in FREE:
            unknown[each.type] = None
    unknown |= dict.fromkeys(each.what for each in items if each.unknown)
    return Cost(
        load=load,
        items=tuple(each for each in items if not each.unknown),
        uncounted=tuple(uncounted),
        unknown=tuple(unknown),
    )
