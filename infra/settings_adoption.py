"""Settings of what exists already, and is used instead of made: see infra/settings.py, docs/adoption.md."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from infra import limits_adoption as limits
from infra.partitions import partition_of
from infra.settings_functions import Section, refusal


class AdoptedStream(Section):
    """A Kinesis stream, and the key of the account that encrypts it, if it has one."""

    arn: Annotated[str, limits.STREAM]
    key_arn: Annotated[str | None, limits.KEY] = None


class AdoptedTable(Section):
    """A DynamoDB table."""

    arn: Annotated[str, limits.TABLE]
    key_arn: Annotated[str | None, limits.KEY] = None


class AdoptedWindows(AdoptedTable):
    """The table of windows, whose stream wakes the publisher."""

    stream_arn: Annotated[str, limits.TABLE_STREAM]


class AdoptedQueue(Section):
    """An SQS queue."""

    arn: Annotated[str, limits.QUEUE]
    key_arn: Annotated[str | None, limits.KEY] = None


class AdoptedBucket(Section):
    """An S3 bucket."""

    arn: Annotated[str, limits.BUCKET]
    key_arn: Annotated[str | None, limits.KEY] = None


Adopted = AdoptedStream | AdoptedTable | AdoptedQueue | AdoptedBucket


class AdoptionSettings(Section):
    """What is neither declared nor changed nor deleted by the program, since it was there before."""

    enabled: bool = True
    release: bool = False
    stream: AdoptedStream | None = None
    route_streams: dict[str, AdoptedStream] = Field(default={})
    ledger: AdoptedTable | None = None
    windows: AdoptedWindows | None = None
    claims: AdoptedTable | None = None
    dead_letter_queue: AdoptedQueue | None = None
    dead_letter_bucket: AdoptedBucket | None = None
    dataset: Annotated[str | None, limits.DATASET] = None
    views_dataset: Annotated[str | None, limits.DATASET] = None
    tables: tuple[Annotated[str, limits.RAW_TABLE], ...] = ()

    def of_aws(self) -> Iterator[tuple[str, Adopted]]:
        """Yield each thing of AWS's under its key."""
        for key in ("stream", "ledger", "windows", "claims", "dead_letter_queue", "dead_letter_bucket"):
            given: Adopted | None = getattr(self, key)
            if given is not None:
                yield key, given
        for route, stream in self.route_streams.items():
            yield f"route_streams.{route}", stream

    def named(self) -> dict[str, str]:
        """Everything that is adopted, as people find it: ARNs, and ids of BigQuery."""
        google = {key: getattr(self, key) for key in ("dataset", "views_dataset") if getattr(self, key)}
        tables = {f"tables.{table}": table for table in self.tables}
        return {key: given.arn for key, given in self.of_aws()} | google | tables


def check_adoption(adopt: AdoptionSettings, *, account: str, region: str, project: str) -> None:
    """Refuse what lies elsewhere than the environment, or does not fit together.

    A key may be another account's, as platform teams keep them; never another region's.
    """
    seen: dict[str, str] = {}
    for key, given in adopt.of_aws():
        _check_place(f"adopt.{key}", given, account=account, region=region)
        if given.arn in seen:
            raise refusal(f"adopt.{key}.arn", f"another than that of adopt.{seen[given.arn]}")
        seen[given.arn] = key
    windows = adopt.windows
    if windows is not None and not windows.stream_arn.startswith(f"{windows.arn}/stream/"):
        raise refusal("adopt.windows.stream_arn", f"a stream of that table ({windows.arn}/stream/LABEL)")
    for key in ("dataset", "views_dataset"):
        of, _, _ = (getattr(adopt, key) or "").rpartition(".")
        if of and of != project:
            raise refusal(f"adopt.{key}", f"a dataset of google_project ({project}): no other is touched")
    if adopt.tables and adopt.dataset is None:
        raise refusal("adopt.tables", "nothing unless adopt.dataset names the dataset where they lie")


def _check_place(key: str, given: Adopted, *, account: str, region: str) -> None:
    partition = partition_of(region)
    _, found, _, in_region, in_account, _ = given.arn.split(":", 5)
    # A bucket's ARN says neither region nor account.
    if found != partition or (in_region or region) != region or (in_account or account) != account:
        words = f"an ARN of account {account} in {region} (arn:{partition}:)"
        raise refusal(f"{key}.arn", f"{words}: nothing elsewhere is touched")
    if given.key_arn is not None and given.key_arn.split(":")[3] != region:
        raise refusal(f"{key}.key_arn", f"a key in {region}: services only use keys of their own region")
