"""CodeDeploy for Lambda: shifts an alias in steps, and back as soon as an alarm of its group rings.

As documented (CodeDeploy user guide, deployments on a Lambda compute platform, and monitoring deployments
with alarms; API reference): a group has one deployment at a time; alarms are asked while it goes on; one that
rings stops it (ALARM_ACTIVE), and a deployment of its own shifts everything back.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sluice.local.versions import Alias, Versions

CREATED, GOING_ON, DONE, FAILED, STOPPED = "Created", "InProgress", "Succeeded", "Failed", "Stopped"
OVER = frozenset({DONE, FAILED, STOPPED})
ASKED_EACH_MINUTE = 12
"""How often alarms are asked; the service does not say."""

Ringing = Callable[[Sequence[str]], Sequence[str]]
"""Says which of some alarms ring."""


class RefusedError(Exception):
    """A call that CodeDeploy would refuse: the error's name, and what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(kw_only=True)
class Deployed:
    """One deployment, as GetDeployment tells of it."""

    group: Mapping[str, Any]
    function: str
    alias: str
    before: str
    after: str
    creator: str = "user"
    id: str = field(default_factory=lambda: f"d-{uuid4().hex[:9].upper()}")
    status: str = CREATED
    created: float = field(default_factory=time.time)
    completed: float | None = None
    error: Mapping[str, str] | None = None
    rolled_back_by: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def document(self) -> dict[str, Any]:
        """Return it in the words of the API."""
        found: dict[str, Any] = {
            "applicationName": self.group["appName"],
            "deploymentGroupName": self.group["deploymentGroupName"],
            "deploymentConfigName": self.group["deploymentConfigName"],
            "deploymentId": self.id,
            "status": self.status,
            "creator": self.creator,
            "computePlatform": "Lambda",
            "createTime": self.created,
        }
        if self.completed is not None:
            found["completeTime"] = self.completed
        if self.error is not None:
            found["errorInformation"] = dict(self.error)
        if self.rolled_back_by is not None:
            found["rollbackInfo"] = {"rollbackDeploymentId": self.rolled_back_by}
        return found


def steps(config: str) -> Iterator[tuple[float, float]]:
    """Yield the share of the newer version, and for how many minutes, before all is shifted.

    Raises:
        RefusedError: it is none of those that the service has ready-made.
    """
    canary = re.fullmatch(r"CodeDeployDefault\.LambdaCanary(\d+)Percent(\d+)Minutes", config)
    linear = re.fullmatch(r"CodeDeployDefault\.LambdaLinear(\d+)PercentEvery(\d+)Minutes?", config)
    if canary:
        yield int(canary[1]) / 100, int(canary[2])
    elif linear:
        share, minutes = int(linear[1]), int(linear[2])
        for percent in range(share, 100, share):
            yield percent / 100, minutes
    elif config != "CodeDeployDefault.LambdaAllAtOnce":
        raise RefusedError("DeploymentConfigDoesNotExistException", f"No deployment config is named {config}")


class CodeDeploy:
    """The deployments of one local cloud. Safe for several threads."""

    def __init__(self, versions: Versions, ringing: Ringing, *, minute_seconds: float = 60.0) -> None:
        self.versions, self._ringing, self._minute = versions, ringing, minute_seconds
        self._groups: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._deployments: dict[str, Deployed] = {}
        self._lock = threading.Lock()

    def declare(self, aliases: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]]) -> None:
        """Know the aliases and groups of a deployment of the program."""
        self.versions.declare(aliases)
        self._groups = {(each["appName"], each["deploymentGroupName"]): each for each in groups}

    def create(self, asked: Mapping[str, Any]) -> str:
        """CreateDeployment: begin, and return the deployment's id."""
        group = self._group(asked)
        list(steps(group["deploymentConfigName"]))
        deployed = _deployed(group, asked)
        with self._lock:
            if any(each.status not in OVER for each in self._of(group)):
                raise RefusedError(
                    "DeploymentLimitExceededException",
                    f"The deployment group {group['deploymentGroupName']} already has an active deployment",
                )
            self._deployments[deployed.id] = deployed
        threading.Thread(target=self._run, args=(deployed,), name=deployed.id, daemon=True).start()
        return deployed.id

    def get(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """GetDeployment."""
        return self._find(asked).document()

    def listed(self, asked: Mapping[str, Any]) -> list[str]:
        """ListDeployments of a group, the newest first, by status if asked."""
        group, statuses = self._group(asked), asked.get("includeOnlyStatuses")
        with self._lock:
            found = [each for each in self._of(group) if not statuses or each.status in statuses]
        return [each.id for each in reversed(found)]

    def stop(self, asked: Mapping[str, Any]) -> None:
        """StopDeployment: what was shifted goes back."""
        self._find(asked).stop.set()

    def _of(self, group: Mapping[str, Any]) -> list[Deployed]:
        name = (group["appName"], group["deploymentGroupName"])
        mine = (each for each in self._deployments.values())
        return [each for each in mine if (each.group["appName"], each.group["deploymentGroupName"]) == name]

    def _group(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name = (str(asked.get("applicationName")), str(asked.get("deploymentGroupName")))
        if name not in self._groups:
            raise RefusedError(
                "DeploymentGroupDoesNotExistException", f"No deployment group is named {name[1]} in {name[0]}"
            )
        return self._groups[name]

    def _find(self, asked: Mapping[str, Any]) -> Deployed:
        with self._lock:
            found = self._deployments.get(str(asked.get("deploymentId")))
        if found is None:
            raise RefusedError("DeploymentDoesNotExistException", "The deployment could not be found")
        return found

    def _run(self, deployed: Deployed) -> None:
        function, name = deployed.function, deployed.alias
        now = self.versions.alias(function, name)
        if (
            now is None
            or now.version != deployed.before
            or deployed.after not in self.versions.listed(function)
        ):
            self._end(
                deployed, FAILED, code="REVISION_MISSING", message="The alias or version is another one"
            )
            return
        deployed.status = GOING_ON
        wrong = self._wrong(deployed, 0)
        for share, minutes in steps(deployed.group["deploymentConfigName"]):
            if wrong is None:
                self.versions.shift(function, name, Alias(deployed.before, deployed.after, share))
                wrong = self._wrong(deployed, minutes)
        if wrong is None:
            self.versions.shift(function, name, Alias(deployed.after))
            self._end(deployed, DONE)
            return
        self.versions.shift(function, name, Alias(deployed.before))
        back = Deployed(
            group=deployed.group,
            function=function,
            alias=name,
            before=deployed.after,
            after=deployed.before,
            creator="codeDeployRollback",
            status=DONE,
        )
        with self._lock:
            self._deployments[back.id] = back
        deployed.rolled_back_by = back.id
        self._end(deployed, STOPPED, **wrong)

    def _wrong(self, deployed: Deployed, minutes: float) -> dict[str, str] | None:
        """Wait for so long; what stopped the deployment meanwhile, or None."""
        alarms = (deployed.group.get("alarmConfiguration") or {}).get("alarms") or []
        deadline = time.monotonic() + minutes * self._minute
        while True:
            try:
                ringing = self._ringing(alarms) if alarms else ()
            except Exception as error:  # noqa: BLE001 - whatever it is, an alarm that cannot be asked counts as one that rings
                return {"code": "INTERNAL_ERROR", "message": f"The alarms could not be asked: {error}"}
            if ringing:
                words = "One or more alarms have been activated, and the affected deployments were stopped."
                return {"code": "ALARM_ACTIVE", "message": f"{words} Activated alarms: {', '.join(ringing)}"}
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if deployed.stop.wait(min(left, self._minute / ASKED_EACH_MINUTE)):
                return {"code": "MANUAL_STOP", "message": "The deployment was stopped"}

    def _end(self, deployed: Deployed, status: str, **error: str) -> None:
        deployed.error = error or None
        deployed.completed = time.time()
        deployed.status = status


def _deployed(group: Mapping[str, Any], asked: Mapping[str, Any]) -> Deployed:
    """Begin with what the revision says is to be shifted."""
    try:
        content = asked["revision"]["appSpecContent"]["content"]
        (resource,) = (each for named in json.loads(content)["Resources"] for each in named.values())
        said = resource["Properties"]
        return Deployed(
            group=group,
            function=said["Name"],
            alias=said["Alias"],
            before=str(said["CurrentVersion"]),
            after=str(said["TargetVersion"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError("InvalidRevisionException", f"The revision cannot be read: {error}") from error
