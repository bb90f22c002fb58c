"""Resources as examples of slips are made of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sluice.policies import Resource

ACCOUNT: Final = "111111111111"
ROLE_ARN: Final = f"arn:aws:sts::{ACCOUNT}:assumed-role/sluice-dev-bigquery-sink"
POOL: Final = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a"
QUEUE_URL: Final = f"https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/q"
ROLE: Final = "aws:iam/role:Role"
ROLE_POLICY: Final = "aws:iam/rolePolicy:RolePolicy"
QUEUE: Final = "aws:sqs/queue:Queue"
QUEUE_POLICY: Final = "aws:sqs/queuePolicy:QueuePolicy"
BUCKET: Final = "aws:s3/bucket:Bucket"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy:BucketPolicy"
FUNCTION: Final = "aws:lambda/function:Function"
LOGS: Final = "aws:cloudwatch/logGroup:LogGroup"
TOPIC: Final = "aws:sns/topic:Topic"
TABLE: Final = "aws:dynamodb/table:Table"
KEY: Final = "aws:kms/key:Key"
KEY_ARN: Final = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"
DATASET: Final = "gcp:bigquery/dataset:Dataset"
PROVIDER: Final = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
DOMAIN: Final = "aws:opensearch/domain:Domain"
OURS: Final = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


@dataclass(frozen=True, kw_only=True)
class Example:
    """Resources of which one, named `broken`, breaks a rule, and those that take its place when mended."""

    rule: str
    broken: Resource
    mended: Resource
    beside: tuple[Resource, ...] = ()


def made(kind: str, name: str = "box-broken", /, **inputs: Any) -> Resource:
    """A resource in a box, as the program would declare it."""
    return Resource(type=kind, name=name, urn=f"urn::{name}", parent="urn::box", protect=True, inputs=inputs)


BOX: Final = Resource(type="sluice:infra:Box", name="box", urn="urn::box", component=True)


def doc(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(
    action: str | list[str], resource: str = "arn:aws:sqs:eu-central-1:1:q", **more: Any
) -> dict[str, Any]:
    return {"Sid": "Do", "Effect": "Allow", "Action": action, "Resource": resource, **more}


def trust(service: str = "lambda.amazonaws.com", **more: Any) -> str:
    if service == "lambda.amazonaws.com":
        more = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, **more}
    principal = {"Service": service}
    return doc({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def without_tls(action: str, resource: str | list[str] = "*", said: object = "false") -> str:
    condition = {"Bool": {"aws:SecureTransport": said}}
    return doc(
        {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource, "Condition": condition}
    )


def topic_policy(service: str) -> str:
    """What lets a service publish, and everybody over TLS alone."""
    publish = allow("sns:Publish", "*", Principal={"Service": service}, Condition=OURS)
    return doc(publish, *json.loads(without_tls("sns:Publish"))["Statement"])


def provider(condition: str) -> Resource:
    return made(PROVIDER, attributeCondition=condition, aws={"accountId": ACCOUNT}, project="p")


def domain(**changed: Any) -> Resource:
    endpoint = {"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"}
    inputs = {
        "domainName": "sluice-dev",
        "accessPolicies": doc(allow("es:ESHttpPost", "*", Principal={"AWS": "arn:aws:iam::1:role/r"})),
        "advancedSecurityOptions": {"enabled": True},
        "domainEndpointOptions": endpoint,
        "nodeToNodeEncryption": {"enabled": True},
        "encryptAtRest": {"enabled": True},
        "project": "p",
    }
    return made(DOMAIN, **{**inputs, **changed})


def function(variables: Mapping[str, str] = {}, **more: Any) -> Resource:
    return made(FUNCTION, name="f", environment={"variables": dict(variables)}, **more)


def unprotected(resource: Resource) -> Resource:
    return replace(resource, protect=False)


def pair(
    rule: str, kind: str, slip: Mapping[str, Any], mended: Mapping[str, Any], *beside: Resource
) -> Example:
    return Example(rule=rule, broken=made(kind, **slip), mended=made(kind, **mended), beside=beside)


IN: Final = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
HTTPS: Final = {"fromPort": 443, "toPort": 443}
ADMITTED: Final = f"assertion.account == '{ACCOUNT}' && assertion.arn.startsWith('{ROLE_ARN}/')"
ALL_BLOCKED: Final = {
    "blockPublicAcls": True,
    "blockPublicPolicy": True,
    "ignorePublicAcls": True,
    "restrictPublicBuckets": True,
}
BUCKETS_BLOCK: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
SAFE_BUCKET: Final = (
    made(BUCKET_POLICY, "box-policy", bucket="b-b", policy=without_tls("s3:*")),
    made(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "box-encryption",
        bucket="b-b",
    ),
)
SAFE_QUEUE: Final = made(QUEUE_POLICY, "box-policy", queueUrl=QUEUE_URL, policy=without_tls("sqs:*"))
LOGGED: Final = made(LOGS, "box-logs", name="/aws/lambda/f", retentionInDays=30)
SAFE_KEY: Final = {"enableKeyRotation": True, "deletionWindowInDays": 30}
