"""How long the clouds let names be, and what of."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sluice.policies import kinds
from sluice.policies.resource import UNKNOWN, Resources
from sluice.policies.rule import Finding, Rule


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The shortest and longest that a name may be in characters, what of, and who says so."""

    longest: int
    pattern: str
    source: str
    shortest: int = 1

    def holds(self, name: str) -> bool:
        """Whether a name keeps within it."""
        return self.shortest <= len(name) <= self.longest and re.fullmatch(self.pattern, name) is not None


def _limit(longest: int, pattern: str, source: str, *, shortest: int = 1) -> Limit:
    return Limit(longest=longest, pattern=pattern, source=source, shortest=shortest)


_PLAIN = r"[A-Za-z0-9_-]+"
_DOTTED = r"[A-Za-z0-9_.-]+"
_IAM = r"[\w+=,.@-]+"
_POOL = r"(?!gcp-)[a-z0-9-]+"
_TEXT = r"(?s).*"

LIMITS: Final[Mapping[tuple[str, str], Limit]] = {
    ("aws:apigatewayv2/api:Api", "name"): _limit(128, _TEXT, "API Gateway V2 API, Api"),
    ("aws:apigatewayv2/authorizer:Authorizer", "name"): _limit(128, _TEXT, "API Gateway V2 API, Authorizer"),
    ("aws:apigatewayv2/stage:Stage", "name"): _limit(
        128, r"\$default|[A-Za-z0-9_-]+", "API Gateway V2 API, Stage"
    ),
    ("aws:athena/workgroup:Workgroup", "name"): _limit(128, r"[A-Za-z0-9._-]+", "Athena API, WorkGroup"),
    ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmName"): _limit(
        255, r"[!-~ ]+", "CloudWatch API, PutCompositeAlarm"
    ),
    ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmDescription"): _limit(
        1024, _TEXT, "CloudWatch API, PutCompositeAlarm"
    ),
    ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "alarmRule"): _limit(
        10240, _TEXT, "CloudWatch API, PutCompositeAlarm"
    ),
    ("aws:cloudwatch/dashboard:Dashboard", "dashboardName"): _limit(
        255, _PLAIN, "CloudWatch API, PutDashboard"
    ),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "name"): _limit(
        255, r"[!-~ ]+", "CloudWatch API, PutMetricAlarm"
    ),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "alarmDescription"): _limit(
        1024, _TEXT, "CloudWatch API, PutMetricAlarm"
    ),
    ("aws:cloudwatch/eventRule:EventRule", "name"): _limit(64, _DOTTED, "EventBridge API, PutRule"),
    ("aws:cloudwatch/eventTarget:EventTarget", "targetId"): _limit(64, _DOTTED, "EventBridge API, Target"),
    ("aws:codedeploy/application:Application", "name"): _limit(100, _TEXT, "CodeDeploy API, ApplicationInfo"),
    ("aws:codedeploy/deploymentGroup:DeploymentGroup", "deploymentGroupName"): _limit(
        100, _TEXT, "CodeDeploy API, DeploymentGroupInfo"
    ),
    ("aws:lambda/alias:Alias", "name"): _limit(
        128, r"(?!\d+$)[A-Za-z0-9_-]+", "Lambda API, CreateAlias: no number, which would be a version"
    ),
    (kinds.LOG_GROUP, "name"): _limit(512, r"[.\-_/#A-Za-z0-9]+", "CloudWatch Logs API, CreateLogGroup"),
    ("aws:cloudwatch/logStream:LogStream", "name"): _limit(
        512, r"[^:*]+", "CloudWatch Logs API, CreateLogStream"
    ),
    (kinds.TABLE, "name"): _limit(255, _DOTTED, "DynamoDB API, CreateTable", shortest=3),
    ("aws:ec2/securityGroup:SecurityGroup", "name"): _limit(
        255, r"(?!sg-)[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]+", "EC2 API, CreateSecurityGroup"
    ),
    ("aws:glue/catalogDatabase:CatalogDatabase", "name"): _limit(
        255, r"[a-z0-9_]+", "Glue API, Database; Athena takes small letters, digits and _"
    ),
    ("aws:glue/catalogTable:CatalogTable", "name"): _limit(
        255, r"[a-z0-9_]+", "Glue API, Table; Athena takes small letters, digits and _"
    ),
    (kinds.POLICY, "name"): _limit(128, _IAM, "IAM API, CreatePolicy"),
    (kinds.ROLE, "name"): _limit(64, _IAM, "IAM API, CreateRole"),
    (kinds.ROLE, "description"): _limit(1000, _TEXT, "IAM API, CreateRole"),
    (kinds.ROLE_POLICY, "name"): _limit(128, _IAM, "IAM API, PutRolePolicy"),
    (kinds.FIREHOSE, "name"): _limit(64, _DOTTED, "Firehose API, CreateDeliveryStream"),
    (kinds.STREAM, "name"): _limit(128, _DOTTED, "Kinesis API, CreateStream"),
    ("aws:kinesis/streamConsumer:StreamConsumer", "name"): _limit(
        128, _DOTTED, "Kinesis API, RegisterStreamConsumer"
    ),
    ("aws:kms/alias:Alias", "name"): _limit(256, r"alias/(?!aws/)[A-Za-z0-9/_-]+", "KMS API, CreateAlias"),
    (kinds.FUNCTION, "name"): _limit(64, _PLAIN, "Lambda API, CreateFunction"),
    (kinds.FUNCTION, "description"): _limit(256, _TEXT, "Lambda API, CreateFunction"),
    (kinds.PERMISSION, "statementId"): _limit(100, _PLAIN, "Lambda API, AddPermission"),
    (kinds.DOMAIN, "domainName"): _limit(
        28, r"[a-z][a-z0-9-]+", "OpenSearch Service API, CreateDomain", shortest=3
    ),
    (kinds.BUCKET, "bucket"): _limit(
        63, r"[a-z0-9][a-z0-9-]*[a-z0-9]", "S3 user guide, bucket naming rules; no dots, for TLS", shortest=3
    ),
    ("aws:signer/signingProfile:SigningProfile", "namePrefix"): _limit(
        64 - 26, r"[A-Za-z0-9_]+", "Signer API, PutSigningProfile; the provider adds 26 characters"
    ),
    (kinds.TOPIC, "name"): _limit(256, r"[A-Za-z0-9_-]+(\.fifo)?", "SNS API, CreateTopic"),
    (kinds.QUEUE, "name"): _limit(80, r"[A-Za-z0-9_-]+(\.fifo)?", "SQS API, CreateQueue"),
    (kinds.BIGQUERY_DATASET, "datasetId"): _limit(1024, r"[A-Za-z0-9_]+", "BigQuery, naming datasets"),
    (kinds.BIGQUERY_TABLE, "tableId"): _limit(1024, r"[A-Za-z0-9_-]+", "BigQuery, naming tables"),
    ("gcp:iam/workloadIdentityPool:WorkloadIdentityPool", "workloadIdentityPoolId"): _limit(
        32, _POOL, "IAM API, workloadIdentityPools.create", shortest=4
    ),
    ("gcp:iam/workloadIdentityPool:WorkloadIdentityPool", "displayName"): _limit(
        32, _TEXT, "IAM API, WorkloadIdentityPool"
    ),
    ("gcp:iam/workloadIdentityPool:WorkloadIdentityPool", "description"): _limit(
        256, _TEXT, "IAM API, WorkloadIdentityPool"
    ),
    (kinds.POOL_PROVIDER, "workloadIdentityPoolProviderId"): _limit(
        32, _POOL, "IAM API, workloadIdentityPools.providers.create", shortest=4
    ),
    (kinds.POOL_PROVIDER, "attributeCondition"): _limit(4096, _TEXT, "IAM API, WorkloadIdentityPoolProvider"),
    ("gcp:projects/iAMCustomRole:IAMCustomRole", "roleId"): _limit(
        64, r"[a-zA-Z0-9_.]+", "IAM API, projects.roles.create", shortest=3
    ),
    ("gcp:projects/iAMCustomRole:IAMCustomRole", "title"): _limit(100, _TEXT, "IAM API, Role"),
    ("gcp:projects/iAMCustomRole:IAMCustomRole", "description"): _limit(256, _TEXT, "IAM API, Role"),
    ("gcp:serviceaccount/account:Account", "accountId"): _limit(
        30, r"[a-z]([a-z0-9-]*[a-z0-9])", "IAM API, serviceAccounts.create", shortest=6
    ),
    ("gcp:serviceaccount/account:Account", "displayName"): _limit(100, _TEXT, "IAM API, ServiceAccount"),
    ("gcp:serviceaccount/account:Account", "description"): _limit(256, _TEXT, "IAM API, ServiceAccount"),
}
"""By type and input: what the cloud takes, by the reference of the API that is named."""


def _names_fit(resources: Resources) -> Iterator[Finding]:
    for (kind, key), limit in LIMITS.items():
        for each in resources.of(kind):
            name = each.at(key)
            if isinstance(name, str) and name not in {"", UNKNOWN} and not limit.holds(name):
                bounds = f"{limit.shortest} to {limit.longest}"
                yield (
                    each,
                    f"{key} {name!r} has {len(name)} characters: accepted are {bounds} of {limit.pattern}",
                )


RULES: Final = (
    Rule(
        id="names-fit",
        demands="Names are within the limits of both clouds",
        reason="mocks take any name, and a deployment fails half-way",
        check=_names_fit,
    ),
)
