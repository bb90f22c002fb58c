"""What GitHub's roles may do with an environment, as IAM statements."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bootstrap.kinds import PLAIN, Kind
from bootstrap.kinds_switched import SWITCHED
from bootstrap.place import Place
from infra.settings import Settings
from infra.settings_security import NONE, OWN

KINDS: Final = (*PLAIN, *SWITCHED)

WANTED: Final[Mapping[str, Callable[[Settings], bool]]] = {
    "": lambda _: True,
    "api": lambda settings: settings.report.auth == "oidc",
    "code_signing": lambda settings: settings.code_signing.profile != NONE,
    "domain": lambda settings: settings.search_sink.mode == "domain",
    "key": lambda settings: settings.encryption.key == OWN,
    "lake": lambda settings: settings.lake.enabled,
    "network": lambda settings: bool(settings.network.vpc_id or settings.search_sink.vpc_id),
}
"""Whether an environment has what some rights are about: those that no name narrows are granted only then."""

SERVICES: Final = ("lambda", "firehose", "glue", "codedeploy")
"""To whom the program hands roles."""

_LOOK_AT_ROLES: Final = (
    "GetRole GetRolePolicy ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies ListRoleTags"
)
_CHANGE_ROLES: Final = (
    "DeleteRole DeleteRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"
)
_BOUND: Final = "CreateRole PutRolePermissionsBoundary PutRolePolicy"
_LOOK_AT_POLICIES: Final = "GetPolicy GetPolicyVersion ListPolicyTags ListPolicyVersions"
_CHANGE_POLICIES: Final = (
    "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion TagPolicy UntagPolicy"
)


def previewing(place: Place) -> list[dict[str, Any]]:
    """Let somebody look at an environment, and at nothing that it holds: for `pulumi preview --refresh`."""
    return [
        *_of_kinds(place, change=False),
        _allow("Roles", "iam", _LOOK_AT_ROLES, place.arn("iam", f"role{place.path}{place.prefix}-*")),
        _allow("Policies", "iam", _LOOK_AT_POLICIES, _policies(place)),
    ]


def deploying(place: Place) -> list[dict[str, Any]]:
    """Let somebody change an environment, and make roles only within its boundary."""
    roles = place.arn("iam", f"role{place.path}{place.prefix}-*")
    bounded = {"ArnEquals": {"iam:PermissionsBoundary": place.boundary}}
    handed = {"StringEquals": {"iam:PassedToService": [f"{service}.amazonaws.com" for service in SERVICES]}}
    return [
        *_of_kinds(place, change=True),
        *_with_a_key_that_exists(place),
        _allow("Roles", "iam", f"{_LOOK_AT_ROLES} {_CHANGE_ROLES}", roles),
        {**_allow("RolesWithinTheBoundary", "iam", _BOUND, roles), "Condition": bounded},
        {**_allow("HandRolesToServices", "iam", "PassRole", roles), "Condition": handed},
        _allow("Policies", "iam", f"{_LOOK_AT_POLICIES} {_CHANGE_POLICIES}", _policies(place)),
        *_in_the_network(place),
        *_service_linked(place),
        *_books(place),
        *_quotas(place),
    ]


def _of_kinds(place: Place, *, change: bool) -> Iterator[dict[str, Any]]:
    everywhere: list[str] = []
    numbers: dict[str, int] = {}
    for kind in KINDS:
        if not WANTED[kind.when](place.settings):
            continue
        actions = f"{kind.looks} {kind.changes if change else ''}"
        free = f"{kind.looks_everywhere} {kind.changes_everywhere if change else ''}"
        numbers[kind.service] = number = numbers.get(kind.service, 0) + 1
        sid = f"{kind.service.title()}{number if number > 1 else ''}"
        arns = [
            place.arn(kind.service, end.format(prefix=place.prefix, words=place.words)) for end in kind.on
        ]
        if actions.split():
            yield {**_allow(sid, kind.service, actions, *arns), **_condition(place, kind)}
        if free.split() and kind.condition in _MADE_WITH:
            yield {**_allow(f"{sid}New", kind.service, free, "*"), **_condition(place, kind)}
        else:
            everywhere += [f"{kind.service}:{action}" for action in free.split()]
    yield {"Sid": "Everywhere", "Effect": "Allow", "Action": sorted(everywhere), "Resource": ["*"]}


_MADE_WITH: Final = frozenset({"of its functions", "to be tagged"})
"""Conditions that hold for what is only being made, too."""


def _condition(place: Place, kind: Kind) -> dict[str, Any]:
    """Say whose something is that AWS names by itself."""
    tags = {"project": place.project, "environment": place.stack}
    match kind.condition:
        case "of its functions":
            functions = place.arn("lambda", f"function:{place.prefix}-*")
            return {"Condition": {"ArnLike": {"lambda:FunctionArn": functions}}}
        case "tagged":
            return {"Condition": {"StringEquals": {f"aws:ResourceTag/{key}": tags[key] for key in tags}}}
        case "to be tagged":
            return {"Condition": {"StringEquals": {f"aws:RequestTag/{key}": tags[key] for key in tags}}}
        case _:
            return {}


def _with_a_key_that_exists(place: Place) -> Iterator[dict[str, Any]]:
    """Let services be given a key that the settings name (docs/security.md, a key that exists)."""
    if key := place.settings.encryption.given:
        yield _allow("Key", "kms", "CreateGrant Decrypt DescribeKey Encrypt GenerateDataKey", key)


def _in_the_network(place: Place) -> Iterator[dict[str, Any]]:
    """Let groups be made in the networks that the settings name."""
    settings = place.settings
    if vpcs := sorted({vpc for vpc in (settings.network.vpc_id, settings.search_sink.vpc_id) if vpc}):
        owner = settings.network.owner_account_id or settings.aws_account_id
        arns = [f"arn:{place.partition}:ec2:{settings.aws_region}:{owner}:vpc/{vpc}" for vpc in vpcs]
        yield _allow("Networks", "ec2", "CreateSecurityGroup", *arns)


def _service_linked(place: Place) -> Iterator[dict[str, Any]]:
    """Let OpenSearch Service have its own role, with which it reaches into a network."""
    if WANTED["domain"](place.settings):
        service = "opensearchservice.amazonaws.com"
        role = place.arn("iam", f"role/aws-service-role/{service}/AWSServiceRoleForAmazonOpenSearchService")
        condition = {"StringEquals": {"iam:AWSServiceName": service}}
        yield {**_allow("ServiceRole", "iam", "CreateServiceLinkedRole", role), "Condition": condition}


def _books(place: Place) -> Iterator[dict[str, Any]]:
    """Let `sluice audit` count what lies in the stream, the ledger, the dead letters and the lake."""
    stream, letters = place.names.thing("events"), place.names.thing("dead-letters")
    tables = [place.arn("dynamodb", f"table/{place.names.thing(name)}") for name in ("ledger", "windows")]
    yield _allow(
        "BooksOfTheStream", "kinesis", "GetRecords GetShardIterator", place.arn("kinesis", f"stream/{stream}")
    )
    yield _allow("BooksOfSinks", "dynamodb", "GetItem Query", *tables)
    yield _allow("BooksOfLetters", "sqs", "ReceiveMessage", place.arn("sqs", letters))
    yield _allow("BooksInMetrics", "cloudwatch", "GetMetricData GetMetricStatistics", "*")
    if WANTED["lake"](place.settings):
        bucket = place.names.lake_bucket
        workgroup = place.arn("athena", f"workgroup/{place.prefix}-lake")
        queries = "GetQueryExecution GetQueryResults StartQueryExecution StopQueryExecution"
        yield _allow("BooksOfTheLake", "athena", queries, workgroup)
        yield _allow("BooksInTables", "s3", "GetObject", place.arn("s3", f"{bucket}/tables/*"))
        yield _allow("BooksAnswered", "s3", "PutObject", place.arn("s3", f"{bucket}/athena/*"))


def _quotas(place: Place) -> Iterator[dict[str, Any]]:
    """Let `sluice doctor` ask what the account may still have, and what the role itself may do."""
    account = place.settings.aws_account_id
    own = place.arn("iam", f"role/github-{place.prefix}-deploy")
    yield _allow("OwnRights", "iam", "GetRole SimulatePrincipalPolicy", own)
    quotas = [
        *(place.arn("servicequotas", code) for code in ("dynamodb/L-F98FE922", "es/L-076D529E")),
        # IAM is one for all regions, and its quotas are asked for in the first.
        f"arn:{place.partition}:servicequotas:us-east-1:{account}:iam/L-FE177D64",
    ]
    yield _allow("Quotas", "servicequotas", "GetServiceQuota", *quotas)
    counted = ["dynamodb:ListTables", "es:ListDomainNames", "iam:GetAccountSummary", "kinesis:DescribeLimits"]
    counted += ["servicequotas:GetAWSDefaultServiceQuota", "sns:ListTopics"]
    yield {"Sid": "Counted", "Effect": "Allow", "Action": counted, "Resource": ["*"]}


def _policies(place: Place) -> str:
    return place.arn("iam", f"policy/{place.prefix}-*")


def _allow(sid: str, service: str, actions: str, *on: str) -> dict[str, Any]:
    named = sorted({f"{service}:{action}" for action in actions.split()})
    return {"Sid": sid, "Effect": "Allow", "Action": named, "Resource": list(on)}
