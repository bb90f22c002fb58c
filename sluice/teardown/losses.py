"""What would go, what stays, and what never comes back, of one deployed stack."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from sluice.doctor.aws import Aws, is_missing
from sluice.doctor.google import Google, Refused
from sluice.errors import SluiceError
from sluice.teardown.deployed import (
    BIGQUERY_TABLE,
    BUCKET,
    DATASET,
    KEY,
    MAPPING,
    POOL,
    ROLE,
    SERVICE,
    STREAM,
    TABLE,
    Deployed,
)
from sluice.teardown.sizes import HOLDERS, Size, table_size

KINDS: Final = {
    "aws:kinesis/stream:Stream": "stream",
    "aws:dynamodb/table:Table": "DynamoDB table",
    "aws:sqs/queue:Queue": "queue",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:opensearch/domain:Domain": "search domain",
    "aws:cloudwatch/logGroup:LogGroup": "log group",
    "gcp:bigquery/table:Table": "BigQuery table",
}
_KEPT_NAMES: Final = {
    BUCKET: "bucket {}: anybody may have the name afterwards",
    POOL: (
        "identity pool {0}: Google keeps its id for 30 days; until then another federation.pool_suffix, or "
        "gcloud iam workload-identity-pools undelete {0} --location global"
    ),
    ROLE: "custom role {}: Google keeps its id, of which federation.pool_suffix is part, for up to 37 days",
}
"""IAM API, workloadIdentityPools.delete (read 2026-11); IAM guide, "Create and manage custom roles"; S3 user
guide, "General purpose bucket naming rules"."""

_LAST_BACKUP: Final = "DynamoDB itself keeps a last backup for 35 days"
"""Developer guide, "Point-in-time backups for DynamoDB"."""

_PASSING: Final = "sluice:infra:Probe$"
"""In a URN: what `sluice probe` sends and notes, which expires within a day."""

_THREADS: Final = 8
_MISSING: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something that holds data; `size` is None where `unknown` says why it could not be asked."""

    kind: str
    name: str
    size: Size | None
    guards: tuple[str, ...] = ()
    """What refuses to delete it as things are."""
    stays: bool = False
    unknown: str = ""

    @property
    def would_go(self) -> bool:
        """Whether data goes with it, once nothing refuses any more; what is not known counts as data."""
        return not self.stays and (self.size is None or not self.size.is_empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """All of a stack: what holds data, what stays, and what is lost for good or for weeks."""

    held: tuple[Held, ...]
    staying: tuple[str, ...]
    lost: tuple[str, ...]
    protected: int
    """How many resources Pulumi refuses to delete."""

    @property
    def going(self) -> list[Held]:
        """What data would go."""
        return [each for each in self.held if each.would_go]


def losses(resources: Sequence[Deployed], exports: Mapping[str, Any], *, aws: Aws, google: Google) -> Losses:
    """Ask, side by side, how much everything holds."""
    holders = [
        each
        for each in resources
        if each.type in HOLDERS and not each.values.get("view") and _PASSING not in each.urn
    ]
    with ThreadPoolExecutor(_THREADS) as threads:
        held = list(threads.map(lambda each: _held(aws, google, each), holders))
        datasets = [each for each in resources if each.type == DATASET]
        found = threads.map(lambda each: _strangers(google, each, resources), datasets)
        strangers = [one for each in found for one in each]
    return Losses(
        held=(*held, *strangers),
        staying=tuple(_staying(resources, exports)),
        lost=tuple(_lost(resources)),
        protected=sum(each.protected for each in resources),
    )


def _held(aws: Aws, google: Google, each: Deployed) -> Held:
    size: Size | None = None
    unknown = ""
    try:
        size = HOLDERS[each.type](aws, google, each)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others are still told
        if is_missing(error) or (isinstance(error, Refused) and error.status == _MISSING):
            size = Size(count=0, unit="", bytes=0)
        else:
            unknown = " ".join(str(error).split())
    return Held(
        kind=KINDS[each.type],
        name=each.name,
        size=size,
        guards=tuple(_guards(each, size)),
        stays=each.retained,
        unknown=unknown,
    )


def _guards(each: Deployed, size: Size | None) -> Iterator[str]:
    """Say what refuses to delete something: Pulumi, the service, or what it holds."""
    if each.protected:
        yield "protect"
    if each.values.get("deletionProtectionEnabled") or each.values.get("deletionProtection"):
        yield "deletion protection"
    full = size is None or not size.is_empty
    if each.type == BUCKET and full and not each.values.get("forceDestroy"):
        yield "not empty"
    if each.type == STREAM and not each.values.get("enforceConsumerDeletion"):
        yield "its consumers"


def _strangers(google: Google, dataset: Deployed, resources: Sequence[Deployed]) -> list[Held]:
    """Return the tables in a dataset that the program has not made: they go with it, or hold it up."""
    own = {each.name for each in resources if each.type == BIGQUERY_TABLE}
    at = f"projects/{dataset.values['project']}/datasets/{dataset.name}"
    guards = () if dataset.values.get("deleteContentsOnDestroy") else ("not empty",)
    try:
        listed = google.every("bigquery", f"{at}/tables", "tables")
        tables = [
            one["tableReference"]["tableId"]
            for one in listed
            if one.get("type", "TABLE") == "TABLE"
            and f"{dataset.name}.{one['tableReference']['tableId']}" not in own
        ]
        return [
            Held(
                kind="BigQuery table, not of the program",
                name=f"{dataset.name}.{table}",
                size=table_size(google.call("bigquery", f"{at}/tables/{table}")),
                guards=guards,
                stays=dataset.retained,
            )
            for table in tables
        ]
    except Refused as error:
        if error.status == _MISSING:
            return []
        return [_unlisted(dataset, str(error))]
    except SluiceError as error:
        return [_unlisted(dataset, str(error))]


def _unlisted(dataset: Deployed, why: str) -> Held:
    return Held(
        kind="tables not of the program", name=dataset.name, size=None, unknown=why, stays=dataset.retained
    )


def _staying(resources: Sequence[Deployed], exports: Mapping[str, Any]) -> Iterator[str]:
    for key, name in (exports.get("adopted") or {}).items():
        yield f"{name} ({key}): adopted, not the program's to delete"
    for each in resources:
        if each.retained:
            yield f"{each.name}: retained (adopt.release), Pulumi only forgets it"
    services = [each.name for each in resources if each.type == SERVICE]
    if services:
        yield f"{len(services)} Google APIs stay on: other programs may need them"


def _lost(resources: Sequence[Deployed]) -> Iterator[str]:
    """Say what cannot be had back, or not for weeks."""
    gone = [each for each in resources if not each.retained]
    yield from (f"{_KEPT_NAMES[each.type].format(each.name)}" for each in gone if each.type in _KEPT_NAMES)
    for each in gone:
        if each.type == KEY:
            days = each.values.get("deletionWindowInDays") or 30
            yield (
                f"KMS key {each.name}: what it encrypted elsewhere (copies, logs, backups) cannot be read; "
                f"aws kms cancel-key-deletion brings it back within {days} days"
            )
        elif each.type == TABLE and (each.values.get("pointInTimeRecovery") or {}).get("enabled"):
            yield f"table {each.name}: its recovery to any moment ends; {_LAST_BACKUP}"
    mappings = sum(each.type == MAPPING for each in gone)
    if mappings:
        yield f"the checkpoints of {mappings} mappings: another deployment begins with the oldest record"
