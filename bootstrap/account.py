"""What every box of the bootstrap needs: the settings, the environments, and both clouds."""

from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from bootstrap.place import Place, places
from bootstrap.settings import Settings, load_settings
from infra import limits
from infra.names import shortened


@dataclass(frozen=True, kw_only=True)
class Account:
    """One AWS account and Google project, and the environments that are deployed there."""

    settings: Settings
    places: tuple[Place, ...]
    aws: aws.Provider
    gcp: gcp.Provider

    @classmethod
    def load(cls) -> Self:
        """Read the settings of the account and of its environments, and declare the providers."""
        settings = load_settings()
        found = places(settings.environments)
        first = found[0].settings
        tags = {"project": pulumi.get_project(), "environment": pulumi.get_stack(), "managed-by": "pulumi"}
        return cls(
            settings=settings,
            places=found,
            aws=aws.Provider(
                "aws",
                region=first.aws_region,
                allowed_account_ids=[first.aws_account_id],
                default_tags={"tags": {**tags, **first.tags}},
            ),
            gcp=gcp.Provider(
                "gcp",
                project=first.google_project,
                # The API of budgets wants to know whose quota a call counts against.
                billing_project=first.google_project,
                user_project_override=True,
                default_labels=tags,
                add_pulumi_attribution_label=False,
            ),
        )

    @property
    def number(self) -> str:
        """The AWS account's number."""
        return self.places[0].settings.aws_account_id

    @property
    def region(self) -> str:
        """The region of the state, and of the environments."""
        return self.places[0].settings.aws_region

    @property
    def google_project(self) -> str:
        """The Google project."""
        return self.places[0].settings.google_project

    @property
    def project(self) -> str:
        """The main program's name, which names begin with."""
        return self.places[0].project

    @property
    def partition(self) -> str:
        """Where ARNs begin."""
        return self.places[0].partition

    @property
    def bucket(self) -> str:
        """Name the bucket of the state with account and region: all accounts share S3's names."""
        called = f"{self.project.lower()}-state-{self.number}-{self.region}"
        return shortened(called, limits.BUCKET_CHARACTERS)

    @property
    def component(self) -> pulumi.ResourceOptions:
        """Options of a component: both clouds, which its children inherit."""
        return pulumi.ResourceOptions(providers=[self.aws, self.gcp])
