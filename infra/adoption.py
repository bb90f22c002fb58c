"""What exists already and is used instead of made: neither declared nor changed, and never deleted.

It is named by the section `adopt` (infra/settings_adoption.py); docs/adoption.md says what it must have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import pulumi

from infra.environment import Environment
from infra.policy import allow_through
from infra.settings_adoption import Adopted
from infra.warehouse_tables import raw_tables
from sluice.errors import SettingsError
from sluice.pipeline import Pipeline
from sluice.routes import Stream as StreamTarget

WRITE_ITEMS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What a table's key is used for by who writes it (DynamoDB developer guide, encryption at rest)."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """The key of something adopted, if it has one: other than the environment's own, it opens nothing else.

    `of` says whose it is, as part of a statement's id: TheStream.
    """

    service: str
    region: str
    of: str
    arn: str | None

    @classmethod
    def to(cls, given: Adopted | None, env: Environment, of: str) -> "Key":
        """Return the key to something adopted, or none to what the program makes: that has `env.key`."""
        arn = given.key_arn if given is not None else None
        service = given.arn.split(":")[2] if given is not None else ""
        return cls(service=service, region=env.settings.aws_region, of=of, arn=arn)

    def used_for(self, *actions: str) -> list[dict[str, Any]]:
        """Allow actions when the service asks on the role's behalf; nothing where there is no such key."""
        if self.arn is None:
            return []
        via = f"{self.service}.{self.region}.amazonaws.com"
        return [allow_through(via, f"UseTheKeyOf{self.of}", list(actions), self.arn)]


def name_of(given: Adopted) -> str:
    """Return the name in an ARN: what follows the last colon, without the kind before a slash."""
    return given.arn.rpartition(":")[2].rpartition("/")[2]


def queue_url(given: Adopted) -> str:
    """Return the address of a queue, as SQS gives it (SQS developer guide, queue identifiers)."""
    _, partition, _, region, account, name = given.arn.split(":")
    return f"https://sqs.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}/{account}/{name}"


def check_adopted(env: Environment, pipeline: Pipeline) -> None:
    """Compare what is adopted with the pipeline, before anything is declared; warn where it is switched off.

    Raises:
        SettingsError: a route or a raw table is none of the pipeline's.
    """
    given = env.settings.adopt
    streams = [route.name for route in pipeline.routes if isinstance(route.to, StreamTarget)]
    for route in given.route_streams:
        _refuse_unknown(env, f"route_streams.{route} is no route that leads to a stream", route, streams)
    tables = [table.name for table in raw_tables(pipeline, env.settings.warehouse)]
    for table in given.tables:
        what = f"tables names {table!r}, which is no raw table of the pipeline"
        _refuse_unknown(env, what, table, tables)
    if not given.enabled and given.named():
        pulumi.log.warn(
            f"{pulumi.get_project()}:adopt.enabled is off: made afresh and empty, instead of used, are"
            f" {', '.join(given.named())}"
        )


def _refuse_unknown(env: Environment, what: str, given: str, there: Sequence[str]) -> None:
    if given in there:
        return
    near = get_close_matches(given, there, n=1)
    known = f"there are {', '.join(there)};" if there else "there are none;"
    raise SettingsError(
        f"{pulumi.get_project()}:adopt.{what}: {f'did you mean {near[0]}?' if near else known}"
        f" change it in Pulumi.{env.stack}.yaml"
    )
