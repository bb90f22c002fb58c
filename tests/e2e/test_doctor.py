"""`sluice doctor` and `sluice destroy-check` against a whole local cloud that stands for a deployed stack."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from sluice.cli.main import run
from sluice.doctor import (
    aws_account,
    aws_quotas,
    aws_rights,
    deployed_aws,
    deployed_google,
    google_project,
    names,
)
from sluice.doctor.aws import Aws
from sluice.doctor.case import Case
from sluice.doctor.finding import Level
from sluice.doctor.google import Google
from sluice.local.cloud import LocalCloud
from tests.e2e.stack import ACCOUNT, PROJECT, Stack, project, said, stack

pytestmark = pytest.mark.e2e
BIGQUERY = f"/bigquery/v2/projects/{PROJECT}/datasets/sluice_dev/tables"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = project(tmp_path_factory.mktemp("project"))
    with LocalCloud(root, root / "pipeline.py", shards=1) as cloud:
        made = stack(tmp_path_factory.mktemp("stack"), cloud, root)
        made.deployed()
        yield made


@pytest.fixture(scope="module")
def opened(deployed: Stack) -> Case:
    """The program, run once for all tests."""
    return Case.open(deployed.root, "dev", deployed.root / "pipeline.py")


@pytest.fixture
def case(deployed: Stack, opened: Case, monkeypatch: pytest.MonkeyPatch) -> Case:
    """The environment afresh: nothing is remembered of the clouds or the command line."""
    deployed.environment(monkeypatch)
    monkeypatch.chdir(deployed.root)
    return replace(opened, aws=Aws("eu-central-1"), google=Google(PROJECT))


def undeployed(case: Case) -> Case:
    """The same before its first deployment: it exports nothing, and its state knows of nothing."""
    new = replace(case)
    new._known.append({})
    vars(new)["made"] = frozenset()
    return new


def document(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("case")
def test_a_deployed_environment_that_is_well_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(["doctor", "--env", "dev", "--json"])
    answer = document(capsys)
    problems = [one for one in answer["findings"] if one["level"] in ("problem", "unknown")]
    assert (status, problems) == (0, [])
    assert (answer["ok"], answer["deployed"], answer["environment"]) == (True, True, "dev")
    assert "secret" not in json.dumps(answer)
    assert "PRIVATE" not in json.dumps(answer)
    seen = {one["check"]: one["cause"] for one in answer["findings"] if one["level"] == "ok"}
    assert seen["mappings"] == "1 of 1 sinks are fed"
    assert "as the contract wants them" in seen["BigQuery tables"]
    assert "as they are declared" in seen["deployed in AWS"]


def test_what_is_found_fits_a_narrow_terminal(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = replace(case, settings={**case.settings, "google_location": "US"})
    monkeypatch.setattr(Case, "open", lambda *_: wrong)
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["doctor", "--env", "dev"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert "problem  Google location: dataset sluice_dev_views lies in EU, and" in "\n".join(lines)
    assert lines[-1].startswith("Environment dev: 2 problems, 1 warning, ")


def test_credentials_of_another_account_are_found(case: Case) -> None:
    elsewhere = replace(case, settings={**case.settings, "aws_account_id": "999999999999"})
    told = said(list(aws_account.account(elsewhere)))
    assert f"the credentials are of account {ACCOUNT}" in told
    assert "dev belongs to 999999999999" in told
    assert f"pulumi config set aws_account_id {ACCOUNT} --stack dev" in told


def test_stale_credentials_of_both_clouds_are_found(
    case: Case, deployed: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.assume(monkeypatch, "sluice-dev-bigquery-sink", 1_000_000_000.0)
    told = said(list(aws_account.account(case)))
    assert "the AWS credentials are over" in told
    assert "aws sso login" in told
    deployed.sign_in("left-the-company")
    try:
        told = said(list(google_project.project(case)))
    finally:
        deployed.sign_in("operator")
    assert "the Google credentials give no token" in told
    assert "account not found" in told
    assert "gcloud auth application-default login" in told


def test_rights_that_are_lacking_are_named_with_who_grants_them(
    case: Case, deployed: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Look",
                "Effect": "Allow",
                "Action": ["iam:*", "sqs:CreateQueue", "s3:CreateBucket"],
                "Resource": ["arn:aws:iam::*:role/*", "arn:aws:sqs:*:*:sluice-dev-*", "arn:aws:s3:::other-*"],
            }
        ],
    }
    iam = boto3.client("iam", region_name="eu-central-1")
    iam.create_role(RoleName="junior", AssumeRolePolicyDocument="{}", Path="/team/")
    iam.put_role_policy(RoleName="junior", PolicyName="some", PolicyDocument=json.dumps(policy))
    assert not said(list(aws_rights.rights(case)))
    deployed.assume(monkeypatch, "junior", 4_000_000_000.0)
    told = said(list(aws_rights.rights(replace(case, aws=Aws("eu-central-1")))))
    assert "role/team/junior may not " in told
    assert "kinesis:CreateStream" in told
    assert "s3:CreateBucket" in told, "of other names alone"
    assert "sqs:CreateQueue" not in told
    name = "junior"
    body = {"accountId": name, "serviceAccount": {}}
    deployed.google("POST", f"/v1/projects/{PROJECT}/serviceAccounts", body)
    deployed.sign_in(name)
    try:
        told = said(list(google_project.rights(case)))
    finally:
        deployed.sign_in("operator")
    assert f"junior@{PROJECT}.iam.gserviceaccount.com lacks bigquery.datasets.create" in told
    assert f"gcloud projects add-iam-policy-binding {PROJECT}" in told
    assert "roles/iam.workloadIdentityPoolAdmin" in told


def test_an_api_that_is_off_and_a_project_that_nobody_pays_for_are_found(case: Case, deployed: Stack) -> None:
    service, billing = (
        f"/v1/projects/{PROJECT}/services/{{}}.googleapis.com:{{}}",
        f"/v1/projects/{PROJECT}/billingInfo",
    )
    try:
        deployed.google("POST", service.format("sts", "disable"))
        found = list(google_project.apis(case))
        assert not said(found), "the program switches it on itself"
        assert any("until `pulumi up` switches them on: sts" in one.cause for one in found)
        own = [one for one in case.program.resources if "projects/service:" not in one.type]  # type: ignore[union-attr]  # it runs
        without = replace(case, program=replace(case.program, resources=tuple(own)))  # type: ignore[type-var]  # same
        told = said(list(google_project.apis(without)))
        assert f"gcloud services enable sts.googleapis.com --project {PROJECT}" in told
        deployed.google("POST", service.format("serviceusage", "disable"))
        told = said(list(google_project.apis(case)))
        assert "the API serviceusage is off" in told
        deployed.google("PUT", billing, {"billingAccountName": ""})
        told = said(list(google_project.project(case)))
        assert "billing is off" in told
        assert "takes no streaming inserts" in told
        deployed.google("POST", service.format("cloudresourcemanager", "disable"))
        assert "the API cloudresourcemanager is off" in said(list(google_project.project(case)))
    finally:
        deployed.google("PUT", billing, {"billingAccountName": "billingAccounts/1"})
        for api in ("sts", "serviceusage", "cloudresourcemanager"):
            deployed.google("POST", service.format(api, "enable"))


def test_a_quota_that_is_used_up_is_found_with_the_request_to_raise_it(case: Case, deployed: Stack) -> None:
    assert deployed.cloud is not None
    assert not said(list(aws_quotas.quotas(case)))
    new = undeployed(case)
    quotas = boto3.client("service-quotas", region_name="eu-central-1")
    limits = (("dynamodb", "L-F98FE922", 4), ("kinesis", "OnDemandStreamCountLimit", 1))
    url = f"{deployed.cloud.endpoints.lambda_url}/_sluice/quotas"
    try:
        for service, code, most in limits:
            quotas.request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=most)
        urllib3.request("PUT", url, json={"ConcurrentExecutions": 3})
        told = said(list(aws_quotas.quotas(new)))
    finally:
        for service, code, _ in limits:
            quotas.request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=1000)
        urllib3.request("PUT", url, json={})
    assert "DynamoDB tables: 3 of 4 are in use, and 3 are to come | `pulumi up` fails at the second" in told
    assert "--service-code dynamodb --quota-code L-F98FE922" in told
    assert "on-demand streams: 1 of 1 are in use" in told
    assert "Lambda lets this account run 3 functions at once" in told
    assert "--quota-code L-B99A9384" in told


def test_names_that_are_taken_are_found_before_the_first_deployment(case: Case, deployed: Stack) -> None:
    new = undeployed(case)
    told = said(list(names.names(new)))
    assert "1 of kind stream that stack dev has not made exist already: sluice-dev-events" in told
    assert "pulumi import aws:kinesis/stream:Stream stream-stream sluice-dev-events --stack dev" in told
    roles = f"/v1/projects/{PROJECT}/roles/sluice_dev_sink_writer_a"
    deployed.google("DELETE", roles)
    try:
        told = said(list(names.google_names(new)))
    finally:
        deployed.google("PATCH", roles, {"deleted": False})
    assert "dataset sluice_dev exists already" in told
    assert (
        "custom role sluice_dev_sink_writer_a was deleted, and Google keeps its name for up to 37 days"
        in told
    )
    assert "federation.pool_suffix b" in told


def test_what_is_adopted_and_is_not_there_is_found(case: Case) -> None:
    arn = f"arn:aws:kinesis:eu-central-1:{ACCOUNT}:stream/"
    adopting = {
        "stream": {"arn": f"{arn}sluice-dev-events"},
        "route_streams": {"paid": {"arn": f"{arn}gone"}},
    }
    found = list(names.adopted(replace(case, settings={**case.settings, "adopt": adopting})))
    assert f"adopt.route_streams.paid: {arn}gone does not exist" in said(found)
    assert any("adopt.stream: stream/sluice-dev-events is there" in one.cause for one in found)


def test_a_dataset_elsewhere_than_the_settings_say_is_found(case: Case) -> None:
    told = said(
        list(google_project.location(replace(case, settings={**case.settings, "google_location": "US"})))
    )
    assert "dataset sluice_dev lies in EU, and google_location is US" in told
    assert not said(list(google_project.location(case)))


def test_tables_that_drifted_from_the_contract_are_found(case: Case, deployed: Stack) -> None:
    assert case.program is not None
    tables = {
        str(one.inputs["tableId"]): one
        for one in case.program.resources
        if one.type == "gcp:bigquery/table:Table" and "schema" in one.inputs
    }
    name, table = next(iter(tables.items()))
    wider = [*json.loads(table.inputs["schema"]), {"name": "by_hand", "type": "STRING", "mode": "NULLABLE"}]
    deployed.google("PATCH", f"{BIGQUERY}/{name}", {"schema": {"fields": wider}})
    warned = said(list(deployed_google.tables(case)), Level.warning)
    assert f"sluice_dev.{name} has column by_hand, which the contract does not know" in warned
    newer = [*wider, {"name": "added", "type": "INT64", "mode": "NULLABLE"}]
    inputs = {**table.inputs, "schema": json.dumps(newer)}
    resources = [replace(one, inputs=inputs) if one is table else one for one in case.program.resources]
    ahead = replace(case, program=replace(case.program, resources=tuple(resources)))
    told = said(list(deployed_google.tables(ahead)))
    assert f"sluice_dev.{name} has no column added | BigQuery refuses rows" in told
    assert "sluice contract check, then pulumi up --refresh --stack dev" in told


def test_a_paused_sink_and_changes_by_hand_in_aws_are_found(case: Case) -> None:
    assert not said(list(deployed_aws.running(case)))
    kinesis = boto3.client("kinesis", region_name="eu-central-1")
    kinesis.increase_stream_retention_period(StreamName="sluice-dev-events", RetentionPeriodHours=48)
    boto3.client("dynamodb", region_name="eu-central-1").create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    warned = said(list(deployed_aws.running(case)), Level.warning)
    assert "stream sluice-dev-events has retention in hours 48 instead of 24" in warned
    functions = boto3.client("lambda", region_name="eu-central-1")
    mapping = case.exports["sinks"]["bigquery"]["mapping"]
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    warned = said(list(deployed_aws.mappings(case)), Level.warning)
    assert "sink bigquery is paused" in warned
    assert "sluice consumers resume bigquery --env dev" in warned
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)


@pytest.mark.usefixtures("case")
def test_what_data_would_go_is_counted_with_what_guards_it_and_the_order_of_leaving(
    deployed: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last test: it writes, and counts what is there."""
    kinesis = boto3.client("kinesis", region_name="eu-central-1")
    stamp = {"type": "visit", "nothing": "of the contract"}
    for each in range(3):
        kinesis.put_record(
            StreamName="sluice-dev-events", Data=json.dumps(stamp).encode(), PartitionKey=str(each)
        )
    assert deployed.cloud is not None
    assert deployed.cloud.wait_drained(60)
    table = {"tableReference": {"tableId": "notes"}, "schema": {"fields": [{"name": "a", "type": "STRING"}]}}
    deployed.google("POST", BIGQUERY, table)
    assert run(["destroy-check", "--env", "dev", "--json"]) == 1
    answer = document(capsys)
    held = {each["name"]: each for each in answer["held"]}
    assert answer["data_would_go"]
    assert held["sluice-dev-events"]["oldest"]
    assert held["sluice-dev-dead-letters"]["count"] >= 3
    assert held["sluice-dev-dead-letters"]["unit"] == "messages"
    assert held["sluice-dev-ledger"]["count"] > 0
    assert held["sluice_dev.dead_letters"]["count"] >= 3
    assert held["sluice_dev.dead_letters"]["bytes"] > 100
    assert held["sluice_dev.notes"]["kind"] == "BigQuery table, not of the program"
    assert not held["sluice_dev.notes"]["would_go"], "it is empty"
    assert any(
        "identity pool sluice-dev-a: Google keeps its id for 30 days" in one
        for one in answer["cannot_come_back"]
    )
    commands = [step["command"] for step in answer["steps"]]
    assert commands[0] == "sluice audit --env dev"
    assert commands[-2:] == ["pulumi destroy --stack dev", "pulumi stack rm dev"]
    assert run(["destroy-check", "--env", "dev"]) == 1
    shown = capsys.readouterr().out
    assert "With dev would go the data of" in shown
    assert "sluice-dev-dead-letters" in shown


def test_the_data_of_another_account_is_not_counted(
    case: Case,
    deployed: Stack,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del case, deployed
    monkeypatch.chdir(project(tmp_path, aws_account_id="999999999999"))
    assert run(["destroy-check", "--env", "dev"]) == 3
    assert f"are of account {ACCOUNT}, and dev belongs to 999999999999" in capsys.readouterr().err
