"""Settings of how a function's new code takes over from the one before: see infra/settings.py."""

from typing import Annotated, Final, Literal, get_args

from infra.limits import text
from infra.settings_functions import Section

Steps = Literal[
    "Canary10Percent5Minutes",
    "Canary10Percent10Minutes",
    "Canary10Percent15Minutes",
    "Canary10Percent30Minutes",
    "Linear10PercentEvery1Minute",
    "Linear10PercentEvery2Minutes",
    "Linear10PercentEvery3Minutes",
    "Linear10PercentEvery10Minutes",
]
"""What CodeDeploy has ready-made for Lambda, each called CodeDeployDefault.Lambda and this (CodeDeploy user
guide, working with deployment configurations)."""

CANARY: Final = "canary"
PREDEFINED: Final = "CodeDeployDefault.Lambda"
ALIAS: Final = "live"
"""What a function's mapping and redrives invoke, if its code is rolled out in steps."""

WHOLE: Final = {
    "windows": "the state of a tumbling window passes from call to call, so from version to version",
}
"""Sinks whose code changes all at once, and why."""

_SINK: Final = text(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)?", "the name of a sink", "docs/upgrades.md")

assert all(each.startswith(("Canary", "Linear")) for each in get_args(Steps))  # noqa: S101 - what the local CodeDeploy reads


class RolloutSettings(Section):
    """All at once, or a share of the batches first, with the way back while the sink's alarms are heard."""

    strategy: Literal["all-at-once", "canary"] = "all-at-once"
    steps: Steps = "Canary10Percent5Minutes"
    sinks: tuple[Annotated[str, _SINK], ...] = ()

    def takes(self, sink: str) -> bool:
        """Whether a sink's new code is rolled out in steps."""
        return self.strategy == CANARY and sink not in WHOLE and (not self.sinks or sink in self.sinks)
