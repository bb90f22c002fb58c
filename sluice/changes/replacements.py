"""Which inputs of which resource make the provider delete it and make it anew: one dated table.

It holds for the provider versions below; a test compares these with what is installed, so that whoever
renews a provider goes through the table. It rests on the schemas of the providers that Pulumi's wrap
(hashicorp/terraform-provider-aws, internal/service/*, and hashicorp/terraform-provider-google; `ForceNew` and
`RequiresReplace`). Of these the stream, the mapping, the function, the invocation, the DynamoDB table, the
Glue table, the domain, the signing profile and the API integration were read in 2026-11, some in an older
version, and the others are known from before. It also rests on what the installed packages say of their
arguments, and on docs/deploy.md.
"""

from collections.abc import Mapping
from typing import Final

VERSIONS: Final[Mapping[str, str]] = {"pulumi-aws": "7.51.1", "pulumi-gcp": "10.2.0"}

WHETHER: Final = "?"
"""At the end of a path: only whether it is there at all replaces, not what is in it."""

ANY: Final = "*"
"""Instead of paths: nothing of the resource can be changed in place."""

_CALLED: Final = ("name", "namePrefix")
_BUCKET: Final = ("bucket", "expectedBucketOwner")
_API: Final = ("apiId",)

REPLACED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:apigatewayv2/api:Api": ("protocolType",),
    "aws:apigatewayv2/authorizer:Authorizer": _API,
    "aws:apigatewayv2/integration:Integration": (*_API, "integrationType", "integrationSubtype"),
    "aws:apigatewayv2/route:Route": _API,
    "aws:apigatewayv2/stage:Stage": (*_API, "name"),
    "aws:athena/workgroup:Workgroup": ("name",),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("alarmName",),
    "aws:cloudwatch/dashboard:Dashboard": ("dashboardName",),
    "aws:cloudwatch/eventRule:EventRule": (*_CALLED, "eventBusName"),
    "aws:cloudwatch/eventTarget:EventTarget": ("rule", "targetId", "eventBusName"),
    "aws:cloudwatch/logGroup:LogGroup": (*_CALLED, "logGroupClass"),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("policyName", "resourceArn"),
    "aws:cloudwatch/logStream:LogStream": ("name", "logGroupName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name",),
    "aws:codedeploy/application:Application": ("computePlatform",),
    "aws:codedeploy/deploymentConfig:DeploymentConfig": (ANY,),
    "aws:codedeploy/deploymentGroup:DeploymentGroup": ("appName",),
    "aws:dynamodb/table:Table": (
        "name",
        "hashKey",
        "rangeKey",
        "localSecondaryIndexes",
        "importTable",
        "restoreDateTime",
        "restoreSourceName",
        "restoreSourceTableArn",
        "restoreToLatestTime",
    ),
    "aws:ec2/securityGroup:SecurityGroup": (*_CALLED, "description", "vpcId"),
    "aws:glue/catalogDatabase:CatalogDatabase": ("name", "catalogId"),
    "aws:glue/catalogTable:CatalogTable": (
        "name",
        "databaseName",
        "catalogId",
        "partitionIndices",
        "openTableFormatInput.icebergInput.metadataOperation",
        "openTableFormatInput.icebergInput.version",
    ),
    "aws:glue/catalogTableOptimizer:CatalogTableOptimizer": (
        "catalogId",
        "databaseName",
        "tableName",
        "type",
    ),
    "aws:iam/policy:Policy": (*_CALLED, "path", "description"),
    "aws:iam/role:Role": (*_CALLED, "path"),
    "aws:iam/rolePolicy:RolePolicy": (*_CALLED, "role"),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": (
        "name",
        "destination",
        "kinesisSourceConfiguration",
        "mskSourceConfiguration",
        "icebergConfiguration.appendOnly",
    ),
    "aws:kinesis/resourcePolicy:ResourcePolicy": ("resourceArn",),
    "aws:kinesis/stream:Stream": ("name",),
    "aws:kinesis/streamConsumer:StreamConsumer": ("name", "streamArn"),
    "aws:kms/alias:Alias": _CALLED,
    "aws:kms/key:Key": (
        "customKeyStoreId",
        "customerMasterKeySpec",
        "keyUsage",
        "multiRegion",
        "xksKeyId",
    ),
    "aws:lambda/alias:Alias": ("functionName", "name"),
    "aws:lambda/codeSigningConfig:CodeSigningConfig": (),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        "eventSourceArn",
        "startingPosition",
        "startingPositionTimestamp",
        "queues",
        "topics",
    ),
    "aws:lambda/function:Function": ("name", "packageType", "tenancyConfig", f"durableConfig{WHETHER}"),
    "aws:lambda/functionUrl:FunctionUrl": ("functionName", "qualifier"),
    "aws:lambda/invocation:Invocation": ("functionName", "qualifier", "triggers", "input"),
    "aws:lambda/permission:Permission": (ANY,),
    "aws:opensearch/domain:Domain": (
        "domainName",
        "advancedSecurityOptions.enabled",
        "encryptAtRest.enabled",
        "encryptAtRest.kmsKeyId",
        "nodeToNodeEncryption.enabled",
        f"vpcOptions{WHETHER}",
    ),
    "aws:s3/bucket:Bucket": ("bucket", "bucketPrefix", "objectLockEnabled"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _BUCKET,
    "aws:s3/bucketObjectv2:BucketObjectv2": ("bucket", "key"),
    "aws:s3/bucketPolicy:BucketPolicy": ("bucket",),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("bucket",),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _BUCKET,
    "aws:s3/bucketVersioning:BucketVersioning": _BUCKET,
    "aws:signer/signingJob:SigningJob": (ANY,),
    "aws:signer/signingProfile:SigningProfile": (
        *_CALLED,
        "platformId",
        "signatureValidityPeriod",
        "signingMaterial",
        "signingParameters",
    ),
    "aws:sns/topic:Topic": (*_CALLED, "fifoTopic"),
    "aws:sns/topicPolicy:TopicPolicy": ("arn",),
    "aws:sns/topicSubscription:TopicSubscription": ("topic", "protocol", "endpoint"),
    "aws:sqs/queue:Queue": (*_CALLED, "fifoQueue"),
    "aws:sqs/queuePolicy:QueuePolicy": ("queueUrl",),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ("securityGroupId",),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ("securityGroupId",),
    "gcp:bigquery/dataset:Dataset": ("datasetId", "project", "location", "externalDatasetReference"),
    "gcp:bigquery/datasetAccess:DatasetAccess": (ANY,),
    "gcp:bigquery/table:Table": (
        "project",
        "datasetId",
        "tableId",
        "rangePartitioning",
        "timePartitioning.field",
        "timePartitioning.type",
        f"view{WHETHER}",
    ),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": ("workloadIdentityPoolId", "project", "mode"),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": (
        "workloadIdentityPoolId",
        "workloadIdentityPoolProviderId",
        "project",
    ),
    "gcp:projects/iAMCustomRole:IAMCustomRole": ("roleId", "project"),
    "gcp:projects/iAMMember:IAMMember": (ANY,),
    "gcp:projects/service:Service": ("service", "project"),
    "gcp:serviceaccount/account:Account": ("accountId", "project"),
    "gcp:serviceaccount/iAMMember:IAMMember": (ANY,),
}
"""By type, dotted paths of inputs in the provider's camelCase. Of an empty tuple all changes in place."""

EVERYWHERE: Final[Mapping[str, tuple[str, ...]]] = {"aws:": ("region",)}
"""By the beginning of types: inputs that replace all of them.

A resource may name a region of its own since version 6 of the AWS provider (forceNewIfRegionChanges in
internal/provider, read 2026-11).
"""

PERHAPS: Final[Mapping[str, Mapping[str, str]]] = {
    "aws:opensearch/domain:Domain": {
        "ipAddressType": "replaced where it goes from dualstack to ipv4",
        "engineVersion": "replaced where OpenSearch Service offers no upgrade from the version that runs",
    },
}
"""Inputs of which only the cloud knows whether they replace, and when they do."""

ANEW: Final[Mapping[str, tuple[str, ...]]] = {
    "aws:apigatewayv2/api:Api": ("id", "apiEndpoint", "executionArn"),
    "aws:apigatewayv2/authorizer:Authorizer": ("id",),
    "aws:apigatewayv2/integration:Integration": ("id",),
    "aws:dynamodb/table:Table": ("streamArn",),
    "aws:iam/role:Role": ("arn",),
    "aws:ec2/securityGroup:SecurityGroup": ("id",),
    "aws:kinesis/streamConsumer:StreamConsumer": ("arn",),
    "aws:kms/key:Key": ("id", "arn", "keyId"),
    "aws:lambda/codeSigningConfig:CodeSigningConfig": ("arn",),
    "aws:lambda/functionUrl:FunctionUrl": ("functionUrl",),
}
"""By type, outputs that are others after a replacement even under the same name: what uses them changes too.

A consumer's ARN ends in the second of its creation, a table's stream in its label (Kinesis and DynamoDB
developer guides), and a role's has its path.
"""

REFRESHED_BY: Final[Mapping[str, Mapping[str, str]]] = {
    "aws:dynamodb/table:Table": {"streamEnabled": "streamArn", "streamViewType": "streamArn"},
}
"""By type and input, an output that is another after that input changed in place.

A table's stream of another view is another stream (DynamoDB developer guide).
"""

BELONGS: Final = frozenset(
    {
        "apiId",
        "appName",
        "bucket",
        "databaseName",
        "datasetId",
        "function",
        "functionName",
        "logGroupName",
        "queueUrl",
        "resourceArn",
        "role",
        "rule",
        "securityGroupId",
        "serviceAccountId",
        "streamArn",
        "tableName",
        "topic",
        "workloadIdentityPoolId",
    }
)
"""Inputs that name what a resource lies in or hangs on."""

NAMED: Final = ("name", "bucket", "datasetId", "workloadIdentityPoolId", "accountId")
"""Inputs that are a resource's own name in the cloud."""
