"""Whether whoever is logged in may create what the program declares, as IAM's own simulation judges it.

The simulation sees identity policies and boundaries, not those of the organisation, and no values of
conditions that a request would bring (IAM user guide, "IAM policy testing with the IAM policy simulator"):
what it allows may still be refused; what it denies for want of such a value is not told as denied.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sluice.doctor.aws import is_denied
from sluice.doctor.case import Case
from sluice.doctor.finding import Finding
from sluice.local.declared import Declared

RIGHTS: Final = "AWS rights"
ROLE: Final = "aws:iam/role:Role"
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Right:
    """What creating a kind takes first of all, and on what: the end of an ARN, with the kind's own inputs.

    `*` where IAM knows no resource, or one that has no name yet (service authorization reference).
    """

    action: str
    on: str = ANY


CREATE: Final[Mapping[str, Right]] = {
    "aws:apigatewayv2/api:Api": Right("apigateway:POST"),
    "aws:athena/workgroup:Workgroup": Right("athena:CreateWorkGroup", "workgroup/{name}"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Right(
        "cloudwatch:PutCompositeAlarm", "alarm:{alarmName}"
    ),
    "aws:cloudwatch/eventRule:EventRule": Right("events:PutRule", "rule/{name}"),
    "aws:cloudwatch/logGroup:LogGroup": Right("logs:CreateLogGroup", "log-group:{name}"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Right("cloudwatch:PutMetricAlarm", "alarm:{name}"),
    "aws:codedeploy/application:Application": Right("codedeploy:CreateApplication", "application:{name}"),
    "aws:dynamodb/table:Table": Right("dynamodb:CreateTable", "table/{name}"),
    "aws:ec2/securityGroup:SecurityGroup": Right("ec2:CreateSecurityGroup"),
    "aws:glue/catalogDatabase:CatalogDatabase": Right("glue:CreateDatabase", "database/{name}"),
    "aws:glue/catalogTable:CatalogTable": Right("glue:CreateTable", "table/{databaseName}/{name}"),
    "aws:iam/policy:Policy": Right("iam:CreatePolicy"),
    ROLE: Right("iam:CreateRole", "role{path}{name}"),
    "aws:iam/rolePolicy:RolePolicy": Right("iam:PutRolePolicy", "role{path}{role}"),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": Right(
        "firehose:CreateDeliveryStream", "deliverystream/{name}"
    ),
    "aws:kinesis/stream:Stream": Right("kinesis:CreateStream", "stream/{name}"),
    "aws:kms/key:Key": Right("kms:CreateKey"),
    "aws:lambda/alias:Alias": Right("lambda:CreateAlias", "function:{functionName}"),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Right("lambda:CreateEventSourceMapping"),
    "aws:lambda/function:Function": Right("lambda:CreateFunction", "function:{name}"),
    "aws:opensearch/domain:Domain": Right("es:CreateDomain", "domain/{domainName}"),
    "aws:s3/bucket:Bucket": Right("s3:CreateBucket", "{bucket}"),
    "aws:signer/signingProfile:SigningProfile": Right("signer:PutSigningProfile"),
    "aws:sns/topic:Topic": Right("sns:CreateTopic", "{name}"),
    "aws:sqs/queue:Queue": Right("sqs:CreateQueue", "{name}"),
}
_REGIONLESS: Final = ("iam",)
_BARE: Final = ("s3",)
_PARTITIONS: Final = {"cn": "aws-cn", "us-gov": "aws-us-gov"}


def rights(case: Case) -> Iterator[Finding]:
    """Ask IAM about the first right that one of each declared kind takes, and about passing roles on."""
    wanted = dict(_wanted(case))
    iam = case.aws.client("iam")
    try:
        principal = _principal(case, iam)
        if principal.endswith(":root"):
            yield Finding.ok(RIGHTS, "the account's root may do everything; a role would be the safer choice")
            return
        decided = [_decided(iam, principal, action, arn) for action, arn in wanted.items()]
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
    denied = sorted(action for (action, allowed) in zip(wanted, decided, strict=True) if allowed is False)
    if denied:
        yield Finding.problem(
            RIGHTS,
            f"{principal} may not {', '.join(denied)}",
            "`pulumi up` stops at the first resource that takes one of these",
            "sign in as somebody who may, or have them added to its policies",
        )
        return
    unseen = sum(allowed is None for allowed in decided)
    depend = f"; {unseen} more depend on conditions that it cannot see" if unseen else ""
    yield Finding.ok(
        RIGHTS, f"IAM's simulation allows {len(decided) - unseen} first steps of creating{depend}"
    )


def _wanted(case: Case) -> Iterator[tuple[str, str]]:
    """Yield an action and the ARN of the first resource of its kind."""
    for kind, right in CREATE.items():
        found: Sequence[Declared] = case.declared(kind)
        if found:
            yield right.action, _arn(case, right, found[0])
    roles = case.declared(ROLE)
    if roles:
        yield "iam:PassRole", _arn(case, CREATE[ROLE], roles[0])


def _arn(case: Case, right: Right, resource: Declared) -> str:
    if right.on == ANY:
        return ANY
    path = str((case.settings.get("roles") or {}).get("path") or "/")
    service = right.action.partition(":")[0]
    named = right.on.format(**{"path": path, **resource.inputs})
    partition = _PARTITIONS.get(case.region.rsplit("-", 2)[0], "aws")
    if service in _BARE:
        return f"arn:{partition}:{service}:::{named}"
    region = "" if service in _REGIONLESS else case.region
    return f"arn:{partition}:{service}:{region}:{case.account}:{named}"


def _decided(iam: Any, principal: str, action: str, arn: str) -> bool | None:
    """Return whether an action is allowed; None where that depends on what the simulation cannot see."""
    answer = iam.simulate_principal_policy(
        PolicySourceArn=principal, ActionNames=[action], ResourceArns=[arn]
    )["EvaluationResults"][0]
    if answer["EvalDecision"] == "allowed":
        return True
    return None if answer.get("MissingContextValues") else False


def _principal(case: Case, iam: Any) -> str:
    """Return the user or role behind the credentials: a session is neither."""
    arn, _ = case.aws.caller()
    if ":assumed-role/" not in arn:
        return arn
    name = arn.partition(":assumed-role/")[2].partition("/")[0]
    return str(iam.get_role(RoleName=name)["Role"]["Arn"])
