"""What an environment consists of, in words: resources grouped by their box of the drawing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sluice.local.declared import Declared

KINDS: Final[Mapping[str, str]] = {
    "aws:apigatewayv2/api:Api": "HTTP API",
    "aws:apigatewayv2/authorizer:Authorizer": "token check",
    "aws:apigatewayv2/integration:Integration": "API integration",
    "aws:apigatewayv2/route:Route": "API route",
    "aws:apigatewayv2/stage:Stage": "API stage",
    "aws:athena/workgroup:Workgroup": "Athena workgroup",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "composite alarm",
    "aws:cloudwatch/dashboard:Dashboard": "dashboard",
    "aws:cloudwatch/eventRule:EventRule": "schedule",
    "aws:cloudwatch/eventTarget:EventTarget": "schedule target",
    "aws:cloudwatch/logGroup:LogGroup": "log group",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "log policy",
    "aws:cloudwatch/logStream:LogStream": "log stream",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "alarm",
    "aws:dynamodb/table:Table": "DynamoDB table",
    "aws:ec2/securityGroup:SecurityGroup": "security group",
    "aws:glue/catalogDatabase:CatalogDatabase": "Glue database",
    "aws:glue/catalogTable:CatalogTable": "Glue table",
    "aws:glue/catalogTableOptimizer:CatalogTableOptimizer": "table optimizer",
    "aws:iam/policy:Policy": "policy",
    "aws:iam/role:Role": "role",
    "aws:iam/rolePolicy:RolePolicy": "role policy",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "Firehose",
    "aws:kinesis/resourcePolicy:ResourcePolicy": "stream policy",
    "aws:kinesis/stream:Stream": "Kinesis stream",
    "aws:kinesis/streamConsumer:StreamConsumer": "fan-out consumer",
    "aws:kms/alias:Alias": "key alias",
    "aws:kms/key:Key": "KMS key",
    "aws:codedeploy/application:Application": "deployment application",
    "aws:codedeploy/deploymentGroup:DeploymentGroup": "deployment group",
    "aws:lambda/alias:Alias": "alias",
    "aws:lambda/codeSigningConfig:CodeSigningConfig": "code signing",
    "aws:lambda/eventSourceMapping:EventSourceMapping": "event-source mapping",
    "aws:lambda/function:Function": "Lambda function",
    "aws:lambda/functionUrl:FunctionUrl": "function URL",
    "aws:lambda/invocation:Invocation": "invocation",
    "aws:lambda/permission:Permission": "invoke permission",
    "aws:opensearch/domain:Domain": "OpenSearch domain",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "bucket lifecycle",
    "aws:s3/bucketObjectv2:BucketObjectv2": "object",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket policy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket public access block",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "bucket encryption"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "bucket versioning",
    "aws:signer/signingJob:SigningJob": "signature",
    "aws:signer/signingProfile:SigningProfile": "signing profile",
    "aws:sns/topic:Topic": "topic",
    "aws:sns/topicPolicy:TopicPolicy": "topic policy",
    "aws:sns/topicSubscription:TopicSubscription": "subscription",
    "aws:sqs/queue:Queue": "queue",
    "aws:sqs/queuePolicy:QueuePolicy": "queue policy",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": "security group rule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": "security group rule",
    "gcp:bigquery/dataset:Dataset": "BigQuery dataset",
    "gcp:bigquery/datasetAccess:DatasetAccess": "dataset grant",
    "gcp:bigquery/table:Table": "BigQuery table",
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": "identity pool",
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": "identity provider",
    "gcp:projects/iAMCustomRole:IAMCustomRole": "custom role",
    "gcp:projects/iAMMember:IAMMember": "project grant",
    "gcp:projects/service:Service": "Google API",
    "gcp:serviceaccount/account:Account": "service account",
    "gcp:serviceaccount/iAMMember:IAMMember": "service account grant",
}
_VIEW: Final = "BigQuery view"
_NAMES: Final = (
    "name",
    "alarmName",
    "dashboardName",
    "tableId",
    "datasetId",
    "bucket",
    "service",
    "workloadIdentityPoolProviderId",
    "workloadIdentityPoolId",
    "roleId",
    "accountId",
)
_PROVIDER: Final = "pulumi:providers:"
CHECKPOINT: Final = "holds the checkpoint: a replaced one reads the stream again"


@dataclass(frozen=True, kw_only=True)
class Line:
    """Resources of one kind within one box."""

    kind: str
    names: tuple[str, ...]
    protected: int
    note: str


@dataclass(frozen=True, kw_only=True)
class Box:
    """A component of the program, and what it declares."""

    name: str
    lines: tuple[Line, ...]

    @property
    def count(self) -> int:
        """How many resources the box declares."""
        return sum(len(line.names) for line in self.lines)

    @property
    def protected(self) -> int:
        """How many of them Pulumi refuses to delete."""
        return sum(line.protected for line in self.lines)


def boxes(resources: Iterable[Declared]) -> list[Box]:
    """Group the custom resources by component, in the order of the program."""
    everything = list(resources)
    found: dict[str, list[Declared]] = {}
    titles = {each.urn: each.name for each in everything if not each.custom}
    for title in titles.values():
        found[title] = []
    for each in created(everything):
        found.setdefault(titles.get(each.parent or "", "(no component)"), []).append(each)
    return [Box(name=title, lines=_lines(members)) for title, members in found.items() if members]


def created(resources: Iterable[Declared]) -> list[Declared]:
    """Leave out components and providers: what exists in a cloud afterwards."""
    return [each for each in resources if each.custom and not each.type.startswith(_PROVIDER)]


def kind(resource: Declared) -> str:
    """Name a resource's kind in words."""
    if "view" in resource.inputs and resource.type == "gcp:bigquery/table:Table":
        return _VIEW
    return KINDS.get(resource.type, resource.type.rpartition(":")[2])


def called(resource: Declared) -> str:
    """Name a resource as the cloud will: its own name where it has one, else the program's."""
    own = {key: resource.inputs[key] for key in _NAMES if key in resource.inputs}
    if "member" in resource.inputs:
        return str(resource.inputs["member"])
    if not own or kind(resource).startswith("bucket ") or resource.type.endswith("Policy"):
        return resource.name
    return str(next(iter(own.values())))


def _lines(members: list[Declared]) -> tuple[Line, ...]:
    grouped: dict[str, list[Declared]] = {}
    for each in members:
        grouped.setdefault(kind(each), []).append(each)
    return tuple(
        Line(
            kind=name,
            names=tuple(called(each) for each in group),
            protected=sum(each.protect for each in group),
            note=CHECKPOINT if group[0].delete_before_replace else "",
        )
        for name, group in grouped.items()
    )
