"""Rolling new code out: which sinks run an older version than the newest, and their deployments."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

from sluice.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from sluice.cli.outputs import RolloutOutputs, SinkOutputs
    from sluice.cli.target import Target

LOOK_SECONDS = {True: 0.2, False: 5.0}
"""How often a local cloud is asked, and CodeDeploy."""

NOTHING, SHIFTING, DONE, BACK = "up to date", "shifting", "rolled out", "rolled back"
_OVER = frozenset({"Succeeded", "Failed", "Stopped"})
_ACTIVE = ("Created", "Queued", "InProgress", "Baking", "Ready")


@dataclass(slots=True, kw_only=True)
class Part:
    """One sink's code: the version that its alias runs, the newest one, and how far that is.

    `share` (0 to 1) of the batches go to the newest version; `why` says what shifted it back.
    """

    sink: str
    function: str
    alias: str
    before: str
    after: str
    state: str = NOTHING
    share: float = 0.0
    deployment: str | None = None
    why: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        return self.state != SHIFTING

    @property
    def failed(self) -> bool:
        """Whether the newest code is not what runs, though it was to be."""
        return self.state == BACK

    def document(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {
            "sink": self.sink,
            "function": self.function,
            "from": self.before,
            "to": self.after,
            "state": self.state,
            "why": self.why or None,
            "deployment": self.deployment,
        }


class Rolling:
    """The rollout of an environment's newest code."""

    def __init__(self, target: "Target", outputs: "RolloutOutputs | None", parts: Sequence[Part]) -> None:
        self._target, self._outputs = target, outputs
        self.parts = list(parts)

    @classmethod
    def of(cls, target: "Target", sinks: Sequence[str]) -> Self:
        """Look which version each sink runs, and which is its newest.

        Raises:
            UsageError: a sink's code is not rolled out in steps.
            EnvironmentProblem: a function has no alias or version: it has to be deployed again.
        """
        outputs = target.outputs.rollout
        there = list(outputs.groups) if outputs else []
        for sink in sinks:
            if sink not in there:
                near = get_close_matches(sink, there, n=1)
                known = f"there are {', '.join(there)}" if there else "no sink's is (rollout.strategy)"
                hint = f"did you mean {near[0]}?" if near else known
                raise UsageError(f"{sink}: its code is not rolled out in steps at {target.where}; {hint}")
        wanted = [name for name in there if not sinks or name in sinks]
        return cls(target, outputs, [_part(target, name, target.outputs.sinks[name]) for name in wanted])

    def run(self, on_progress: Callable[[Part], None], *, look_seconds: float | None = None) -> None:
        """Begin what is to be shifted, and follow it to its end."""
        pause = LOOK_SECONDS[self._target.is_local] if look_seconds is None else look_seconds
        for part in self.parts:
            self._begin(part)
            on_progress(part)
        while under_way := [part for part in self.parts if not part.over]:
            time.sleep(pause)
            for part in under_way:
                self._look(part)
                on_progress(part)

    def _begin(self, part: Part) -> None:
        """Begin a deployment, or join the one that is under way."""
        deploys, named = self._target.deploys, self._named(part)
        active = deploys.list_deployments(**named, includeOnlyStatuses=list(_ACTIVE))["deployments"]
        if active:
            part.deployment, part.state = active[0], SHIFTING
        elif part.before != part.after:
            revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": _revision(part)}}
            words = f"{part.sink}: version {part.before} to {part.after}"
            made = deploys.create_deployment(**named, revision=revision, description=words)
            part.deployment, part.state = made["deploymentId"], SHIFTING

    def _look(self, part: Part) -> None:
        found = self._target.deploys.get_deployment(deploymentId=part.deployment)["deploymentInfo"]
        part.share = _share(self._target, part)
        if found["status"] in _OVER:
            part.state = DONE if found["status"] == "Succeeded" else BACK
            if part.state == DONE and part.share < 1:  # it was one to a version before the newest
                part.before, part.state = _leads_to(self._target, part.function, part.alias), NOTHING
                self._begin(part)
                return
            error = found.get("errorInformation") or {}
            part.why = str(error.get("message") or error.get("code") or "")

    def _named(self, part: Part) -> dict[str, str]:
        assert self._outputs is not None  # noqa: S101 - there are parts of a rollout alone
        group = self._outputs.groups[part.sink]
        return {"applicationName": self._outputs.application, "deploymentGroupName": group}


def _part(target: "Target", name: str, sink: "SinkOutputs") -> Part:
    """Look at one sink's alias and versions."""
    functions, alias = target.functions, sink.alias or ""
    try:
        leads_to = _leads_to(target, sink.function, alias)
    except functions.exceptions.ResourceNotFoundException:
        raise EnvironmentProblem(
            f"{name}: {sink.function} has no alias {alias!r} at {target.where}: deploy the program again"
        ) from None
    pages: Any = functions.get_paginator("list_versions_by_function")
    numbers = [
        int(each["Version"])
        for page in pages.paginate(FunctionName=sink.function)
        for each in page["Versions"]
        if each["Version"].isdecimal()
    ]
    newest = str(max(numbers)) if numbers else leads_to
    return Part(sink=name, function=sink.function, alias=alias, before=leads_to, after=newest)


def _leads_to(target: "Target", function: str, alias: str) -> str:
    return str(target.functions.get_alias(FunctionName=function, Name=alias)["FunctionVersion"])


def _share(target: "Target", part: Part) -> float:
    """Return the share of the batches that the newest version gets now."""
    found: Any = target.functions.get_alias(FunctionName=part.function, Name=part.alias)
    if found["FunctionVersion"] == part.after:
        return 1.0
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return float(weights.get(part.after, 0.0))


def _revision(part: Part) -> str:
    """Write what CodeDeploy is to shift (CodeDeploy user guide, AppSpec file for Lambda deployments)."""
    properties = {
        "Name": part.function,
        "Alias": part.alias,
        "CurrentVersion": part.before,
        "TargetVersion": part.after,
    }
    resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
    return json.dumps({"version": 0.0, "Resources": [{part.sink: resource}]})
