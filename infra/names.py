"""Physical names: one rule, so that policies can name exact resources and people can find them.

Everything is called PROJECT-STACK-thing, after the Pulumi project and stack. Names are fixed, not generated,
as policies, dashboards and runbooks refer to them.
"""

import re
from dataclasses import dataclass
from typing import Self

from infra import limits
from infra.settings import Settings
from sluice.errors import SettingsError

_GOOGLE_RESERVED = "gcp-"


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of one environment's resources."""

    prefix: str
    bucket: str
    routes_bucket: str
    lake_bucket: str
    dataset: str
    views_dataset: str
    pool: str
    writer_role: str

    @classmethod
    def of(cls, settings: Settings, *, project: str, stack: str) -> Self:
        """Derive all names, or say which part is too long for the clouds.

        Raises:
            SettingsError: the project's or the stack's name does not fit.
        """
        prefix = f"{project}-{stack}"
        fits = (
            re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", prefix) and len(prefix) <= limits.PREFIX_CHARACTERS
        )
        if not fits or prefix.startswith(_GOOGLE_RESERVED):
            raise SettingsError(
                f"project and stack give the prefix {prefix!r}: accepted are small letters, digits and single"
                f" hyphens, at most {limits.PREFIX_CHARACTERS} characters, not starting with"
                f" {_GOOGLE_RESERVED!r}; change `name` in Pulumi.yaml, or take another stack name"
            )
        words = prefix.replace("-", "_")
        dataset = settings.warehouse.dataset or words
        views_dataset = settings.warehouse.views_dataset or f"{dataset}_views"
        if dataset.casefold() == views_dataset.casefold():
            raise SettingsError(
                f"{project}:warehouse.views_dataset is {views_dataset!r}: accepted is another name than"
                " warehouse.dataset, since analysts must not read the raw tables; change it in"
                f" Pulumi.{stack}.yaml"
            )
        return cls(
            prefix=prefix,
            bucket=f"{prefix}-dead-letters-{settings.aws_account_id}-{settings.aws_region}",
            routes_bucket=f"{prefix}-routes-{settings.aws_account_id}-{settings.aws_region}",
            lake_bucket=f"{prefix}-lake-{settings.aws_account_id}-{settings.aws_region}",
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

    def thing(self, thing: str) -> str:
        """Name of anything else, e.g. sluice-dev-ledger."""
        return f"{self.prefix}-{thing}"


def dashed(name: str) -> str:
    """Write a sink's or a route's name, or a folder's, as a part of resource names."""
    return name.replace("_", "-")
