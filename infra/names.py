"""Physical names: one rule, so that policies can name exact resources and people can find them.

Everything is called PROJECT-STACK-thing, after the Pulumi project and stack. Names are fixed, not generated,
as policies, dashboards and runbooks refer to them. What is too long, or is written in other characters than
both clouds take, is cut and ends in a hash of the whole: the same at every run, and another for every other
name. Tags carry project and stack in full.

Where the hyphen stands, names do not tell: stack c of project a-b and stack b-c of project a are both a-b-c,
and one account takes only one of them (docs/deploy.md).
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from infra import limits
from infra.settings import Settings
from sluice.errors import SettingsError

_RESERVED: Final = ("gcp-", "sthree-", "amzn-s3-demo-")
"""Beginnings that the clouds keep to themselves: workload identity pools (IAM API,
projects.locations.workloadIdentityPools.create), and buckets (S3 user guide, bucket naming rules)."""

_HASH_CHARACTERS: Final = 6
"""Sixteen million hashes: among a hundred stacks of an account, two share one with a chance of 1 in 3,000,
and the cloud then refuses the second."""

_STACK_CHARACTERS: Final = 6
"""What is left of a long stack's name at least, so that prod is still told from dev."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of one environment's resources."""

    prefix: str
    bucket: str
    routes_bucket: str
    lake_bucket: str
    code_bucket: str
    dataset: str
    views_dataset: str
    pool: str
    writer_role: str

    @classmethod
    def of(cls, settings: Settings, *, project: str, stack: str) -> Self:
        """Derive all names.

        Raises:
            SettingsError: the project's name begins with what a cloud reserves, or the views would lie among
                the raw tables.
        """
        prefix = prefix_of(project, stack)
        words = prefix.replace("-", "_")
        adopted = settings.adopted
        dataset = _dataset(adopted.dataset) or settings.warehouse.dataset or words
        views_dataset = (
            _dataset(adopted.views_dataset)
            or settings.warehouse.views_dataset
            # Not after a dataset that is adopted: the views, and who reads them, stay where they are.
            or shortened(f"{settings.warehouse.dataset or words}_views", limits.DATASET_CHARACTERS, "_")
        )
        if dataset.casefold() == views_dataset.casefold():
            section = "adopt" if adopted.views_dataset else "warehouse"
            raise SettingsError(
                f"{project}:{section}.views_dataset is {views_dataset!r}: accepted is another name than"
                " that of the raw dataset, since analysts must not read the raw tables; change it in"
                f" Pulumi.{stack}.yaml"
            )

        def bucket(thing: str) -> str:
            """Name a bucket with account and region: all accounts share S3's names."""
            called = f"{prefix}-{thing}-{settings.aws_account_id}-{settings.aws_region}"
            return shortened(called, limits.BUCKET_CHARACTERS)

        return cls(
            prefix=prefix,
            bucket=bucket("dead-letters"),
            routes_bucket=bucket("routes"),
            lake_bucket=bucket("lake"),
            code_bucket=bucket("code"),
            dataset=dataset,
            views_dataset=views_dataset,
            pool=f"{prefix}-{settings.federation.pool_suffix}",
            writer_role=f"{words}_sink_writer_{settings.federation.pool_suffix}",
        )

    def sink(self, sink: str) -> str:
        """Name of a sink's consumer, function and role, e.g. sluice-dev-bigquery-sink."""
        return f"{self.prefix}-{dashed(sink)}-sink"

    def target(self, route: str) -> str:
        """Name of what a route leads to, e.g. sluice-dev-payments-route."""
        return f"{self.prefix}-{dashed(route)}-route"

    def firehose(self, sink: str) -> str:
        """Name of the Firehose that feeds a sink, e.g. sluice-dev-lake-firehose."""
        return f"{self.prefix}-{dashed(sink)}-firehose"

    def redrive(self, sink: str) -> str:
        """Name of the Firehose that takes the sink's redriven records, e.g. sluice-dev-lake-redrive."""
        return f"{self.prefix}-{dashed(sink)}-redrive"

    @property
    def lake_database(self) -> str:
        """Name of the Glue database of the tables, e.g. sluice_dev_lake_raw: Athena wants no hyphens."""
        return f"{self.lake_views}_raw"

    @property
    def lake_views(self) -> str:
        """Name of the Glue database of the views that analysts read, e.g. sluice_dev_lake."""
        return f"{self.prefix.replace('-', '_')}_lake"

    @property
    def publisher(self) -> str:
        """Name of the window publisher's function and role."""
        return self.thing("window-publisher")

    @property
    def probe(self) -> str:
        """Name of the probe's function and role."""
        return self.thing("probe")

    def thing(self, thing: str) -> str:
        """Name of anything else, e.g. sluice-dev-ledger."""
        return f"{self.prefix}-{thing}"


def dashed(name: str) -> str:
    """Write a sink's or a route's name, or a folder's, as a part of resource names."""
    return name.replace("_", "-")


def prefix_of(project: str, stack: str) -> str:
    """Join project and stack, as they are where they fit, else cut and with a hash.

    Raises:
        SettingsError: the project's name begins with something else than a letter, or as a cloud's own do.
    """
    whole = f"{project}-{stack}"
    first, second = _plain(project), _plain(stack)
    joined = f"{first}-{second}"
    if not first[:1].isalpha() or joined.startswith(_RESERVED):
        raise SettingsError(
            f"project and stack give the names {whole!r}: accepted is a project whose name begins with a"
            f" letter, and not with {', '.join(_RESERVED)}; change `name` in Pulumi.yaml"
        )
    if joined == whole and len(whole) <= limits.PREFIX_CHARACTERS:
        return whole
    room = limits.PREFIX_CHARACTERS - _HASH_CHARACTERS - len("--")
    second = second[: max(_STACK_CHARACTERS, room - len(first))].strip("-")
    first = first[: room - len(second)].strip("-")
    # Project and stack apart: a-b and c are others than a and b-c.
    return "-".join(part for part in (first, second, _hash(f"{project}/{stack}")) if part)


def shortened(name: str, limit: int, joint: str = "-") -> str:
    """Return a name of at most `limit` characters: as it is, or cut, with a hash of the whole at its end."""
    if len(name) <= limit:
        return name
    return f"{name[: limit - _HASH_CHARACTERS - 1].rstrip('-_')}{joint}{_hash(name)}"


def _plain(text: str) -> str:
    """Write a name in what both clouds take everywhere: small letters, digits and single hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _dataset(adopted: str | None) -> str | None:
    """Return the id of a dataset that exists, without its project, which has been checked."""
    return adopted and adopted.rpartition(".")[2]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARACTERS]
