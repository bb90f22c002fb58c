"""Alarms: each watches one thing, one of several that have a cause in common rings, and all show at a glance.

See infra/alarm_kinds.py for what is asked and why, docs/alarms.md for what it costs, and docs/runbooks/ for
what to do when one rings.
"""

from typing import Any

import pulumi

from infra.alarm_groups import groups
from infra.alarm_kinds import GUARDING
from infra.alarms_watched import Watched
from infra.dashboard import dashboard
from infra.environment import Environment
from infra.topic import AlarmTopic


class Alarms(pulumi.ComponentResource):
    """Every alarm of an environment, the topic that they ring at, and the dashboard."""

    def __init__(self, name: str, env: Environment, *, watched: Watched) -> None:
        super().__init__("sluice:infra:Alarms", name, None, env.component)
        topic = AlarmTopic(name, env, self)
        alarms = watched.alarms()
        together = groups(alarms)
        quiet = {alarm.slug for group in together for alarm in group.members}
        self._declared = [
            (
                alarm,
                alarm.declare(
                    f"{name}-{alarm.slug}",
                    env,
                    self,
                    actions=[] if alarm.slug in quiet else [topic.arn],
                ),
            )
            for alarm in alarms
        ]
        there = {alarm.slug: declared for alarm, declared in self._declared}
        for group in together:
            group.declare(
                f"{name}-{group.slug}",
                env,
                self,
                actions=[topic.arn],
                after=[there[alarm.slug] for alarm in group.members],
            )
        board = None
        if env.settings.alarms.dashboard:
            board = dashboard(name, env, self, watched=watched, alarms=alarms, together=together)
        self.outputs: dict[str, pulumi.Input[Any]] = {
            "topic": topic.arn,
            "dashboard": board,
            "runbooks": env.settings.alarms.runbooks,
        }
        self.register_outputs(self.outputs)

    def guards(self, sink: str) -> list[pulumi.Input[str]]:
        """Name the alarms that a new version of a sink's code may set off, once they are there."""
        return [
            declared.name
            for alarm, declared in self._declared
            if alarm.sink == sink and alarm.subject in {sink, ""} and alarm.kind.name in GUARDING
        ]
