"""Creates the AWS resources that a program declares in the local AWS, by the calls the cloud would get."""

import json
import uuid
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.declared import Declared
from sluice.local.deploy_changes import AwsChanges
from sluice.local.deploy_lake import LakeCreator, has_server
from sluice.local.deploy_result import Outputs
from sluice.local.deploy_security import SecurityCreator
from sluice.local.deploy_watch import WatchCreator

if TYPE_CHECKING:
    from collections.abc import Callable

Inputs = dict[str, Any]

DEFAULT_SHARDS = 2
"""Of an on-demand stream, which starts with four in the cloud."""

_QUEUE_ATTRIBUTES = {
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "redrivePolicy": "RedrivePolicy",
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "policy": "Policy",
}
_NAMES = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID", "id": "ID"}


class AwsCreator:
    """Creates by resource type; functions, mappings and rules are kept for the runtime, without moto."""

    def __init__(self, url: str, shards: int | None) -> None:
        self._url = url
        self._shards = shards
        self._clients: dict[str, Any] = {}
        self.region, self.account = "us-east-1", ACCOUNT
        self.functions: list[Inputs] = []
        self.mappings: list[Inputs] = []
        self.aliases: list[Inputs] = []
        self.groups: list[Inputs] = []
        self.rules: list[Inputs] = []
        self.targets: list[Inputs] = []
        self.permissions: list[Inputs] = []
        self.invocations: list[Inputs] = []
        self.domains: list[str] = []
        self.retention_hours: dict[str, int] = {}
        self.watch = WatchCreator(self._client, lambda: self.region)
        self.changes = AwsChanges(self._client, _QUEUE_ATTRIBUTES, self.retention_hours)
        self.lake = LakeCreator(self._client, lambda: self.region)
        self._by_type: dict[str, Callable[[Inputs], Outputs]] = {
            "pulumi:providers:aws": self._provider,
            "aws:kinesis/stream:Stream": self._stream,
            "aws:kinesis/streamConsumer:StreamConsumer": self._consumer,
            "aws:kinesis/resourcePolicy:ResourcePolicy": self._stream_policy,
            "aws:sqs/queue:Queue": self._queue,
            "aws:sqs/queuePolicy:QueuePolicy": self._queue_policy,
            "aws:s3/bucket:Bucket": self._bucket,
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": self._public_access,
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
                self._bucket_encryption
            ),
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": self._bucket_lifecycle,
            "aws:s3/bucketVersioning:BucketVersioning": self._bucket_versioning,
            "aws:s3/bucketPolicy:BucketPolicy": self._bucket_policy,
            "aws:dynamodb/table:Table": self._table,
            **SecurityCreator(self._client).by_type,
            **self.watch.by_type,
            "aws:cloudwatch/logGroup:LogGroup": self._log_group,
            "aws:cloudwatch/logStream:LogStream": self._log_stream,
            **self.lake.by_type,
            "aws:lambda/function:Function": self._function,
            "aws:lambda/alias:Alias": self._alias,
            "aws:codedeploy/application:Application": lambda inputs: (inputs["name"], {}),
            "aws:codedeploy/deploymentGroup:DeploymentGroup": self._group,
            "aws:lambda/eventSourceMapping:EventSourceMapping": self._mapping,
            "aws:lambda/permission:Permission": self._permission,
            "aws:lambda/invocation:Invocation": self._invocation,
            "aws:opensearch/domain:Domain": self._domain,
            "aws:cloudwatch/eventRule:EventRule": self._rule,
            "aws:cloudwatch/eventTarget:EventTarget": self._target,
        }

    def handles(self, resource: Declared) -> bool:
        """Whether a resource has a counterpart here."""
        return resource.type in self._by_type and has_server(resource.type, resource.inputs)

    def create(self, resource: Declared) -> Outputs:
        """Create a resource: its id and outputs."""
        return self._by_type[resource.type](resource.inputs)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(  # type: ignore[call-overload]  # the service is a variable
                service,
                endpoint_url=self._url,
                region_name=self.region,
                aws_access_key_id="local",
                aws_secret_access_key="local",  # noqa: S106 - the local AWS checks none
                config=Config(retries={"total_max_attempts": 2}, read_timeout=30),
            )
        return self._clients[service]

    def _provider(self, inputs: Inputs) -> Outputs:
        self.region = inputs.get("region", self.region)
        # Of a provider, lists come as JSON.
        pinned: list[str] = json.loads(inputs.get("allowedAccountIds") or "[]")
        self.account = next(iter(pinned), self.account)
        return "aws", {}

    def _stream(self, inputs: Inputs) -> Outputs:
        kinesis, name = self._client("kinesis"), inputs["name"]
        on_demand = (inputs.get("streamModeDetails") or {}).get("streamMode") == "ON_DEMAND"
        shards = self._shards or (DEFAULT_SHARDS if on_demand else inputs.get("shardCount", 1))
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
        if on_demand:
            kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
        hours = inputs.get("retentionPeriod", 24)
        if hours > 24:  # noqa: PLR2004 - what a stream starts with
            kinesis.increase_stream_retention_period(StreamName=name, RetentionPeriodHours=hours)
        if inputs.get("encryptionType") == "KMS":
            kinesis.start_stream_encryption(StreamName=name, EncryptionType="KMS", KeyId=inputs["kmsKeyId"])
        self.retention_hours[arn] = hours
        return arn, {"arn": arn}

    def _consumer(self, inputs: Inputs) -> Outputs:
        answer = self._client("kinesis").register_stream_consumer(
            StreamARN=inputs["streamArn"], ConsumerName=inputs["name"]
        )
        arn = answer["Consumer"]["ConsumerARN"]
        return arn, {"arn": arn}

    def _stream_policy(self, inputs: Inputs) -> Outputs:
        arn = inputs["resourceArn"]
        self._client("kinesis").put_resource_policy(ResourceARN=arn, Policy=inputs["policy"])
        return arn, {}

    def _queue(self, inputs: Inputs) -> Outputs:
        attributes = {
            theirs: _text(inputs[ours])
            for ours, theirs in _QUEUE_ATTRIBUTES.items()
            if inputs.get(ours) is not None
        }
        url = self._client("sqs").create_queue(QueueName=inputs["name"], Attributes=attributes)["QueueUrl"]
        return url, {"url": url, "arn": f"arn:aws:sqs:{self.region}:{ACCOUNT}:{inputs['name']}"}

    def _queue_policy(self, inputs: Inputs) -> Outputs:
        url = inputs["queueUrl"]
        self._client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs["policy"]})
        return url, {}

    def _bucket(self, inputs: Inputs) -> Outputs:
        name = inputs["bucket"]
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        self._client("s3").create_bucket(Bucket=name, **({} if self.region == "us-east-1" else elsewhere))
        return name, {"arn": f"arn:aws:s3:::{name}"}

    def _public_access(self, inputs: Inputs) -> Outputs:
        self._client("s3").put_public_access_block(
            Bucket=inputs["bucket"],
            PublicAccessBlockConfiguration={
                _pascal(key): value for key, value in inputs.items() if key != "bucket"
            },
        )
        return inputs["bucket"], {}

    def _bucket_encryption(self, inputs: Inputs) -> Outputs:
        self._client("s3").put_bucket_encryption(
            Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": _renamed(inputs["rules"])}
        )
        return inputs["bucket"], {}

    def _bucket_lifecycle(self, inputs: Inputs) -> Outputs:
        self._client("s3").put_bucket_lifecycle_configuration(
            Bucket=inputs["bucket"], LifecycleConfiguration={"Rules": _renamed(inputs["rules"])}
        )
        return inputs["bucket"], {}

    def _bucket_versioning(self, inputs: Inputs) -> Outputs:
        self._client("s3").put_bucket_versioning(
            Bucket=inputs["bucket"], VersioningConfiguration=_renamed(inputs["versioningConfiguration"])
        )
        return inputs["bucket"], {}

    def _bucket_policy(self, inputs: Inputs) -> Outputs:
        self._client("s3").put_bucket_policy(Bucket=inputs["bucket"], Policy=inputs["policy"])
        return inputs["bucket"], {}

    def _table(self, inputs: Inputs) -> Outputs:
        dynamodb, name = self._client("dynamodb"), inputs["name"]
        keys = [("HASH", inputs["hashKey"]), ("RANGE", inputs.get("rangeKey"))]
        described = dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for kind, key in keys if key],
            AttributeDefinitions=[
                {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
                for attribute in inputs["attributes"]
            ],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=bool(inputs.get("deletionProtectionEnabled")),
            **_stream_and_encryption(inputs),
        )["TableDescription"]
        ttl = inputs.get("ttl") or {}
        if ttl.get("enabled"):
            specification = {"Enabled": True, "AttributeName": ttl["attributeName"]}
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
        if (inputs.get("pointInTimeRecovery") or {}).get("enabled"):
            dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
        stream = {
            "streamArn": described.get("LatestStreamArn"),
            "streamLabel": described.get("LatestStreamLabel"),
        }
        return name, {"arn": described["TableArn"], **{key: one for key, one in stream.items() if one}}

    def _log_group(self, inputs: Inputs) -> Outputs:
        logs, name = self._client("logs"), inputs["name"]
        logs.create_log_group(logGroupName=name)
        if inputs.get("retentionInDays"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
        return name, {"arn": f"arn:aws:logs:{self.region}:{ACCOUNT}:log-group:{name}"}

    def _log_stream(self, inputs: Inputs) -> Outputs:
        group, name = inputs["logGroupName"], inputs["name"]
        self._client("logs").create_log_stream(logGroupName=group, logStreamName=name)
        return name, {"arn": f"arn:aws:logs:{self.region}:{ACCOUNT}:log-group:{group}:log-stream:{name}"}

    def _function(self, inputs: Inputs) -> Outputs:
        arn = f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{inputs['name']}"
        published = {"version": "1"} if inputs.get("publish") else {}
        self.functions.append({**inputs, "arn": arn, **published})
        return inputs["name"], {"arn": arn, **published}

    def _alias(self, inputs: Inputs) -> Outputs:
        self.aliases.append(inputs)
        function = f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{inputs['functionName']}"
        return inputs["name"], {"arn": f"{function}:{inputs['name']}"}

    def _group(self, inputs: Inputs) -> Outputs:
        self.groups.append(inputs)
        return inputs["deploymentGroupName"], {}

    def _mapping(self, inputs: Inputs) -> Outputs:
        identity = str(uuid.uuid4())
        self.mappings.append({**inputs, "uuid": identity})
        return identity, {"uuid": identity}

    def _domain(self, inputs: Inputs) -> Outputs:
        """Give it an address that nobody asks: functions are led to the local OpenSearch."""
        called = inputs["domainName"]
        self.domains.append(called)
        arn = f"arn:aws:es:{self.region}:{ACCOUNT}:domain/{called}"
        return arn, {"arn": arn, "endpoint": f"search-{called}.{self.region}.es.amazonaws.com"}

    def _invocation(self, inputs: Inputs) -> Outputs:
        """Leave it to the runtime, which is not there yet: nobody learns its result but who reads the log."""
        self.invocations.append(inputs)
        return inputs["functionName"], {"result": ""}

    def _permission(self, inputs: Inputs) -> Outputs:
        self.permissions.append(inputs)
        return inputs.get("statementId", "permission"), {}

    def _rule(self, inputs: Inputs) -> Outputs:
        arn = f"arn:aws:events:{self.region}:{ACCOUNT}:rule/{inputs['name']}"
        self.rules.append({**inputs, "arn": arn})
        return inputs["name"], {"arn": arn}

    def _target(self, inputs: Inputs) -> Outputs:
        self.targets.append(inputs)
        return f"{inputs['rule']}-{inputs.get('targetId', 'target')}", {}


def _stream_and_encryption(inputs: Inputs) -> Inputs:
    found: Inputs = {}
    if inputs.get("streamEnabled"):
        view = inputs["streamViewType"]
        found["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
    encryption = inputs.get("serverSideEncryption") or {}
    if encryption.get("enabled"):
        key = {"KMSMasterKeyId": encryption["kmsKeyArn"]} if encryption.get("kmsKeyArn") else {}
        found["SSESpecification"] = {"Enabled": True, "SSEType": "KMS", **key}
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pascal(name: str) -> str:
    return _NAMES.get(name, name[:1].upper() + name[1:])


def _renamed(value: Any) -> Any:
    """Inputs of Pulumi's provider under the API's own names."""
    if isinstance(value, dict):
        return {_pascal(key): _renamed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner) for inner in value]
    return value
