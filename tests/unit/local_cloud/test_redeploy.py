"""A deployment over an earlier one: what is changed in place, what stays, and what is refused beforehand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from sluice.errors import ContractError, SettingsError
from sluice.local.changes import Changes
from sluice.local.declared import Declared
from sluice.local.deploy_again import FUNCTION, MAPPING, TABLE, Update, check_table
from sluice.local.deploy_aws import AwsCreator
from sluice.local.deploy_google import DATASET, GoogleCreator, table_body
from sluice.local.deploy_iam import PROVIDER, ROLE
from sluice.local.deploy_result import INVOCATION, Deployment, Made

POLICY = "aws:iam/rolePolicy:RolePolicy"
STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"
ID = {"name": "id", "type": "STRING", "mode": "REQUIRED"}
NOTE = {"name": "note", "type": "STRING", "mode": "NULLABLE"}
PARTS = {"type": "DAY", "field": "at"}
AT = {"name": "at", "type": "TIMESTAMP", "mode": "REQUIRED"}


class StubAws(AwsCreator):
    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1", None)
        self.created: list[str] = []

    def create(self, resource: Declared) -> tuple[str, dict[str, Any]]:
        self.created.append(resource.name)
        return resource.name, {}


class StubGoogle(GoogleCreator):
    def __init__(self, tables: dict[str, Any]) -> None:
        super().__init__("http://127.0.0.1:1", "http://127.0.0.1:1")
        self.tables = tables
        self.done: list[tuple[str, str]] = []

    def find_table(self, inputs: dict[str, Any]) -> dict[str, Any] | None:
        return cast("dict[str, Any] | None", self.tables.get(inputs["tableId"]))

    def update_table(self, inputs: dict[str, Any]) -> None:
        self.done.append(("updated", inputs["tableId"]))

    def change(self, resource: Declared, names: dict[str, Any]) -> None:
        self.done.append((f"changed {resource.name}", names["name"]))

    def create(self, resource: Declared) -> tuple[str, dict[str, Any]]:
        self.done.append(("created", resource.inputs["tableId"]))
        return "", {}


def declared(kind: str, name: str, /, **inputs: Any) -> Declared:
    return Declared(
        type=kind,
        name=name,
        inputs=inputs,
        urn=name,
    )


def table(name: str, *fields: dict[str, str], **more: Any) -> Declared:
    schema = json.dumps([ID, AT, *fields])
    inputs = {"project": "p", "datasetId": "d", "tableId": name, "schema": schema, "timePartitioning": PARTS}
    return declared(TABLE, name, **inputs | more)


DECLARED = {"eventSourceArn": STREAM, "functionName": "f", "startingPosition": "TRIM_HORIZON"}
BEFORE = Deployment(
    region="eu-west-1",
    functions=[],
    mappings=[{"uuid": "u"}],
    outputs={},
    made={
        "function": Made("f", {"name": "f", "code": {"archive": "/old"}}, {"arn": "arn:f"}),
        "mapping": Made("u", {**DECLARED, "batchSize": 100}, {"uuid": "u"}),
        "policy": Made("p", {"policy": "{}"}, {}),
        "gone": Made("g", {}, {}),
    },
)


def test_nothing_is_touched_before_the_whole_program_was_checked() -> None:
    google, aws = StubGoogle({"old": table_body(table("old").inputs)}), StubAws()
    update = Update(BEFORE, aws, google)
    update.create(table("old", NOTE))
    update.create(table("new"))
    update.create(declared(POLICY, "policy", policy="{...}"))
    assert (google.done, aws.created) == ([], [])
    after = update.finish({})
    assert after is not None
    assert google.done == [("updated", "old"), ("created", "new")]
    assert aws.created == ["policy"]
    assert aws.region == "eu-west-1"
    assert after.made == BEFORE.made


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (DATASET, "accesses", [{"role": "OWNER", "specialGroup": "projectOwners"}]),
        (PROVIDER, "attributeCondition", "assertion.account == '111111111111'"),
        (ROLE, "permissions", ["bigquery.tables.updateData"]),
    ],
)
def test_who_may_write_to_bigquery_changes_in_place(kind: str, name: str, value: Any) -> None:
    before = msgspec.structs.replace(BEFORE, made={"it": Made("i", {"project": "p"}, {"name": "its"})})
    google = StubGoogle({})
    update = Update(before, StubAws(), google)
    update.create(declared(kind, "it", project="p", **{name: value}))
    assert update.finish({}) is not None
    assert google.done == [("changed it", "its")]
    with pytest.raises(SettingsError, match="project of it cannot be changed in place"):
        Update(before, StubAws(), google).create(declared(kind, "it", project="q"))


def test_a_function_gets_its_new_code_and_a_mapping_keeps_its_identity() -> None:
    update = Update(BEFORE, StubAws(), StubGoogle({}))
    code = {"archive": "/new"}
    assert update.create(declared(FUNCTION, "function", name="f", code=code)) == ("f", {"arn": "arn:f"})
    assert update.create(declared(MAPPING, "mapping", **DECLARED, batchSize=100)) == ("u", {"uuid": "u"})
    after = update.finish({})
    assert after is not None
    assert after.functions == [{"name": "f", "code": code, "arn": "arn:f"}]
    assert after.mappings == [{**DECLARED, "batchSize": 100, "uuid": "u"}]


def test_what_was_renamed_is_what_it_was() -> None:
    update = Update(BEFORE, StubAws(), StubGoogle({}))
    renamed = replace(declared(MAPPING, "another", **DECLARED), aliases=("mapping",))
    assert update.create(renamed) == ("u", {"uuid": "u"})


def test_settings_of_a_mapping_change_while_it_keeps_its_checkpoint() -> None:
    update = Update(BEFORE, StubAws(), StubGoogle({}))
    changed = {**DECLARED, "batchSize": 50, "parallelizationFactor": 2, "maximumRetryAttempts": 5}
    assert update.create(declared(MAPPING, "mapping", **changed)) == ("u", {"uuid": "u"})
    after = update.finish({})
    assert after is not None
    assert after.mappings == [{**changed, "uuid": "u"}]


@pytest.mark.parametrize(
    "change",
    [
        {"eventSourceArn": STREAM + "/consumer/x:1"},
        {"startingPosition": "LATEST"},
        {"startingPosition": "AT_TIMESTAMP", "startingPositionTimestamp": "2026-01-31T12:00:00Z"},
    ],
)
def test_a_mapping_that_reads_something_else_is_replaced_and_its_checkpoint_is_lost(
    change: dict[str, Any],
) -> None:
    aws = AwsCreator("http://127.0.0.1:1", None)
    wanted = declared(MAPPING, "mapping", **DECLARED | change)
    assert Update(BEFORE, aws, StubGoogle({})).create(wanted)[0] != "u"
    assert aws.mappings == []  # the first run only finds everything in order
    again = Update(BEFORE, aws, StubGoogle({}), adding=True)
    identity, _ = again.create(wanted)
    after = again.finish({"mapping": Made(identity, wanted.inputs, {"uuid": identity})})
    assert after is not None
    assert after.mappings == [{**wanted.inputs, "uuid": identity}]
    assert identity != "u"
    assert after.made["mapping"].id == identity


def test_what_is_new_is_created_by_a_second_run_once_a_first_found_nothing_wrong() -> None:
    second = declared(MAPPING, "second", eventSourceArn=STREAM, functionName="f", startingPosition="LATEST")
    aws = StubAws()
    first = Update(BEFORE, aws, StubGoogle({}))
    first.create(second)
    first.create(declared(POLICY, "policy", policy="{...}"))
    assert first.finish({}) is None
    assert aws.created == []
    again = Update(BEFORE, aws, StubGoogle({}), adding=True)
    again.create(second)
    assert again.finish({}) is not None
    assert aws.created == ["second"]


def test_a_new_mapping_that_cannot_run_is_refused_before_anything_is_created() -> None:
    wrong = declared(
        MAPPING,
        "second",
        eventSourceArn=STREAM,
        functionName="f",
        startingPosition="LATEST",
        tumblingWindowInSeconds=5,
        parallelizationFactor=2,
    )
    with pytest.raises(SettingsError, match="parallelization factor of 2"):
        Update(BEFORE, StubAws(), StubGoogle({})).create(wrong)


def filtered(pattern: str) -> dict[str, Any]:
    return {**DECLARED, "filterCriteria": {"filters": [{"pattern": pattern}]}}


def test_a_mapping_takes_another_filter_and_is_switched_off_in_place() -> None:
    before = msgspec.structs.replace(
        BEFORE, made={"mapping": Made("u", filtered('{"data": {"a": ["x"]}}'), {"uuid": "u"})}
    )
    update = Update(before, StubAws(), StubGoogle({}))
    changed = {**filtered('{"data": {"a": ["y"]}}'), "enabled": False}
    assert update.create(declared(MAPPING, "mapping", **changed)) == ("u", {"uuid": "u"})
    after = update.finish({})
    assert after is not None
    assert after.mappings == [{**changed, "uuid": "u"}]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (filtered('{"data": {"a": [1]}}'), "compared with the number 1"),
        (filtered('{"partitionKey": ["x"]}'), "data alone"),
        ({**DECLARED, "tumblingWindowInSeconds": 5, "parallelizationFactor": 2}, "factor of 2"),
    ],
)
def test_what_a_mapping_cannot_become_in_place_is_refused(changes: dict[str, Any], said: str) -> None:
    before = msgspec.structs.replace(BEFORE, made={"mapping": Made("u", DECLARED, {"uuid": "u"})})
    with pytest.raises(SettingsError, match=said):
        Update(before, StubAws(), StubGoogle({})).create(declared(MAPPING, "mapping", **changes))


def test_a_mapping_that_is_no_longer_declared_stops_and_its_data_stays() -> None:
    update = Update(BEFORE, StubAws(), StubGoogle({}))
    update.create(declared(FUNCTION, "function", name="f", code={"archive": "/new"}))
    after = update.finish({})
    assert after is not None
    assert after.mappings == []
    assert after.made == BEFORE.made


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (table("t"), "Field note is missing"),
        (table("t", {**NOTE, "type": "INTEGER"}), "changed type from STRING to INT64"),
        (table("t", {**NOTE, "mode": "REPEATED"}), "changed mode"),
        (table("t", NOTE, {**NOTE, "name": "more", "mode": "REQUIRED"}), "Cannot add required fields"),
        (table("t", NOTE, timePartitioning={"type": "HOUR", "field": "at"}), "from DAY of at to HOUR of at"),
        (
            declared(TABLE, "t", project="p", datasetId="d", tableId="t", view={"query": "SELECT 1"}),
            "no view",
        ),
    ],
)
def test_a_table_is_not_made_what_bigquery_cannot_make_of_it(wanted: Declared, said: str) -> None:
    found = table_body(table("t", NOTE).inputs)
    with pytest.raises(ContractError, match=said) as raised:
        check_table(found, table_body(wanted.inputs))
    assert "\n" not in str(raised.value)
    check_table(found, table_body(table("t", {**NOTE, "name": "a"}, NOTE).inputs))


def test_a_change_is_what_a_file_holds_and_is_told_once(tmp_path: Path) -> None:
    pipeline, settings = tmp_path / "pipeline.py", tmp_path / "Pulumi.dev.yaml"
    pipeline.write_text("one")
    changes = Changes([pipeline, settings])
    pipeline.write_text("one")
    assert changes.look() == []
    pipeline.write_text("two")
    settings.write_text("new")
    assert changes.look() == [pipeline, settings]
    assert changes.look() == []
    pipeline.unlink()
    assert changes.look() == []
    pipeline.write_text("two")
    assert changes.look() == []


def test_a_function_that_changed_and_one_that_is_new_are_changes(tmp_path: Path) -> None:
    handler, helper = (
        tmp_path / "functions/fraud_check/handler.py",
        tmp_path / "functions/fraud_check/rules.py",
    )
    handler.parent.mkdir(parents=True)
    handler.write_text("one")
    changes = Changes([], folders=[tmp_path / "functions", tmp_path / "nowhere"])
    assert changes.look() == []
    handler.write_text("two")
    helper.write_text("new")
    (handler.parent / "requirements.lock").write_text("no code")
    assert changes.look() == [handler, helper]
    assert changes.look() == []


def test_what_a_deployment_made_before_an_invocation_failed_is_there_and_the_invocation_is_not_done() -> None:
    empty = Deployment(region="r", functions=[{"name": "old"}], mappings=[], outputs={})
    asked, asked_now = Made("i", {"input": "1"}, {}), Made("i", {"input": "2"}, {})
    before = msgspec.structs.replace(empty, made={f"urn::{INVOCATION}::setup": asked, "urn::log": asked})
    later = Deployment(
        region="r",
        functions=[{"name": "new"}],
        mappings=[],
        outputs={},
        made={
            **before.made,
            f"urn::{INVOCATION}::setup": asked_now,
            f"urn::{INVOCATION}::other": asked_now,
            "urn::domain": asked_now,
        },
    )
    kept = before.but_made(later)
    assert kept.functions == [{"name": "old"}]
    assert kept.made == {**before.made, "urn::domain": asked_now}
