"""Alarms that ring once: where several have a cause in common, a composite of them rings in their place."""

from collections.abc import Iterable
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.alarm import Alarm, described
from infra.alarm_kind import IN_TROUBLE, Composite
from infra.alarm_kinds import COMPOSITES
from infra.environment import Environment
from infra.names import dashed


@dataclass(frozen=True, kw_only=True)
class Group:
    """A composite of alarms, of one sink if it has one."""

    composite: Composite
    sink: str | None
    members: tuple[Alarm, ...]

    @property
    def slug(self) -> str:
        """What it is called beside others of its environment."""
        return dashed(f"{self.sink}-{self.composite.name}" if self.sink else self.composite.name)

    def declare(
        self,
        name: str,
        env: Environment,
        parent: pulumi.Resource,
        *,
        actions: list[pulumi.Input[str]],
        after: list[pulumi.Resource],
    ) -> aws.cloudwatch.CompositeAlarm:
        """Declare it, after its members: CloudWatch refuses a rule that names what is not there."""
        names = [env.names.thing(alarm.slug) for alarm in self.members]
        about = f"the sink {self.sink}" if self.sink else f"the environment {env.names.prefix}"
        return aws.cloudwatch.CompositeAlarm(
            name,
            alarm_name=env.names.thing(self.slug),
            alarm_description=described(about, self.composite, env.settings.alarms.runbooks),
            alarm_rule=" OR ".join(f'ALARM("{each}")' for each in names),
            alarm_actions=actions,
            ok_actions=actions,
            opts=pulumi.ResourceOptions(parent=parent, depends_on=after),
        )


def groups(alarms: Iterable[Alarm]) -> list[Group]:
    """Group the alarms that ring within a composite; what belongs to no sink rings alone."""
    found: dict[tuple[str, str | None], list[Alarm]] = {}
    for alarm in alarms:
        kind = alarm.kind.within
        if kind is not None and (kind != IN_TROUBLE or alarm.sink is not None):
            found.setdefault((kind, alarm.sink if kind == IN_TROUBLE else None), []).append(alarm)
    return [
        Group(composite=COMPOSITES[kind], sink=sink, members=tuple(members))
        for (kind, sink), members in found.items()
    ]
