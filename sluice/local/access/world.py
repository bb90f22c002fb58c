"""What moto holds, as far as authorisations depend on it."""

from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.iam.models import iam_backends
from moto.kinesis.models import kinesis_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from sluice.local.aws_kinesis import ACCOUNT


class MotoWorld:
    """The `World` of the local AWS. Only looks things up, so it is safe for several threads."""

    def hash_key(self, table: str, region: str) -> str | None:
        """The name of a table's partition key; None when there is no such table."""
        found = dynamodb_backends[ACCOUNT][region].tables.get(table.rpartition("/")[2])
        return None if found is None else str(found.hash_key_attr)

    def key_of(self, service: str, resource: str, region: str) -> str | None:
        """The customer managed key that encrypts a resource (its ARN); None without one."""
        found = _KEYS[service](resource, region)
        return str(found) if found and str(found).startswith("arn:") else None

    def policies(self, role: str) -> list[str]:
        """The documents of a role's policies; none of a role that is not there."""
        return [
            document
            for backend in list(iam_backends[ACCOUNT].values())
            for one in list(backend.roles.values())
            if one.name == role
            for document in list(one.policies.values())
        ]


def _of_a_queue(resource: str, region: str) -> Any:
    queue = sqs_backends[ACCOUNT][region].queues.get(resource.rpartition(":")[2])
    return getattr(queue, "kms_master_key_id", None)


def _of_a_stream(resource: str, region: str) -> Any:
    stream = kinesis_backends[ACCOUNT][region].streams.get(resource.partition("/")[2].partition("/")[0])
    return None if stream is None else stream.key_id


def _of_a_table(resource: str, region: str) -> Any:
    name = resource.partition("/")[2].partition("/")[0]
    table = dynamodb_backends[ACCOUNT][region].tables.get(name)
    found = ((table.sse_specification if table else None) or {}).get("KMSMasterKeyId")
    # moto makes AWS' own key for a table that names none: whoever may use the table may use that one.
    theirs = kms_backends[ACCOUNT][region].get_key_id_from_alias("alias/aws/dynamodb") if found else None
    return None if theirs and str(found).endswith(f"/{theirs}") else found


def _of_a_bucket(resource: str, _region: str) -> Any:
    name = resource.rpartition(":::")[2].partition("/")[0]
    for backend in list(s3_backends[ACCOUNT].values()):
        bucket = backend.buckets.get(name)
        if bucket is not None:
            rule = ((bucket.encryption or {}).get("ServerSideEncryptionConfiguration") or {}).get(
                "Rule"
            ) or {}
            default = (rule[0] if isinstance(rule, list) else rule).get("ApplyServerSideEncryptionByDefault")
            return (default or {}).get("KMSMasterKeyID")
    return None


_KEYS = {"dynamodb": _of_a_table, "kinesis": _of_a_stream, "s3": _of_a_bucket, "sqs": _of_a_queue}
