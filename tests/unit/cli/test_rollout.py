"""`sluice rollout`: what is begun, joined, followed and told; CodeDeploy and Lambda are played by stubs."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from sluice.cli.outputs import RolloutOutputs, SinkOutputs
from sluice.cli.rolling import BACK, DONE, NOTHING, Rolling
from sluice.cli.rolling_shown import print_parts
from sluice.errors import EnvironmentProblem, UsageError


class Missing(Exception):  # noqa: N818 - the name of AWS's error
    """No such alias."""


@dataclass
class Clouds:
    """One sink's alias, its versions, and deployments that end as they are told to."""

    leads_to: str | None = "1"
    versions: Sequence[str] = ("$LATEST", "1", "2")
    active: list[str] = field(default_factory=list)
    ends: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))
    created: list[dict[str, Any]] = field(default_factory=list)
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(ResourceNotFoundException=Missing))
    is_local: bool = True
    where: str = "stack prod"

    @property
    def functions(self) -> Any:
        return self

    @property
    def deploys(self) -> Any:
        return self

    @property
    def outputs(self) -> Any:
        sinks = {"bigquery": SinkOutputs(function="p-bigquery-sink", alias="live")}
        rollout = RolloutOutputs(application="p", groups={"bigquery": "bigquery"})
        return SimpleNamespace(sinks=sinks, rollout=rollout)

    def get_alias(self, **_: str) -> dict[str, Any]:
        if self.leads_to is None:
            raise Missing
        return {"FunctionVersion": self.leads_to}

    def get_paginator(self, _: str) -> Any:
        page = {"Versions": [{"Version": version} for version in self.versions]}
        return SimpleNamespace(paginate=lambda **_: [page])

    def list_deployments(self, **_: Any) -> dict[str, Any]:
        return {"deployments": self.active}

    def create_deployment(self, **given: Any) -> dict[str, str]:
        self.created.append(given)
        return {"deploymentId": f"d-{len(self.created)}"}

    def get_deployment(self, **_: str) -> dict[str, Any]:
        found = next(self.ends)
        self.leads_to = found.pop("leads_to", self.leads_to)
        self.active = [] if found["status"] in {"Succeeded", "Stopped"} else self.active
        return {"deploymentInfo": found}


def rolled(clouds: Clouds) -> Rolling:
    target: Any = clouds
    found = Rolling.of(target, ())
    found.run(lambda _: None, look_seconds=0)
    return found


def test_what_runs_the_newest_version_is_left_alone() -> None:
    clouds = Clouds(leads_to="2")
    (part,) = rolled(clouds).parts
    assert (part.state, clouds.created) == (NOTHING, [])


def test_the_newest_version_is_shifted_to_and_that_is_told() -> None:
    clouds = Clouds(
        versions=("$LATEST", "9", "10"),
        leads_to="9",
        ends=iter([{"status": "InProgress"}, {"status": "Succeeded", "leads_to": "10"}]),
    )
    (part,) = rolled(clouds).parts
    assert (part.state, part.before, part.after, part.deployment) == (DONE, "9", "10", "d-1")
    (asked,) = clouds.created
    assert (asked["applicationName"], asked["deploymentGroupName"]) == ("p", "bigquery")
    content = json.loads(asked["revision"]["appSpecContent"]["content"])
    assert content["Resources"][0]["bigquery"]["Properties"] == {
        "Name": "p-bigquery-sink",
        "Alias": "live",
        "CurrentVersion": "9",
        "TargetVersion": "10",
    }


def test_one_that_was_shifted_back_says_why_and_what_to_do() -> None:
    error = {"code": "ALARM_ACTIVE", "message": "Activated alarms: failing"}
    clouds = Clouds(ends=iter([{"status": "Stopped", "errorInformation": error}]))
    (part,) = rolled(clouds).parts
    assert (part.state, part.failed) == (BACK, True)
    out = io.StringIO()
    print_parts(Console(file=out, width=80, markup=False), [part], env="prod")
    said = " ".join(out.getvalue().split())
    assert "bigquery runs version 1 again: Activated alarms: failing;" in said
    assert "`sluice alarms --env prod`, mend the code, deploy it, and run `sluice rollout --env prod`" in said


def test_one_under_way_is_joined_and_one_for_an_older_version_followed_by_the_newest() -> None:
    ends = [{"status": "Succeeded", "leads_to": "2"}, {"status": "Succeeded", "leads_to": "3"}]
    clouds = Clouds(versions=("1", "2", "3"), active=["d-0"], ends=iter(ends))
    (part,) = rolled(clouds).parts
    assert (part.state, part.before, part.after) == (DONE, "2", "3")
    assert len(clouds.created) == 1


def test_what_cannot_be_rolled_out_is_said_in_one_line() -> None:
    target: Any = Clouds()
    with pytest.raises(UsageError, match=r"bigqery: .* at stack prod; did you mean bigquery\?"):
        Rolling.of(target, ["bigqery"])
    nowhere: Any = Clouds(leads_to=None)
    with pytest.raises(EnvironmentProblem, match="p-bigquery-sink has no alias 'live' at stack prod"):
        Rolling.of(nowhere, ())
