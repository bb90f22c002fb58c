"""Pulumi's types that rules speak of, by the field's words."""

from collections.abc import Mapping
from typing import Final

API_ROUTE: Final = "aws:apigatewayv2/route:Route"
ATHENA_WORKGROUP: Final = "aws:athena/workgroup:Workgroup"
BIGQUERY_DATASET: Final = "gcp:bigquery/dataset:Dataset"
BIGQUERY_ENTRY: Final = "gcp:bigquery/datasetAccess:DatasetAccess"
BIGQUERY_TABLE: Final = "gcp:bigquery/table:Table"
BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_ENCRYPTION: Final = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
DOMAIN: Final = "aws:opensearch/domain:Domain"
FIREHOSE: Final = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream"
FUNCTION: Final = "aws:lambda/function:Function"
FUNCTION_URL: Final = "aws:lambda/functionUrl:FunctionUrl"
KEY: Final = "aws:kms/key:Key"
KEY_POLICY: Final = "aws:kms/keyPolicy:KeyPolicy"
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
LOG_POLICY: Final = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
MAPPING: Final = "aws:lambda/eventSourceMapping:EventSourceMapping"
PERMISSION: Final = "aws:lambda/permission:Permission"
POLICY: Final = "aws:iam/policy:Policy"
POOL_PROVIDER: Final = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
PUBLIC_ACCESS_BLOCK: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
QUEUE: Final = "aws:sqs/queue:Queue"
QUEUE_POLICY: Final = "aws:sqs/queuePolicy:QueuePolicy"
ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
SECURITY_GROUP_INGRESS: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SECURITY_GROUP_EGRESS: Final = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
SECURITY_GROUP: Final = "aws:ec2/securityGroup:SecurityGroup"
SECURITY_GROUP_RULE: Final = "aws:ec2/securityGroupRule:SecurityGroupRule"
STREAM: Final = "aws:kinesis/stream:Stream"
TABLE: Final = "aws:dynamodb/table:Table"
TOPIC: Final = "aws:sns/topic:Topic"
TOPIC_POLICY: Final = "aws:sns/topicPolicy:TopicPolicy"

FORMER: Final[Mapping[str, str]] = {
    "aws:s3/bucketV2:BucketV2": BUCKET,
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": (
        BUCKET_ENCRYPTION
    ),
}
"""Types that the provider still takes for what has another one today."""
