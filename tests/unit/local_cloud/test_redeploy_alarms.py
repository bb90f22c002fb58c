"""Alarms over what runs: they change in place, and go when they are no longer declared."""

from typing import Any

import msgspec

from sluice.local.deploy_again import Update
from sluice.local.deploy_result import Made
from sluice.local.deploy_watch import COMPOSITE_ALARM, METRIC_ALARM, WatchCreator
from tests.unit.local_cloud.test_redeploy import BEFORE, StubAws, StubGoogle, declared

OLD = {"a": f"x${METRIC_ALARM}::a", "b": f"x${METRIC_ALARM}::b", "c": f"x${COMPOSITE_ALARM}::c"}


class StubCloudWatch:
    def __init__(self) -> None:
        self.deleted: list[list[str]] = []

    def delete_alarms(self, AlarmNames: list[str]) -> None:  # noqa: N803 - boto3's name
        self.deleted.append(AlarmNames)


def test_an_alarm_changes_in_place_and_goes_with_its_declaration_after_the_rules_that_name_it() -> None:
    made = {urn: Made(name, {"name": name, "threshold": 1}, {}) for name, urn in OLD.items()}
    before = msgspec.structs.replace(BEFORE, made={**BEFORE.made, **made})
    aws, cloudwatch = StubAws(), StubCloudWatch()
    aws.watch = WatchCreator(lambda _: cloudwatch, lambda: "eu-west-1")
    kept = msgspec.structs.replace(made[OLD["a"]], inputs={"name": "a", "threshold": 2})
    update = Update(before, aws, StubGoogle({}))
    resource: Any = declared(METRIC_ALARM, OLD["a"], name="a", threshold=2)
    assert update.create(resource) == ("a", {})
    after = update.finish({OLD["a"]: kept})
    assert after is not None
    assert aws.created == [OLD["a"]]
    assert cloudwatch.deleted == [["c"], ["b"]]
    assert after.made == {**BEFORE.made, OLD["a"]: kept}


def test_an_alarm_that_was_renamed_in_the_program_is_not_deleted_under_its_own_name() -> None:
    made = {OLD["a"]: Made("a", {"name": "a"}, {})}
    before = msgspec.structs.replace(BEFORE, made={**BEFORE.made, **made})
    aws, cloudwatch = StubAws(), StubCloudWatch()
    aws.watch = WatchCreator(lambda _: cloudwatch, lambda: "eu-west-1")
    renamed = f"x${METRIC_ALARM}::other"
    after = Update(before, aws, StubGoogle({})).finish({renamed: made[OLD["a"]]})
    assert after is not None
    assert (cloudwatch.deleted, set(after.made) - set(BEFORE.made)) == ([], {renamed})
