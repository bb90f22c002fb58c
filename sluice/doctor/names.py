"""Names that are taken before the first `pulumi up`, and adopted things that are not there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sluice.doctor.aws import is_denied, is_missing
from sluice.doctor.case import DATASET, FIREHOSE, FUNCTION, POOL, PROJECT_ROLE, STREAM, TABLE, Case
from sluice.doctor.finding import Finding
from sluice.local.declared import Declared

NAMES: Final = "names"
BUCKET, QUEUE, ROLE, DOMAIN = (
    "aws:s3/bucket:Bucket",
    "aws:sqs/queue:Queue",
    "aws:iam/role:Role",
    "aws:opensearch/domain:Domain",
)
_RESERVED: Final = {POOL: "30 days", PROJECT_ROLE: "up to 37 days"}
"""How long Google keeps the id of what was deleted (IAM API, workloadIdentityPools.delete; IAM guide, "Create
and manage custom roles")."""

Look = Callable[[Any, str], object]
AWS_LOOKS: Final[Mapping[str, tuple[str, str, Look]]] = {
    STREAM: ("kinesis", "name", lambda client, name: client.describe_stream_summary(StreamName=name)),
    TABLE: ("dynamodb", "name", lambda client, name: client.describe_table(TableName=name)),
    QUEUE: ("sqs", "name", lambda client, name: client.get_queue_url(QueueName=name)),
    BUCKET: ("s3", "bucket", lambda client, name: client.head_bucket(Bucket=name)),
    FUNCTION: (
        "lambda",
        "name",
        lambda client, name: client.get_function_configuration(FunctionName=name),
    ),
    FIREHOSE: (
        "firehose",
        "name",
        lambda client, name: client.describe_delivery_stream(DeliveryStreamName=name),
    ),
    ROLE: ("iam", "name", lambda client, name: client.get_role(RoleName=name)),
    DOMAIN: ("opensearch", "domainName", lambda client, name: client.describe_domain(DomainName=name)),
}
"""By type: the service, the input that is the name, and the call that fails where there is no such thing."""

ADOPTED: Final[Mapping[str, tuple[str, Look]]] = {
    "kinesis": AWS_LOOKS[STREAM][::2],
    "dynamodb": AWS_LOOKS[TABLE][::2],
    "sqs": AWS_LOOKS[QUEUE][::2],
    "s3": AWS_LOOKS[BUCKET][::2],
}
"""By the service in an adopted thing's ARN."""


def names(case: Case) -> Iterator[Finding]:
    """Look, before the first deployment, whether anything is called already what is to be created."""
    if case.deployed:
        yield Finding.ok(NAMES, "the stack is deployed: its names are its own")
        return
    wanted = case.to_come(*AWS_LOOKS)
    taken: dict[str, list[Declared]] = {}
    for each in wanted:
        if _exists(case, each):
            taken.setdefault(each.type, []).append(each)
    for group in taken.values():
        yield _taken(case, group)
    if not taken:
        yield Finding.ok(NAMES, f"none of {len(wanted)} names in AWS is taken")


def _exists(case: Case, resource: Declared) -> bool:
    service, key, look = AWS_LOOKS[resource.type]
    try:
        look(case.aws.client(service), str(resource.inputs[key]))
    except Exception as error:  # a ClientError; botocore is not imported for its name
        if is_missing(error):
            return False
        if is_denied(error):
            # A bucket of somebody else's answers so; of anything else it says nothing.
            return resource.type == BUCKET
        raise
    return True


def _taken(case: Case, group: Sequence[Declared]) -> Finding:
    """Tell of resources of one kind, with how the first of them is taken into the stack."""
    first, kind = group[0], group[0].type.rpartition(":")[2].lower()
    called = [str(each.inputs[AWS_LOOKS[each.type][1]]) for each in group]
    return Finding.problem(
        NAMES,
        f"{len(group)} of kind {kind} that stack {case.env} has not made exist already: {', '.join(called)}",
        "`pulumi up` fails there: of an earlier stack, perhaps, that was retained or lost its state",
        f"delete what is empty; take what is not into the stack: pulumi import {first.type} {first.name} "
        f"{_import_id(case, first.type, called[0])} --stack {case.env}; or use it as it is: docs/adoption.md",
    )


def _import_id(case: Case, kind: str, called: str) -> str:
    """Return what the provider imports a thing by: its name, but for two kinds (their registry pages)."""
    if kind == QUEUE:
        return str(case.aws.client("sqs").get_queue_url(QueueName=called)["QueueUrl"])
    if kind == FIREHOSE:
        found = case.aws.client("firehose").describe_delivery_stream(DeliveryStreamName=called)
        return str(found["DeliveryStreamDescription"]["DeliveryStreamARN"])
    return called


def google_names(case: Case) -> Iterator[Finding]:
    """Look for datasets, pools and roles of the same names: Google keeps those of deleted ones for weeks."""
    for each in case.to_come(DATASET, POOL, PROJECT_ROLE):
        api, path, called = _in_google(each)
        found = case.google.find(api, path)
        if found is None:
            continue
        if found.get("state") == "DELETED" or found.get("deleted"):
            yield Finding.problem(
                NAMES,
                f"{called} was deleted, and Google keeps its name for {_RESERVED[each.type]}",
                "`pulumi up` fails at it",
                f"pulumi config set --path federation.pool_suffix b --stack {case.env}",
            )
        else:
            yield Finding.problem(
                NAMES,
                f"{called} exists already, and stack {case.env} has not made it",
                "`pulumi up` fails at it",
                "delete it, or choose another name; a dataset can be used as it is: docs/adoption.md",
            )


def _in_google(resource: Declared) -> tuple[str, str, str]:
    """Return the API, the path and the words for something of Google's."""
    inputs = resource.inputs
    at = f"projects/{inputs['project']}"
    if resource.type == DATASET:
        return "bigquery", f"{at}/datasets/{inputs['datasetId']}", f"dataset {inputs['datasetId']}"
    if resource.type == POOL:
        pool = inputs["workloadIdentityPoolId"]
        return "iam", f"{at}/locations/global/workloadIdentityPools/{pool}", f"identity pool {pool}"
    return "iam", f"{at}/roles/{inputs['roleId']}", f"custom role {inputs['roleId']}"


def adopted(case: Case) -> Iterator[Finding]:
    """Look for what the environment uses instead of making it: `adopt` in its settings."""
    settings = case.settings.get("adopt") or {}
    if settings.get("enabled") is False:
        return
    for key, arn in _arns(settings):
        service = arn.split(":")[2]
        client, look = ADOPTED[service]
        try:
            look(case.aws.client(client), arn.rpartition(":")[2].rpartition("/")[2])
        except Exception as error:  # a ClientError; botocore is not imported for its name
            if not (is_missing(error) or is_denied(error)):
                raise
            why = "may not be looked at" if is_denied(error) else "does not exist"
            yield Finding.problem(
                NAMES,
                f"adopt.{key}: {arn} {why}",
                "`pulumi up` connects functions to it, and fails",
                f"mend adopt.{key} in Pulumi.{case.env}.yaml, or create it first",
            )
        else:
            yield Finding.ok(NAMES, f"adopt.{key}: {arn.rpartition(':')[2]} is there")


def _arns(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and str(value.get("arn", "")).startswith("arn:"):
            yield key, str(value["arn"])
        elif isinstance(value, Mapping):
            yield from ((f"{key}.{name}", arn) for name, arn in _arns(value))
