"""What every box needs to know: the settings, the names, and the two clouds, each pinned to one account."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from infra.names import Names
from infra.partitions import partition_of
from infra.renames import know_by_former_names
from infra.settings import Settings, load_settings

_LABEL_CHARACTERS = 63


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where functions run that must reach something private: subnets, and the groups they belong to."""

    subnet_ids: Sequence[str]
    security_group_ids: Sequence[pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Signing:
    """Where code is signed, with which profile, and what Lambda then holds functions to."""

    bucket: pulumi.Input[str]
    profile: pulumi.Input[str]
    config_arn: pulumi.Input[str]
    ready: pulumi.Resource
    """What must be there before the first upload: versions of the bucket's objects."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One stack's settings, names and providers."""

    stack: str
    settings: Settings
    names: Names
    aws: aws.Provider
    gcp: gcp.Provider
    key: pulumi.Input[str] | None = None
    """The ARN of the KMS key that encrypts all that holds data; without one, AWS's own keys do."""
    network: Network | None = None
    signing: Signing | None = None

    @classmethod
    def load(cls) -> Self:
        """Read the configuration and declare the providers.

        The AWS provider refuses to work in any account but the configured one, whatever credentials the shell
        happens to hold. Google has no such guard: its project is named on the provider and on each resource,
        so that neither gcloud's current project nor an environment variable decides where things land.
        """
        know_by_former_names()
        project, stack = pulumi.get_project(), pulumi.get_stack()
        settings = load_settings()
        names = Names.of(settings, project=project, stack=stack)
        tags = {"project": project, "environment": stack, "managed-by": "pulumi", **settings.tags}
        return cls(
            stack=stack,
            settings=settings,
            names=names,
            aws=aws.Provider(
                "aws",
                region=settings.aws_region,
                allowed_account_ids=[settings.aws_account_id],
                default_tags={"tags": tags},
            ),
            gcp=gcp.Provider(
                "gcp",
                project=settings.google_project,
                default_labels={_label_key(key): _label(value) for key, value in tags.items()},
                add_pulumi_attribution_label=False,
            ),
        )

    @property
    def component(self) -> pulumi.ResourceOptions:
        """Options of a component: both clouds, which its children inherit."""
        return pulumi.ResourceOptions(providers=[self.aws, self.gcp])

    @property
    def holding(self) -> pulumi.ResourceOptions:
        """Options of a component of what could be adopted: with `adopt.release` it stays when it is dropped.

        Pulumi then forgets its children instead of deleting them (resource option `retainOnDelete`).
        """
        kept = pulumi.ResourceOptions(transformations=[_retained]) if self.settings.adopt.release else None
        return pulumi.ResourceOptions.merge(self.component, kept)

    def arn(self, service: str, resource: str) -> str:
        """Spell the ARN of something of this account and region before it is there."""
        region, account = self.settings.aws_region, self.settings.aws_account_id
        return f"arn:{self.partition}:{service}:{region}:{account}:{resource}"

    @property
    def partition(self) -> str:
        """Where ARNs begin, by the region's first word."""
        return partition_of(self.settings.aws_region)

    def within(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a child that holds no data."""
        return pulumi.ResourceOptions(parent=parent)

    def keeping(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a child that holds data: protected from deletion unless `protect` is off."""
        return pulumi.ResourceOptions(parent=parent, protect=self.settings.protect)


def _retained(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """Keep a resource in the cloud when it is dropped."""
    options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(retain_on_delete=True))
    return pulumi.ResourceTransformationResult(args.props, options)


def _label_key(text: str) -> str:
    """Write a tag's name as a label's, which must begin with a letter."""
    label = _label(text)
    return label if label[0].isalpha() else _label(f"tag-{label}")


def _label(text: str) -> str:
    """Write an AWS tag the way Google's labels allow: small letters, digits, - and _, 63 characters."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:_LABEL_CHARACTERS]
