"""Versions, aliases and their shifting in the local cloud: in steps, and back when an alarm rings."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sluice.local.code_deploy import CodeDeploy, RefusedError, steps
from sluice.local.runtime import Runtime
from sluice.local.runtime_worker import Function
from sluice.local.versions import LATEST, Alias, Versions

ALIAS = {"functionName": "sink", "name": "live", "functionVersion": "1"}
GROUP = {
    "appName": "app",
    "deploymentGroupName": "sink",
    "deploymentConfigName": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    "alarmConfiguration": {"alarms": ["failing", "late"]},
}
ASKED = {"applicationName": "app", "deploymentGroupName": "sink"}


def revision(before: str = "1", after: str = "2", alias: str = "live") -> dict[str, Any]:
    properties = {"Name": "sink", "Alias": alias, "CurrentVersion": before, "TargetVersion": after}
    resources = [{"sink": {"Type": "AWS::Lambda::Function", "Properties": properties}}]
    content = json.dumps({"version": 0.0, "Resources": resources})
    return {**ASKED, "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}}


@pytest.fixture
def versions() -> Versions:
    found = Versions()
    found.publish("sink", "1")
    found.declare([ALIAS])
    found.publish("sink", "2")
    return found


def deploys(versions: Versions, ringing: Callable[[Sequence[str]], Sequence[str]]) -> CodeDeploy:
    found = CodeDeploy(versions, ringing, minute_seconds=0.02)
    found.declare([ALIAS], [GROUP])
    return found


def ended(deploy: CodeDeploy, identity: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while "completeTime" not in (found := deploy.get({"deploymentId": identity})):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_an_alias_deals_invocations_out_by_its_weight(versions: Versions) -> None:
    chances = iter([0.05, 0.5, 0.099, 0.1])
    dealt = Versions(lambda: next(chances))
    for version in ("1", "2"):
        dealt.publish("sink", version)
    dealt.declare([ALIAS])
    assert dealt.chosen("sink", "live") == "1"
    dealt.shift("sink", "live", Alias("1", "2", 0.1))
    assert [dealt.chosen("sink", "live") for _ in range(4)] == ["2", "1", "2", "1"]
    assert (dealt.chosen("sink"), dealt.chosen("sink", "1"), dealt.chosen("sink", "dead")) == ("2", "1", None)
    assert versions.used("sink") == {"1", "2"}


def test_what_is_deployed_anew_leaves_an_alias_where_it_is(versions: Versions) -> None:
    versions.declare([{**ALIAS, "functionVersion": "2"}])
    assert versions.alias("sink", "live") == Alias("1")
    versions.declare([])
    assert versions.alias("sink", "live") is None
    versions.publish("sink", LATEST)
    assert (versions.listed("sink"), versions.chosen("sink")) == ([], LATEST)


def test_quiet_alarms_let_all_be_shifted_step_by_step(versions: Versions) -> None:
    seen: list[Alias | None] = []

    def quiet(alarms: Sequence[str]) -> Sequence[str]:
        assert alarms == ["failing", "late"]
        seen.append(versions.alias("sink", "live"))
        return []

    deploy = deploys(versions, quiet)
    found = ended(deploy, deploy.create(revision()))
    assert found["status"] == "Succeeded"
    assert list(dict.fromkeys(seen)) == [Alias("1"), Alias("1", "2", 0.1)]
    assert versions.alias("sink", "live") == Alias("2")


def test_an_alarm_that_rings_shifts_everything_back(versions: Versions) -> None:
    def ringing(_: Sequence[str]) -> Sequence[str]:
        shifted = versions.alias("sink", "live")
        return ["failing"] if shifted is not None and shifted.other else []

    deploy = deploys(versions, ringing)
    identity = deploy.create(revision())
    found = ended(deploy, identity)
    assert found["status"] == "Stopped"
    assert found["errorInformation"]["code"] == "ALARM_ACTIVE"
    assert "Activated alarms: failing" in found["errorInformation"]["message"]
    back = deploy.get({"deploymentId": found["rollbackInfo"]["rollbackDeploymentId"]})
    assert (back["creator"], back["status"]) == ("codeDeployRollback", "Succeeded")
    assert versions.alias("sink", "live") == Alias("1")
    assert deploy.listed(ASKED) == [back["deploymentId"], identity]


def test_an_alarm_that_rings_already_lets_nothing_be_shifted(versions: Versions) -> None:
    deploy = deploys(versions, lambda _: ["late"])
    assert ended(deploy, deploy.create(revision()))["status"] == "Stopped"
    assert versions.alias("sink", "live") == Alias("1")


def test_alarms_that_cannot_be_asked_let_nothing_be_shifted(versions: Versions) -> None:
    def away(_: Sequence[str]) -> Sequence[str]:
        raise ConnectionError("nobody there")

    deploy = deploys(versions, away)
    found = ended(deploy, deploy.create(revision()))
    assert (found["status"], found["errorInformation"]["code"]) == ("Stopped", "INTERNAL_ERROR")
    assert versions.alias("sink", "live") == Alias("1")


def test_a_deployment_that_is_stopped_goes_back(versions: Versions) -> None:
    slow = CodeDeploy(versions, lambda _: [])
    slow.declare([ALIAS], [GROUP])
    identity = slow.create(revision())
    with pytest.raises(RefusedError, match="already has an active deployment"):
        slow.create(revision())
    slow.stop({"deploymentId": identity})
    assert ended(slow, identity)["errorInformation"]["code"] == "MANUAL_STOP"
    assert versions.alias("sink", "live") == Alias("1")


def test_what_there_is_not_is_refused(versions: Versions) -> None:
    deploy = deploys(versions, lambda _: [])
    with pytest.raises(RefusedError, match="No deployment group is named other in app"):
        deploy.create({**revision(), "deploymentGroupName": "other"})
    with pytest.raises(RefusedError, match="cannot be read"):
        deploy.create(ASKED)
    with pytest.raises(RefusedError, match="could not be found"):
        deploy.get({"deploymentId": "d-1"})
    for wrong in (revision(before="2"), revision(after="3"), revision(alias="dead")):
        assert ended(deploy, deploy.create(wrong))["status"] == "Failed"
    assert versions.alias("sink", "live") == Alias("1")


def test_the_services_own_steps_are_known_and_no_others() -> None:
    assert list(steps("CodeDeployDefault.LambdaCanary10Percent30Minutes")) == [(0.1, 30)]
    linear = list(steps("CodeDeployDefault.LambdaLinear10PercentEvery1Minute"))
    assert linear == [(share / 10, 1) for share in range(1, 10)]
    assert list(steps("CodeDeployDefault.LambdaAllAtOnce")) == []
    with pytest.raises(RefusedError, match="No deployment config"):
        list(steps("mine"))


CODE = "import os\ndef handler(event, context):\n    return os.environ['SAID']\n"


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    (tmp_path / "handler.py").write_text(CODE)
    found = Runtime([version(tmp_path, "1")])
    yield found
    found.close()


def version(path: Path, number: str) -> Function:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:sink"
    return Function("sink", arn, path, "handler.handler", 30, 256, {"SAID": f"v{number}"}, version=number)


def test_two_versions_work_side_by_side_and_each_says_which_it_is(runtime: Runtime, tmp_path: Path) -> None:
    runtime.versions.declare([ALIAS])
    runtime.replace(version(tmp_path, "2"))
    assert runtime.functions == ["sink"]
    assert runtime.invoke("sink:live", b"{}").payload == b'"v1"'
    assert runtime.invoke("sink", b"{}").payload == b'"v2"'
    runtime.versions.shift("sink", "live", Alias("1", "2", 0.5))
    dealt = Counter(runtime.invoke("sink:live", b"{}").version for _ in range(60))
    assert set(dealt) == {"1", "2"}
    runtime.versions.shift("sink", "live", Alias("2"))
    assert runtime.invoke("sink:live", b"{}").version == "2"
    runtime.warm()
    assert len(runtime.worker_pids()) == 1, "nothing leads to the first version any more"
