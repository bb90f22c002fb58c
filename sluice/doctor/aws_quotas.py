"""AWS quotas that an environment could meet: what there is, what it adds, and what the account may have.

Codes of Service Quotas: lambda L-B99A9384 (concurrent executions), dynamodb L-F98FE922 (tables), es
L-076D529E (domains), iam L-FE177D64 (roles), as published listings of `aws service-quotas
list-aws-default-service-quotas` have them (read 2026-11). Kinesis, Lambda and IAM tell theirs themselves.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sluice.doctor.aws import is_denied
from sluice.doctor.case import CONSUMER, FUNCTION, MAPPING, STREAM, TABLE, Case
from sluice.doctor.finding import Finding
from sluice.local.declared import Declared

QUOTAS: Final = "AWS quotas"
KEPT_UNRESERVED: Final = 100
"""Executions that Lambda keeps for functions without a reservation (developer guide, "Configuring reserved
concurrency")."""

ON_DEMAND_SHARDS: Final = 4
"""What an on-demand stream starts with (Kinesis developer guide, "Choose the data stream capacity mode")."""

CONSUMERS: Final = 20
"""Fan-out consumers of a stream, unless the account has On-demand Advantage (Kinesis developer guide, "Quotas
and limits")."""

ROLE, DOMAIN = "aws:iam/role:Role", "aws:opensearch/domain:Domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many of something an account may have, and how many there are."""

    what: str
    type: str
    service: str
    code: str
    count: Callable[[Case], int]


LISTED: Final = (
    Quota(
        what="DynamoDB tables",
        type=TABLE,
        service="dynamodb",
        code="L-F98FE922",
        count=lambda case: len(case.aws.every("dynamodb", "list_tables", "TableNames")),
    ),
    Quota(
        what="OpenSearch domains",
        type=DOMAIN,
        service="es",
        code="L-076D529E",
        count=lambda case: len(case.aws.every("opensearch", "list_domain_names", "DomainNames")),
    ),
)
"""Those that Service Quotas alone tells."""


def quotas(case: Case) -> Iterator[Finding]:
    """Compare what the environment adds with what is left; each quota by itself."""
    for look in (_concurrency, _kinesis, _consumers, _roles, _listed):
        try:
            yield from look(case)
        except Exception as error:  # a ClientError; botocore is not imported for its name
            if not is_denied(error):
                raise
            yield Finding.unknown(
                QUOTAS,
                f"may not ask: {' '.join(str(error).split())}",
                consequence="a quota may be used up, and `pulumi up` or the functions would then meet it",
                next_step="let the caller read them (ServiceQuotasReadOnlyAccess, lambda:GetAccountSettings, "
                "kinesis:DescribeLimits), or look into the console of Service Quotas",
            )


def _room(what: str, there: int, more: int, most: int, raise_it: str) -> Finding:
    """Tell whether `more` fit beside those that are there."""
    if there + more <= most:
        return Finding.ok(QUOTAS, f"{what}: {there} of {most} in use, {more} to come")
    return Finding.problem(
        QUOTAS,
        f"{what}: {there} of {most} are in use, and {more} are to come",
        f"`pulumi up` fails at the {_ordinal(max(1, most - there + 1))} of them",
        raise_it,
    )


def _concurrency(case: Case) -> Iterator[Finding]:
    """Compare what all functions at once may need with what Lambda lets the account run."""
    limit = case.aws.client("lambda").get_account_settings()["AccountLimit"]
    most, free = int(limit["ConcurrentExecutions"]), int(limit["UnreservedConcurrentExecutions"])
    reserved = sum(_reserved(each) for each in case.to_come(FUNCTION))
    needed = concurrency(case)
    raise_it = (
        "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
        f"--desired-value {max(1000, 2 * needed)} --region {case.region}"
    )
    if reserved and free - reserved < KEPT_UNRESERVED:
        yield Finding.problem(
            QUOTAS,
            f"{reserved} concurrent executions would be reserved of {free} that are free",
            f"Lambda keeps {KEPT_UNRESERVED} for functions without a reservation: `pulumi up` fails",
            f"{raise_it}; or reserve fewer (reserved_concurrency in Pulumi.{case.env}.yaml)",
        )
    elif free - reserved < needed:
        yield Finding.problem(
            QUOTAS,
            f"Lambda lets this account run {free - reserved} functions at once, and up to {needed} would",
            "`pulumi up` goes through, but sinks are throttled when all shards have records, and fall behind",
            raise_it,
        )
    else:
        yield Finding.ok(QUOTAS, f"Lambda: up to {needed} functions at once, {free} of {most} are free")


def concurrency(case: Case) -> int:
    """Return how many invocations run at once when every shard has records; one for any other function."""
    shards = {str(each.inputs["name"]): _shards(each) for each in case.declared(STREAM)}
    adopted = int((case.settings.get("stream") or {}).get("shards") or ON_DEMAND_SHARDS)
    fed: dict[str, int] = {}
    for each in case.declared(MAPPING):
        stream = str(each.inputs.get("eventSourceArn", "")).partition(":stream/")[2].partition("/")[0]
        lanes = int(each.inputs.get("parallelizationFactor") or 1)
        function = str(each.inputs["functionName"])
        fed[function] = fed.get(function, 0) + lanes * (shards.get(stream, adopted) if stream else 1)
    unreserved = [each for each in case.declared(FUNCTION) if not _reserved(each)]
    return sum(
        next((count for arn, count in fed.items() if arn.endswith(f":{each.inputs['name']}")), 1)
        for each in unreserved
    )


def _shards(stream: Declared) -> int:
    return int(stream.inputs.get("shardCount") or ON_DEMAND_SHARDS)


def _reserved(function: Declared) -> int:
    return max(0, int(function.inputs.get("reservedConcurrentExecutions") or 0))


def _kinesis(case: Case) -> Iterator[Finding]:
    streams = case.to_come(STREAM)
    provisioned = sum(_shards(each) for each in streams if each.inputs.get("shardCount"))
    on_demand = sum(not each.inputs.get("shardCount") for each in streams)
    limits = case.aws.client("kinesis").describe_limits()
    raise_it = (
        f"ask for more: aws service-quotas list-service-quotas --service-code kinesis --region {case.region}"
    )
    if provisioned:
        yield _room(
            "shards of provisioned streams",
            limits["OpenShardCount"],
            provisioned,
            limits["ShardLimit"],
            f"{raise_it}; or fewer shards (stream.shards)",
        )
    if on_demand:
        yield _room(
            "on-demand streams",
            limits["OnDemandStreamCount"],
            on_demand,
            limits["OnDemandStreamCountLimit"],
            f"{raise_it}; or a provisioned stream (stream.mode)",
        )


def _consumers(case: Case) -> Iterator[Finding]:
    """Count the fan-out consumers of a stream that exists already, beside those that would join them."""
    adopted = ((case.settings.get("adopt") or {}).get("stream") or {}).get("arn")
    joining = [each for each in case.to_come(CONSUMER) if each.inputs.get("streamArn") == adopted]
    if adopted and joining:
        there = case.aws.every("kinesis", "list_stream_consumers", "Consumers", StreamARN=adopted)
        most = int((case.settings.get("stream") or {}).get("enhanced_consumers_limit") or CONSUMERS)
        yield _room(
            f"fan-out consumers of {adopted.rpartition('/')[2]}",
            len(there),
            len(joining),
            most,
            "let sinks share the stream (consumer: shared), or deregister consumers that nobody needs",
        )


def _roles(case: Case) -> Iterator[Finding]:
    summary = case.aws.client("iam").get_account_summary()["SummaryMap"]
    if "RolesQuota" in summary:
        more = len(case.to_come(ROLE))
        yield _room(
            "IAM roles",
            summary["Roles"],
            more,
            summary["RolesQuota"],
            "aws service-quotas request-service-quota-increase --service-code iam --quota-code L-FE177D64 "
            f"--desired-value {summary['RolesQuota'] + 1000} --region us-east-1",
        )


def _listed(case: Case) -> Iterator[Finding]:
    for quota in LISTED:
        more = len(case.to_come(quota.type))
        if more:
            yield _room(
                quota.what,
                quota.count(case),
                more,
                _most(case, quota),
                f"aws service-quotas request-service-quota-increase --service-code {quota.service} "
                f"--quota-code {quota.code} --desired-value NUMBER --region {case.region}",
            )


def _most(case: Case, quota: Quota) -> int:
    """Return the account's own quota, or, where nobody has changed it, the one that all start with."""
    client: Any = case.aws.client("service-quotas")
    asked = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        return int(client.get_service_quota(**asked)["Quota"]["Value"])
    except client.exceptions.NoSuchResourceException:
        return int(client.get_aws_default_service_quota(**asked)["Quota"]["Value"])


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
