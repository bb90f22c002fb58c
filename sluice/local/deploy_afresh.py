"""Deploys a program to servers that hold nothing yet."""

from sluice.local.declared import Declared, placeholder
from sluice.local.deploy_aws import AwsCreator
from sluice.local.deploy_google import GoogleCreator
from sluice.local.deploy_result import Deployment, Made, Outputs, mapping
from sluice.local.schedule import schedules


class Creation:
    """Creates each resource as it is declared."""

    def __init__(self, aws: AwsCreator, google: GoogleCreator) -> None:
        self._aws, self._google = aws, google
        self._stand_ins: list[str] = []

    def create(self, resource: Declared) -> Outputs:
        """Create a resource, or invent what the cloud would answer where no server here has its like."""
        for creator in (self._aws, self._google):
            if creator.handles(resource):
                return creator.create(resource)
        self._stand_ins.append(f"{resource.type} {resource.name}")
        return placeholder(resource)

    def finish(self, made: dict[str, Made]) -> Deployment:
        """Say what the runtime needs to know, once the whole program has run.

        Raises:
            SettingsError: a mapping asks for what the local runtime does not do.
        """
        for declared in self._aws.mappings:
            mapping(declared)
        return Deployment(
            region=self._aws.region,
            account=self._aws.account,
            functions=self._aws.functions,
            mappings=self._aws.mappings,
            aliases=self._aws.aliases,
            groups=self._aws.groups,
            outputs={},
            schedules=schedules(self._aws.rules, self._aws.targets, self._aws.permissions),
            stand_ins=self._stand_ins,
            retention_hours=self._aws.retention_hours,
            invocations=self._aws.invocations,
            domains=self._aws.domains,
            firehoses=self._aws.lake.firehoses,
            lake_tables=self._aws.lake.tables,
            made=made,
        )
