"""New code in steps: CodeDeploy shifts an alias to the newest version, and back when an alarm rings.

`pulumi up` publishes versions and leaves each alias where it is; `sluice rollout` has CodeDeploy shift it.
Two versions then work side by side on one stream, one ledger and one table, so what they store must be
readable by both (docs/upgrades.md).
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

import pulumi
import pulumi_aws as aws

from infra.environment import Environment
from infra.names import dashed
from infra.policy import allow, document, everywhere, trust
from infra.role import role
from infra.settings_rollout import CANARY, PREDEFINED, WHOLE
from infra.sink_function import SinkFunction
from sluice.errors import SettingsError
from sluice.pipeline import Pipeline

MOST_ALARMS: Final = 10
"""Of a deployment group (CodeDeploy API, AlarmConfiguration)."""

Guards = Callable[[str], Sequence[pulumi.Input[str]]]
"""Names the alarms that judge the new code of a sink."""


class Rollout(pulumi.ComponentResource):
    """An application of CodeDeploy's, and a deployment group for each sink whose code goes out in steps."""

    def __init__(
        self, name: str, env: Environment, *, sinks: Mapping[str, SinkFunction], guards: Guards
    ) -> None:
        super().__init__("sluice:infra:Rollout", name, None, env.component)
        self._resource, self._env = name, env
        self._role = role(
            name,
            env,
            self,
            called=env.names.thing("rollout"),
            duty="rollout of new code",
            trusts=trust(
                "codedeploy.amazonaws.com",
                # Groups of this application alone (CodeDeploy user guide, confused deputy, read 2026-11).
                {
                    "StringEquals": {"aws:SourceAccount": env.settings.aws_account_id},
                    "ArnLike": {
                        "aws:SourceArn": env.arn("codedeploy", f"deploymentgroup:{env.names.prefix}/*")
                    },
                },
            ),
        )
        self._policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name=env.names.thing("rollout"),
            role=self._role.name,
            policy=document(self._statements(sinks)),
            opts=env.within(self),
        )
        self._application = aws.codedeploy.Application(
            f"{name}-application",
            name=env.names.prefix,
            compute_platform="Lambda",
            opts=env.within(self),
        )
        groups = {sink: self._group(sink, list(guards(sink))[:MOST_ALARMS]) for sink in sinks}
        self.outputs: dict[str, pulumi.Input[Any]] = {
            "application": self._application.name,
            "steps": env.settings.rollout.steps,
            "groups": groups,
        }
        self.register_outputs(self.outputs)

    def _group(self, sink: str, alarms: Sequence[pulumi.Input[str]]) -> pulumi.Output[str]:
        group = aws.codedeploy.DeploymentGroup(
            f"{self._resource}-{dashed(sink)}",
            app_name=self._application.name,
            deployment_group_name=sink,
            service_role_arn=self._role.arn,
            deployment_config_name=f"{PREDEFINED}{self._env.settings.rollout.steps}",
            deployment_style={"deployment_option": "WITH_TRAFFIC_CONTROL", "deployment_type": "BLUE_GREEN"},
            auto_rollback_configuration={
                "enabled": True,
                "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
            },
            # An alarm that cannot be asked counts as one that rings.
            alarm_configuration={
                "enabled": True,
                "alarms": list(alarms),
                "ignore_poll_alarm_failure": False,
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._policy]),
        )
        return group.deployment_group_name

    @staticmethod
    def _statements(sinks: Mapping[str, SinkFunction]) -> list[dict[str, Any]]:
        """Allow what AWS's own policy for Lambda does for a deployment without hooks, for these alone.

        Alarms are asked for as all of the account and region, whichever of them are named in the question
        (mattclay/aws-terminator#63, aws-samples/amazon-cloudwatch-auto-alarms#1 on GitHub, read 2026-11):
        with a right to some of them each deployment would be stopped, as one whose alarms cannot be asked is.
        """
        functions = [sink.function.arn for sink in sinks.values()]
        versions = [pulumi.Output.concat(arn, ":*") for arn in functions]
        return [
            allow("ShiftAliases", ["lambda:GetAlias", "lambda:UpdateAlias"], *functions),
            allow("KnowWhatIsProvisioned", ["lambda:GetProvisionedConcurrencyConfig"], *versions),
            everywhere(
                "HearAlarms", ["cloudwatch:DescribeAlarms"], because="alarms are asked for as all there are"
            ),
        ]


def check_rollout(env: Environment, pipeline: Pipeline) -> None:
    """Compare the settings with what the pipeline has, before anything is declared.

    Raises:
        SettingsError: a sink that there is not, or whose code changes all at once; nothing that would call a
            bad version back.
    """
    settings, project = env.settings.rollout, pulumi.get_project()
    where = f"change it in Pulumi.{env.stack}.yaml"
    if settings.strategy != CANARY:
        if settings.sinks:
            raise SettingsError(
                f"{project}:rollout.sinks is {', '.join(settings.sinks)}: accepted is nothing unless"
                f" rollout.strategy is {CANARY}; {where}"
            )
        return
    if not env.settings.alarms.enabled:
        raise SettingsError(
            f"{project}:rollout.strategy is {CANARY}: accepted with alarms.enabled alone: nothing else"
            f" calls a bad version back; {where}"
        )
    search = ["search"] if env.settings.search_sink.mode != "none" else []
    there = ["bigquery", *search, *(sink for route in pipeline.routes for sink in route.sinks)]
    for sink in settings.sinks:
        if sink in WHOLE:
            raise SettingsError(
                f"{project}:rollout.sinks names {sink}, whose code changes all at once: {WHOLE[sink]};"
                f" {where}"
            )
        if sink not in there:
            near = get_close_matches(sink, there, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(there)};"
            raise SettingsError(
                f"{project}:rollout.sinks names {sink}, which no event-source mapping feeds: {hint} {where}"
            )
