"""What a Pulumi program declared, resource by resource, and who answers for the cloud."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

UNKNOWN: Final = "(known after deployment)"
"""Stands in a preview's inputs and outputs for what only a deployment knows."""

ACCOUNT: Final = "123456789012"
REGION: Final = "eu-central-1"
_POOLS: Final = "projects/1234567890/locations/global/workloadIdentityPools"


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource as it would be sent to the engine.

    Inputs have the provider's own names (camelCase), secrets unwrapped, whole numbers as int, archives as
    {"archive": path}; parts not known in a preview are `UNKNOWN`. `aliases` are URNs that it had before.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    urn: str
    parent: str | None = None
    protect: bool = False
    custom: bool = True
    depends_on: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    delete_before_replace: bool = False
    provider: str = ""
    retained: bool = False
    """Whether it stays in the cloud when it is no longer declared."""


class Creator(Protocol):
    """Brings a resource into being."""

    def __call__(self, resource: Declared) -> tuple[str, dict[str, Any]]:
        """Return the resource's id and outputs; the outputs are laid over its inputs."""
        ...


def placeholder(resource: Declared) -> tuple[str, dict[str, Any]]:
    """Invent what the cloud would answer: ids, ARNs and addresses of a plausible account."""
    invent = _INVENTED.get(resource.type)
    name = str(resource.inputs.get("name", resource.name))
    return f"{resource.name}-id", invent(name, resource.inputs) if invent else {}


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _bucket(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"arn": f"arn:aws:s3:::{inputs['bucket']}"}


def _queue(name: str, _: dict[str, Any]) -> dict[str, Any]:
    return {"arn": _arn("sqs", name), "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"}


def _consumer(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"arn": f"{inputs['streamArn']}/consumer/{name}:1700000000"}


def _log_stream(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"arn": _arn("logs", f"log-group:{inputs['logGroupName']}:log-stream:{name}")}


def _table(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    arn = _arn("dynamodb", f"table/{name}")
    stream = {"streamArn": f"{arn}/stream/2026-01-01T00:00:00.000"} if inputs.get("streamEnabled") else {}
    return {"arn": arn, **stream}


def _pool(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"{_POOLS}/{inputs['workloadIdentityPoolId']}"}


def _pool_provider(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"{_pool('', inputs)['name']}/providers/{inputs['workloadIdentityPoolProviderId']}"}


def _service_account(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    email = f"{inputs['accountId']}@{inputs['project']}.iam.gserviceaccount.com"
    name = f"projects/{inputs['project']}/serviceAccounts/{email}"
    return {"email": email, "name": name, "member": f"serviceAccount:{email}"}


def _custom_role(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"projects/{inputs['project']}/roles/{inputs['roleId']}"}


def _api(name: str, _: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiEndpoint": f"https://{name}.execute-api.{REGION}.amazonaws.com",
        "executionArn": _arn("execute-api", name),
    }


def _function(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    published = {"version": "1"} if inputs.get("publish") else {}
    return {"arn": _arn("lambda", f"function:{name}"), **published}


def _function_url(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {"functionUrl": f"https://{inputs['functionName']}.lambda-url.{REGION}.on.aws/"}


def _domain(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    called = inputs["domainName"]
    return {"arn": _arn("es", f"domain/{called}"), "endpoint": f"search-{called}.{REGION}.es.amazonaws.com"}


def _signing_profile(_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    name = f"{inputs['namePrefix']}1"
    return {"name": name, "versionArn": _arn("signer", f"/signing-profiles/{name}/abcdefghij")}


def _signing_job(name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    place = inputs["destination"]["s3"]
    return {"signedObjects": [{"s3s": [{"bucket": place["bucket"], "key": f"{place['prefix']}{name}.zip"}]}]}


_INVENTED: Final = {
    "aws:lambda/invocation:Invocation": lambda _name, _: {"result": "{}"},
    "aws:opensearch/domain:Domain": _domain,
    "aws:apigatewayv2/api:Api": _api,
    "aws:cloudwatch/eventRule:EventRule": lambda name, _: {"arn": _arn("events", f"rule/{name}")},
    "aws:lambda/functionUrl:FunctionUrl": _function_url,
    "aws:cloudwatch/logStream:LogStream": _log_stream,
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": lambda name, _: {
        "arn": _arn("firehose", f"deliverystream/{name}")
    },
    "aws:kinesis/stream:Stream": lambda name, _: {"arn": _arn("kinesis", f"stream/{name}")},
    "aws:kinesis/streamConsumer:StreamConsumer": _consumer,
    "aws:sns/topic:Topic": lambda _, inputs: {"arn": _arn("sns", inputs["name"])},
    "aws:sqs/queue:Queue": _queue,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:dynamodb/table:Table": _table,
    "aws:athena/workgroup:Workgroup": lambda name, _: {"arn": _arn("athena", f"workgroup/{name}")},
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": lambda _, inputs: {
        "arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{inputs['url'].removeprefix('https://')}"
    },
    "aws:iam/policy:Policy": lambda name, _: {"arn": f"arn:aws:iam::{ACCOUNT}:policy/{name}"},
    "aws:iam/role:Role": lambda name, _: {"arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
    "aws:cloudwatch/logGroup:LogGroup": lambda name, _: {"arn": _arn("logs", f"log-group:{name}")},
    "aws:signer/signingJob:SigningJob": _signing_job,
    "aws:signer/signingProfile:SigningProfile": _signing_profile,
    "aws:lambda/codeSigningConfig:CodeSigningConfig": lambda name, _: {
        "arn": _arn("lambda", f"code-signing-config:{name}")
    },
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda _name, _: {"versionId": "version-1"},
    "aws:kms/key:Key": lambda name, _: {"arn": _arn("kms", f"key/{name}"), "keyId": name},
    "aws:lambda/function:Function": _function,
    "aws:lambda/alias:Alias": lambda name, inputs: {
        "arn": _arn("lambda", f"function:{inputs['functionName']}:{name}")
    },
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda _name, _: {
        "uuid": "00000000-0000-4000-8000-000000000001"
    },
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": _pool,
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": _pool_provider,
    "gcp:projects/iAMCustomRole:IAMCustomRole": _custom_role,
    "gcp:serviceaccount/account:Account": _service_account,
}
