"""An environment that is deployed into the account: its settings and names, as the program has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.names import Names
from infra.partitions import partition_of
from infra.settings import Settings, parse_settings
from sluice.errors import SettingsError
from sluice.local.config import stack_config

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout: the main program's Pulumi.yaml and Pulumi.<env>.yaml say where each environment lies."""

_SHARED: Final = ("aws_account_id", "aws_region", "google_project")


@dataclass(frozen=True, kw_only=True)
class Place:
    """One environment; `stack` is its name, such as dev."""

    stack: str
    project: str
    settings: Settings
    names: Names

    @property
    def prefix(self) -> str:
        """What the names of everything of this environment begin with, such as sluice-dev."""
        return self.names.prefix

    @property
    def words(self) -> str:
        """The prefix where hyphens are not taken, such as sluice_dev."""
        return self.prefix.replace("-", "_")

    @property
    def partition(self) -> str:
        """Where ARNs begin."""
        return partition_of(self.settings.aws_region)

    @property
    def path(self) -> str:
        """The path of the environment's roles: between slashes."""
        return self.settings.roles.path or "/"

    @property
    def boundary(self) -> str:
        """The ARN of the boundary that each role of the environment has to have."""
        own = f"arn:{self.partition}:iam::{self.settings.aws_account_id}:policy/github-{self.prefix}-boundary"
        return self.settings.roles.permission_boundary_arn or own

    def arn(self, service: str, rest: str) -> str:
        """Spell the ARN of something in the environment's account and region."""
        region = "" if service in {"iam", "s3"} or rest.startswith("dashboard/") else self.settings.aws_region
        account = "" if service in {"s3", "apigateway"} else self.settings.aws_account_id
        return f"arn:{self.partition}:{service}:{region}:{account}:{rest}"


def places(stacks: Sequence[str], root: Path = ROOT) -> tuple[Place, ...]:
    """Read the settings of environments that share an account, a region and a Google project.

    Raises:
        SettingsError: an environment has no file, a wrong setting, or lies elsewhere than the first.
    """
    found = tuple(_place(stack, root) for stack in stacks)
    for each in found[1:]:
        for key in _SHARED:
            wanted, given = getattr(found[0].settings, key), getattr(each.settings, key)
            if given != wanted:
                raise SettingsError(
                    f"{key} of {each.stack} is {given!r}, and that of {found[0].stack} {wanted!r}: accepted"
                    " are environments of one account, region and Google project; give each place a stack"
                )
    return found


def _place(stack: str, root: Path) -> Place:
    config = stack_config(root, stack, {})
    namespace = f"{config.project}:"
    given = {
        key.removeprefix(namespace): value
        for key, value in config.values.items()
        if key.startswith(namespace)
    }
    settings = parse_settings(given, namespace=namespace, file=f"Pulumi.{stack}.yaml")
    names = Names.of(settings, project=config.project, stack=stack)
    return Place(stack=stack, project=config.project, settings=settings, names=names)
