"""Deploys a changed program over what runs: first all that it asks for is checked, then all of it is done.

BigQuery's tables and views take what they can in place, functions get their new code and variables, what is
new is created, what is gone stops, and everything that holds data stays as it is. Mappings take other
settings and keep their checkpoints; one that reads something else, or from elsewhere, is replaced and begins
anew. What cannot be changed in place is refused before anything was touched.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from sluice.errors import ContractError, SettingsError
from sluice.local.bigquery.errors import ApiError
from sluice.local.bigquery.evolution import changes
from sluice.local.bigquery.types import parse_fields
from sluice.local.declared import Declared, placeholder
from sluice.local.deploy_aws import AwsCreator
from sluice.local.deploy_google import DATASET, IN_PLACE, GoogleCreator, table_body, table_outputs
from sluice.local.deploy_lake import FIREHOSE, iceberg_input
from sluice.local.deploy_lake import TABLE as CATALOG_TABLE
from sluice.local.deploy_lake import check_table as check_columns
from sluice.local.deploy_result import Deployment, Made, Outputs, mapping
from sluice.local.deploy_watch import COMPOSITE_ALARM, METRIC_ALARM, WATCHING
from sluice.local.schedule import schedules

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATABLE = WATCHING | {
    "aws:kinesis/resourcePolicy:ResourcePolicy",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:lambda/invocation:Invocation",
    "aws:opensearch/domain:Domain",
}
"""Types whose creation puts something in the place of what was there, or does something once more."""

TABLE = "gcp:bigquery/table:Table"
FUNCTION = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
RULES = frozenset(
    {
        "aws:codedeploy/application:Application",
        "aws:codedeploy/deploymentGroup:DeploymentGroup",
        "aws:lambda/alias:Alias",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:lambda/permission:Permission",
    }
)
"""Types that hold nothing: the runtime takes them as they are declared each time."""

REPLACES_A_MAPPING = frozenset({"eventSourceArn", "startingPosition", "startingPositionTimestamp"})
"""Inputs that UpdateEventSourceMapping cannot change: Pulumi deletes the mapping, with its checkpoint, and
makes another (Lambda API reference, UpdateEventSourceMapping; ForceNew in the AWS provider's resource)."""

IGNORED = {DATASET: {"deleteContentsOnDestroy"}}
"""Inputs that mean nothing to a local server."""

AFRESH = "stop `sluice local` and start it again, with empty tables"


class Update:
    """One deployment over an earlier one: collects what is to do while the program runs, then does it.

    New resources are created as the program declares them, since others need their names: so the program runs
    once to find everything in order, and once more, `adding`, when there was something new.
    """

    def __init__(
        self, before: Deployment, aws: AwsCreator, google: GoogleCreator, *, adding: bool = False
    ) -> None:
        self._before = before
        self._aws, self._google = aws, google
        self._adding = adding
        self._new = False
        self._mappings: list[dict[str, Any]] = []
        self._steps: list[Callable[[], Any]] = []
        self.functions: list[dict[str, Any]] = []
        self.stand_ins: list[str] = []
        aws.region = before.region

    def create(self, resource: Declared) -> Outputs:
        """Answer for one resource as it will be, and remember what that takes.

        Raises:
            SettingsError: it cannot be changed in place.
            ContractError: a table cannot be changed in place.
        """
        if resource.type == TABLE:
            return self._table(resource)
        if not (self._aws.handles(resource) or self._google.handles(resource)):
            self.stand_ins.append(f"{resource.type} {resource.name}")
            return placeholder(resource)
        known = (self._before.made.get(urn) for urn in (resource.urn, *resource.aliases))
        made = next((each for each in known if each is not None), None)
        if resource.type in RULES:
            return self._aws.create(resource)
        if made is None or (
            resource.type == MAPPING and _differing(made.inputs, resource.inputs) & REPLACES_A_MAPPING
        ):
            return self._create(resource)
        if resource.type == FUNCTION:
            return made.id, self._function(resource, made)
        self._take(resource, made)
        return made.id, made.outputs

    def _function(self, resource: Declared, made: Made) -> dict[str, Any]:
        """Keep a function as it is now; one that is published has a version for each change."""
        outputs = dict(made.outputs)
        if resource.inputs.get("publish"):
            changed = bool(_differing(made.inputs, resource.inputs))
            outputs["version"] = str(int(outputs.get("version", 0)) + changed)
        version = {"version": outputs["version"]} if resource.inputs.get("publish") else {}
        self.functions.append({**resource.inputs, "arn": outputs["arn"], **version})
        return outputs

    def _take(self, resource: Declared, made: Made) -> None:
        """Remember what is to be done about something that is there."""
        if resource.type in (CATALOG_TABLE, FIREHOSE):
            self._of_the_lake(resource, made)
        elif resource.type == MAPPING:
            declared = {**resource.inputs, "uuid": made.id}
            mapping(declared)  # refuses what the runtime could not do
            self._mappings.append(declared)
        elif differing := (
            _differing(made.inputs, resource.inputs)
            - IGNORED.get(resource.type, set())
            - set(resource.ignore_changes)
        ):
            if resource.type in REPEATABLE:
                self._steps.append(partial(self._aws.create, resource))
            elif differing <= IN_PLACE.get(resource.type, frozenset()):
                self._steps.append(partial(self._google.change, resource, made.outputs))
            elif (step := self._aws.changes.step(resource, made, differing)) is not None:
                self._steps.append(step)
            else:
                names = ", ".join(sorted(differing))
                raise SettingsError(f"{names} of {resource.name} cannot be changed in place: {AFRESH}")

    def finish(self, made: dict[str, Made]) -> Deployment | None:
        """Do it all, once the whole program has run; what holds data and is no longer declared stays.

        None, and nothing done, when the program is to run again with `adding`.
        """
        on_time = schedules(self._aws.rules, self._aws.targets, self._aws.permissions)
        if self._new and not self._adding:
            return None
        for step in self._steps:
            step()
        silent = self._remove_alarms(made)
        kept = {urn: each for urn, each in self._before.made.items() if urn not in silent}
        return msgspec.structs.replace(
            self._before,
            functions=self.functions + self._aws.functions,
            mappings=self._mappings + self._aws.mappings,
            aliases=self._aws.aliases,
            groups=self._aws.groups,
            schedules=on_time,
            retention_hours={**self._before.retention_hours, **self._aws.retention_hours},
            invocations=self._aws.invocations,
            domains=sorted({*self._before.domains, *self._aws.domains}),
            firehoses=self._aws.lake.firehoses,
            lake_tables=self._aws.lake.tables,
            stand_ins=self.stand_ins,
            made={**kept, **made},
        )

    def _remove_alarms(self, made: dict[str, Made]) -> dict[str, Made]:
        """Delete the alarms that are no longer declared, under whatever name; they hold nothing."""
        declared = {each.id for each in made.values()}
        gone = {
            urn: each
            for urn, each in self._before.made.items()
            if urn not in made and (METRIC_ALARM in urn or COMPOSITE_ALARM in urn)
        }
        self._aws.watch.remove({urn: each for urn, each in gone.items() if each.id not in declared})
        return gone

    def _create(self, resource: Declared) -> Outputs:
        self._new = True
        if self._adding:
            creator = self._aws if self._aws.handles(resource) else self._google
            return creator.create(resource)
        if resource.type == MAPPING:
            mapping({**resource.inputs, "uuid": ""})
        return placeholder(resource)

    def _of_the_lake(self, resource: Declared, made: Made) -> None:
        """Keep a Firehose or an Iceberg table for the lake; a view is put in the place of the earlier one."""
        if resource.type == FIREHOSE:
            differing = ", ".join(sorted(_differing(made.inputs, resource.inputs)))
            if differing:
                raise SettingsError(f"{differing} of {resource.name} cannot be changed in place: {AFRESH}")
            self._aws.lake.keep_firehose({**resource.inputs, "arn": made.outputs["arn"]})
        elif iceberg_input(resource.inputs) is not None:
            check_columns(str(resource.inputs["name"]), made.inputs, resource.inputs)
            self._aws.create(resource)
        elif made.inputs != resource.inputs:
            self._steps.append(partial(self._aws.create, resource))

    def _table(self, resource: Declared) -> Outputs:
        found = self._google.find_table(resource.inputs)
        if found is None:
            self._steps.append(partial(self._google.create, resource))
        else:
            check_table(found, table_body(resource.inputs))
            self._steps.append(partial(self._google.update_table, resource.inputs))
        return table_outputs(resource.inputs)


def check_table(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse what BigQuery cannot make of a table or view that exists.

    Raises:
        ContractError: what it is.
    """
    name = wanted["tableReference"]["tableId"]
    if bool(found.get("view")) != bool(wanted.get("view")):
        raise ContractError(f"{name}: BigQuery makes no view of a table, and no table of a view: {AFRESH}")
    if wanted.get("view"):
        return
    old, new = _partitioning(found), _partitioning(wanted)
    if old != new:
        raise ContractError(
            f"table {name}: BigQuery cannot change its partitioning from {old} to {new} in place: declare "
            f"another event type, or {AFRESH}"
        )
    try:
        before, after = (parse_fields(table["schema"]["fields"]) for table in (found, wanted))
        changes(name, name, before, after)
    except ApiError as error:
        raise ContractError(
            f"BigQuery cannot do that in place: {error.message.rstrip('.')}; `sluice contract check` says "
            f"what to do instead; or {AFRESH}"
        ) from None


def _partitioning(table: dict[str, Any]) -> str:
    partitioning = table.get("timePartitioning") or {}
    return f"{partitioning.get('type', 'none')} of {partitioning.get('field', 'the arrival time')}"


def _differing(before: dict[str, Any], now: dict[str, Any]) -> set[str]:
    return {key for key in {*before, *now} if before.get(key) != now.get(key)}
