"""Whether whoever is logged in may create what the program declares, as IAM's own simulation judges it.

The simulation sees identity policies and boundaries, not those of the organisation (IAM API reference,
SimulatePrincipalPolicy): what it allows may still be refused, what it denies is.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sluice.doctor.aws import is_denied
from sluice.doctor.case import Case
from sluice.doctor.finding import Finding

RIGHTS: Final = "AWS rights"
CREATE: Final[Mapping[str, str]] = {
    "aws:apigatewayv2/api:Api": "apigateway:POST",
    "aws:athena/workgroup:Workgroup": "athena:CreateWorkGroup",
    "aws:cloudwatch/dashboard:Dashboard": "cloudwatch:PutDashboard",
    "aws:cloudwatch/eventRule:EventRule": "events:PutRule",
    "aws:cloudwatch/logGroup:LogGroup": "logs:CreateLogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:PutMetricAlarm",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "cloudwatch:PutCompositeAlarm",
    "aws:codedeploy/application:Application": "codedeploy:CreateApplication",
    "aws:dynamodb/table:Table": "dynamodb:CreateTable",
    "aws:ec2/securityGroup:SecurityGroup": "ec2:CreateSecurityGroup",
    "aws:glue/catalogDatabase:CatalogDatabase": "glue:CreateDatabase",
    "aws:glue/catalogTable:CatalogTable": "glue:CreateTable",
    "aws:iam/policy:Policy": "iam:CreatePolicy",
    "aws:iam/role:Role": "iam:CreateRole",
    "aws:iam/rolePolicy:RolePolicy": "iam:PutRolePolicy",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": "firehose:CreateDeliveryStream",
    "aws:kinesis/stream:Stream": "kinesis:CreateStream",
    "aws:kinesis/streamConsumer:StreamConsumer": "kinesis:RegisterStreamConsumer",
    "aws:kms/key:Key": "kms:CreateKey",
    "aws:lambda/eventSourceMapping:EventSourceMapping": "lambda:CreateEventSourceMapping",
    "aws:lambda/function:Function": "lambda:CreateFunction",
    "aws:opensearch/domain:Domain": "es:CreateDomain",
    "aws:s3/bucket:Bucket": "s3:CreateBucket",
    "aws:signer/signingProfile:SigningProfile": "signer:PutSigningProfile",
    "aws:sns/topic:Topic": "sns:CreateTopic",
    "aws:sqs/queue:Queue": "sqs:CreateQueue",
}
"""The right that creating something takes first of all (service authorization reference)."""

_HAND_ON: Final = "iam:PassRole"
_MOST_ACTIONS: Final = 100


def rights(case: Case) -> Iterator[Finding]:
    """Ask IAM about the first right that each declared kind takes, and about passing roles on."""
    wanted = sorted({CREATE[each.type] for each in case.declared(*CREATE)} | {_HAND_ON})
    iam = case.aws.client("iam")
    try:
        principal = _principal(case, iam)
        answer = iam.simulate_principal_policy(
            PolicySourceArn=principal, ActionNames=wanted[:_MOST_ACTIONS], MaxItems=_MOST_ACTIONS
        )
    except Exception as error:  # a ClientError; botocore is not imported for its name
        if not is_denied(error):
            raise
        yield Finding.unknown(
            RIGHTS,
            "may not ask IAM what the credentials may do (iam:SimulatePrincipalPolicy, iam:GetRole)",
            consequence="a missing right would show only when `pulumi up` meets it",
            next_step="let the caller read IAM (IAMReadOnlyAccess), or go on: `pulumi up` says what it lacks",
        )
        return
    denied = [
        each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed"
    ]
    if denied:
        yield Finding.problem(
            RIGHTS,
            f"{principal} may not {', '.join(sorted(denied))}",
            "`pulumi up` stops at the first resource that takes one of these",
            "sign in as somebody who may, or have them added to its policies",
        )
    else:
        yield Finding.ok(RIGHTS, f"IAM's simulation allows all of {len(wanted)} that creating begins with")


def _principal(case: Case, iam: Any) -> str:
    """Return the user or role behind the credentials: a session is neither."""
    arn = str(case.aws.client("sts").get_caller_identity()["Arn"])
    if ":assumed-role/" not in arn:
        return arn
    name = arn.partition(":assumed-role/")[2].partition("/")[0]
    return str(iam.get_role(RoleName=name)["Role"]["Arn"])
