"""What a deployment may do on AWS, kind by kind: look, for a preview, or look and change, for a deployment.

A kind of resource that the program declares and no row here covers fails a test. Which calls Pulumi's
provider makes for a kind rests on the provider's own sources and AWS's API references; that the actions
exist, take these resources and these conditions is checked by a test against the Service Authorization
Reference. Not tried at AWS: a right that lacks stops a deployment with `AccessDenied` and its name.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One service's part: which of Pulumi's types (without `aws:`), on what, and which actions.

    `on` are the ends of ARNs after the account, with {prefix} and {words} for the environment's names with
    hyphens and with underscores; `looks_everywhere` and `changes_everywhere` are actions for which IAM takes
    no resource, or none that has a name yet.
    """

    service: str
    types: tuple[str, ...]
    on: tuple[str, ...] = ()
    looks: str = ""
    changes: str = ""
    looks_everywhere: str = ""
    changes_everywhere: str = ""
    condition: str = ""
    """What else must hold where a resource's name is AWS's own: see bootstrap/rights.py."""
    when: str = ""
    """The setting without which nothing of it is granted: the same."""


PLAIN: Final[tuple[Kind, ...]] = (
    Kind(
        service="kinesis",
        types=(
            "kinesis/stream:Stream",
            "kinesis/streamConsumer:StreamConsumer",
            "kinesis/resourcePolicy:ResourcePolicy",
        ),
        on=("stream/{prefix}-*",),
        looks=(
            "DescribeStream DescribeStreamConsumer DescribeStreamSummary GetResourcePolicy ListShards "
            "ListStreamConsumers ListTagsForResource ListTagsForStream"
        ),
        changes=(
            "AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteResourcePolicy "
            "DeleteStream DeregisterStreamConsumer "
            "IncreaseStreamRetentionPeriod PutResourcePolicy RegisterStreamConsumer "
            "RemoveTagsFromStream StartStreamEncryption StopStreamEncryption TagResource "
            "UntagResource"
        ),
        changes_everywhere="UpdateShardCount UpdateStreamMode",
    ),
    Kind(
        service="firehose",
        types=("kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",),
        on=("deliverystream/{prefix}-*",),
        looks="DescribeDeliveryStream ListTagsForDeliveryStream",
        changes=(
            "CreateDeliveryStream DeleteDeliveryStream StartDeliveryStreamEncryption "
            "StopDeliveryStreamEncryption TagDeliveryStream UntagDeliveryStream UpdateDestination"
        ),
    ),
    Kind(
        service="lambda",
        types=(
            "lambda/function:Function",
            "lambda/functionUrl:FunctionUrl",
            "lambda/invocation:Invocation",
            "lambda/permission:Permission",
            "lambda/alias:Alias",
        ),
        on=("function:{prefix}-*",),
        looks=(
            "GetAlias GetFunction GetFunctionCodeSigningConfig GetFunctionConcurrency "
            "GetFunctionConfiguration GetFunctionUrlConfig GetPolicy GetRuntimeManagementConfig "
            "ListAliases ListTags ListVersionsByFunction"
        ),
        changes=(
            "AddPermission CreateAlias CreateFunction CreateFunctionUrlConfig DeleteAlias "
            "DeleteFunction DeleteFunctionCodeSigningConfig DeleteFunctionConcurrency "
            "DeleteFunctionUrlConfig InvokeFunction PublishVersion PutFunctionCodeSigningConfig "
            "PutFunctionConcurrency RemovePermission TagResource UntagResource UpdateAlias "
            "UpdateFunctionCode UpdateFunctionConfiguration UpdateFunctionUrlConfig"
        ),
        looks_everywhere="GetAccountSettings ListEventSourceMappings",
    ),
    Kind(
        service="lambda",
        types=("lambda/eventSourceMapping:EventSourceMapping",),
        on=("event-source-mapping:*",),
        changes="DeleteEventSourceMapping UpdateEventSourceMapping",
        changes_everywhere="CreateEventSourceMapping",
        condition="of its functions",
    ),
    Kind(
        service="lambda",
        types=(),
        on=("event-source-mapping:*",),
        looks="GetEventSourceMapping ListTags",
        changes="UntagResource",
        condition="tagged",
    ),
    Kind(
        service="lambda",
        types=(),
        on=("event-source-mapping:*",),
        changes="TagResource",
        condition="to be tagged",
    ),
    Kind(
        service="dynamodb",
        types=("dynamodb/table:Table",),
        on=("table/{prefix}-*",),
        looks="DescribeContinuousBackups DescribeTable DescribeTimeToLive ListTagsOfResource",
        changes=(
            "CreateTable DeleteTable TagResource UntagResource UpdateContinuousBackups UpdateTable "
            "UpdateTimeToLive"
        ),
    ),
    Kind(
        service="sqs",
        types=("sqs/queue:Queue", "sqs/queuePolicy:QueuePolicy"),
        on=("{prefix}-*",),
        looks="GetQueueAttributes GetQueueUrl ListQueueTags",
        changes="CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue",
    ),
    Kind(
        service="sns",
        types=("sns/topic:Topic", "sns/topicPolicy:TopicPolicy", "sns/topicSubscription:TopicSubscription"),
        on=("{prefix}-*",),
        looks="GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource",
        changes="CreateTopic DeleteTopic SetTopicAttributes Subscribe TagResource UntagResource",
        looks_everywhere="GetSubscriptionAttributes",
        changes_everywhere="SetSubscriptionAttributes Unsubscribe",
    ),
    Kind(
        service="s3",
        types=(
            "s3/bucket:Bucket",
            "s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            "s3/bucketPolicy:BucketPolicy",
            "s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            "s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            "s3/bucketVersioning:BucketVersioning",
        ),
        on=("{prefix}-*",),
        looks=(
            "GetAccelerateConfiguration GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging "
            "GetBucketObjectLockConfiguration GetBucketPolicy GetBucketPublicAccessBlock "
            "GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite "
            "GetEncryptionConfiguration GetLifecycleConfiguration GetReplicationConfiguration "
            "ListBucket"
        ),
        changes=(
            "CreateBucket DeleteBucket DeleteBucketPolicy ListBucketVersions PutBucketPolicy "
            "PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning "
            "PutEncryptionConfiguration PutLifecycleConfiguration"
        ),
    ),
    Kind(
        service="logs",
        types=("cloudwatch/logGroup:LogGroup", "cloudwatch/logStream:LogStream"),
        on=(
            "log-group:/aws/lambda/{prefix}-*",
            "log-group:/aws/kinesisfirehose/{prefix}-*",
            "log-group:/aws/opensearch/{prefix}*",
        ),
        looks="DescribeLogStreams ListTagsForResource",
        changes=(
            "AssociateKmsKey CreateLogGroup CreateLogStream DeleteLogGroup DeleteLogStream "
            "DeleteRetentionPolicy DisassociateKmsKey PutRetentionPolicy TagResource UntagResource"
        ),
    ),
    Kind(
        service="logs",
        types=("cloudwatch/logResourcePolicy:LogResourcePolicy",),
        looks_everywhere="DescribeLogGroups DescribeResourcePolicies",
        changes_everywhere="DeleteResourcePolicy PutResourcePolicy",
    ),
    Kind(
        service="events",
        types=("cloudwatch/eventRule:EventRule", "cloudwatch/eventTarget:EventTarget"),
        on=("rule/{prefix}-*",),
        looks="DescribeRule ListTagsForResource ListTargetsByRule",
        changes=(
            "DeleteRule DisableRule EnableRule PutRule PutTargets RemoveTargets TagResource UntagResource"
        ),
    ),
    Kind(
        service="cloudwatch",
        types=(
            "cloudwatch/compositeAlarm:CompositeAlarm",
            "cloudwatch/dashboard:Dashboard",
            "cloudwatch/metricAlarm:MetricAlarm",
        ),
        on=("alarm:{prefix}*", "dashboard/{prefix}*"),
        looks="GetDashboard ListTagsForResource",
        changes=(
            "DeleteAlarms DeleteDashboards PutCompositeAlarm PutDashboard PutMetricAlarm TagResource "
            "UntagResource"
        ),
        looks_everywhere="DescribeAlarms",
    ),
    Kind(
        service="codedeploy",
        types=(
            "codedeploy/application:Application",
            "codedeploy/deploymentConfig:DeploymentConfig",
            "codedeploy/deploymentGroup:DeploymentGroup",
        ),
        changes_everywhere="StopDeployment",
        on=("application:{prefix}*", "deploymentgroup:{prefix}*/*", "deploymentconfig:{prefix}*"),
        looks=(
            "GetApplication GetApplicationRevision GetDeployment GetDeploymentConfig "
            "GetDeploymentGroup ListDeployments ListTagsForResource"
        ),
        changes=(
            "CreateApplication CreateDeployment CreateDeploymentConfig CreateDeploymentGroup "
            "DeleteApplication DeleteDeploymentConfig DeleteDeploymentGroup "
            "RegisterApplicationRevision TagResource UntagResource UpdateApplication "
            "UpdateDeploymentGroup"
        ),
    ),
    Kind(
        service="glue",
        types=(
            "glue/catalogDatabase:CatalogDatabase",
            "glue/catalogTable:CatalogTable",
            "glue/catalogTableOptimizer:CatalogTableOptimizer",
        ),
        on=("catalog", "database/{words}_*", "table/{words}_*"),
        looks="GetDatabase GetTable GetTableOptimizer GetTags",
        changes=(
            "CreateDatabase CreateTable CreateTableOptimizer DeleteDatabase DeleteTable "
            "DeleteTableOptimizer TagResource UntagResource UpdateDatabase UpdateTable "
            "UpdateTableOptimizer"
        ),
    ),
    Kind(
        service="athena",
        types=("athena/workgroup:Workgroup",),
        on=("workgroup/{prefix}-*",),
        looks="GetWorkGroup ListTagsForResource",
        changes="CreateWorkGroup DeleteWorkGroup TagResource UntagResource UpdateWorkGroup",
    ),
    Kind(
        service="es",
        types=("opensearch/domain:Domain",),
        on=("domain/{prefix}",),
        looks=(
            "DescribeDomain DescribeDomainChangeProgress DescribeDomainConfig DescribeDomains "
            "GetCompatibleVersions ListTags"
        ),
        changes="AddTags CreateDomain DeleteDomain RemoveTags UpdateDomainConfig",
    ),
)
"""What every environment has; roles and policies are in bootstrap/rights.py."""
