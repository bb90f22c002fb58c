"""Nobody may do more than it must: IAM statements name exact resources, grants name the roles that write."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from pathlib import Path

    from sluice.local.declared import Declared
    from tests.infra.conftest import Run

KEY = "arn:aws:kms:eu-central-1:111111111111:key/8d5f0c1e-0000-4000-8000-000000000000"


FUNCTIONS = ("bigquery-sink", "aggregator", "window-publisher")
SINKS = {"bigquery-sink": "bigquery", "aggregator": "windows"}
WITHOUT_RESOURCES = {"dynamodb:ListStreams", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}
"""Calls that are about the whole account, so that IAM takes no resource for them."""


def statements(resources: "dict[str, Declared]", name: str = "bigquery-sink") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(resources[f"{name}-policy"].inputs["policy"])["Statement"]
    return found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_statement_names_exact_actions_and_resources(
    name: str, resources: "dict[str, Declared]"
) -> None:
    open_ended = []
    for statement in statements(resources, name):
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action]
        if not set(statement["Action"]) <= WITHOUT_RESOURCES:
            open_ended += [resource for resource in statement["Resource"] if "*" in resource]
    log_group = resources[f"{name}-logs"].inputs["name"]
    assert open_ended.pop().endswith(f":log-group:{log_group}:*"), "Lambda names its log streams itself"
    bucket = resources["dead-letters-bucket"].inputs["bucket"]
    letters = f"arn:aws:s3:::{bucket}/dead-letters/{SINKS.get(name)}/*"
    assert open_ended == ([letters] if name in SINKS else []), "one key per record: a prefix"


def test_no_function_has_another_policy_than_its_own(resources: "dict[str, Declared]") -> None:
    for name in FUNCTIONS:
        assert not {"managedPolicyArns", "inlinePolicies"} & resources[f"{name}-role"].inputs.keys()
        assert resources[f"{name}-policy"].inputs["role"] == resources[f"{name}-role"].inputs["name"]
    kinds = sorted(each.type for each in resources.values() if each.type.startswith("aws:iam/"))
    assert kinds == ["aws:iam/role:Role"] * 3 + ["aws:iam/rolePolicy:RolePolicy"] * 3


@pytest.mark.parametrize("name", SINKS)
def test_the_mapping_reads_the_sinks_own_consumer_and_not_the_stream(
    name: str, resources: "dict[str, Declared]"
) -> None:
    mapping = resources[f"{name}-mapping"]
    (subscribe,) = [each for each in statements(resources, name) if each["Sid"] == "ReadOwnConsumer"]
    assert mapping.inputs["eventSourceArn"] == subscribe["Resource"][0]
    assert "/consumer/" in mapping.inputs["eventSourceArn"]
    assert resources[f"{name}-consumer"].urn in mapping.depends_on


def test_the_publisher_writes_nothing_but_what_it_published(resources: "dict[str, Declared]") -> None:
    writing = [
        each
        for each in statements(resources, "window-publisher")
        if any(action.startswith(("dynamodb:Put", "dynamodb:Update")) for action in each["Action"])
    ]
    assert [each["Condition"] for each in writing] == [
        {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["published"]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        }
    ]


def test_nothing_that_counts_may_delete(resources: "dict[str, Declared]") -> None:
    for name in FUNCTIONS:
        actions = [action for each in statements(resources, name) for action in each["Action"]]
        assert not [action for action in actions if "Delete" in action]


@pytest.mark.parametrize("part", ["mapping", "function"])
@pytest.mark.parametrize("name", ["bigquery-sink", "window-publisher"])
def test_mapping_and_new_code_wait_for_all_that_a_first_batch_needs(
    name: str, part: str, resources: "dict[str, Declared]"
) -> None:
    needed = {
        f"{name}-policy",
        "warehouse-table-order",
        "warehouse-table-dead_letters",
        "warehouse-table-window_segments",
        "warehouse-table-window_watermarks",
        "warehouse-raw",
        "federation-provider",
    }
    waits_for = {urn.rpartition("::")[2] for urn in resources[f"{name}-{part}"].depends_on}
    assert needed <= waits_for


@pytest.mark.parametrize("part", ["mapping", "function"])
def test_the_aggregator_waits_for_the_tables_it_counts_into(
    part: str, resources: "dict[str, Declared]"
) -> None:
    waits_for = {urn.rpartition("::")[2] for urn in resources[f"aggregator-{part}"].depends_on}
    assert {"aggregator-policy", "windows-table", "windows-claims"} <= waits_for


def test_a_key_may_be_used_only_when_one_is_set(run: "Run", resources: "dict[str, Declared]") -> None:
    keyed = by_name(run("dev", encryption={"key": KEY}))
    for name in FUNCTIONS:
        assert not [each for each in statements(resources, name) if "kms" in json.dumps(each)]
        allowed = [each for each in statements(keyed, name) if "kms" in json.dumps(each)]
        assert allowed == [use_the_key(*THROUGH.get(name, EVERY_HOLDER)), USE_THE_KEY_FOR_TABLES]


EVERY_HOLDER = ("dynamodb", "kinesis", "lambda", "logs", "s3", "sqs")
THROUGH = {"window-publisher": ("dynamodb", "lambda", "logs")}
"""Which services a function has to do with that hold what the key encrypts, where it is not all of them."""


def use_the_key(*services: str) -> dict[str, Any]:
    through = [f"{service}.eu-central-1.amazonaws.com" for service in services]
    return {
        "Sid": "UseTheKey",
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": [KEY],
        "Condition": {"StringEquals": {"kms:ViaService": through}},
    }


USE_THE_KEY_FOR_TABLES = {
    "Sid": "UseTheKeyForTables",
    "Effect": "Allow",
    "Action": ["kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
    "Resource": [KEY],
    "Condition": {"StringEquals": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}},
}


def test_a_function_that_keeps_no_items_may_not_use_the_key_for_tables(run: "Run") -> None:
    keyed = by_name(run("dev", encryption={"key": KEY}, lake={"enabled": True}))
    used = [each for each in statements(keyed, "lake-setup") if "kms" in json.dumps(each)]
    assert used == [use_the_key("lambda", "logs", "s3")]


def test_a_key_encrypts_everything_that_holds_data(run: "Run") -> None:
    keyed = by_name(run("dev", encryption={"key": KEY}))
    queue = keyed["dead-letters-queue"].inputs
    assert keyed["stream-stream"].inputs["kmsKeyId"] == KEY
    assert (queue["kmsMasterKeyId"], queue["kmsDataKeyReusePeriodSeconds"]) == (KEY, 300)
    assert "sqsManagedSseEnabled" not in queue
    assert keyed["dead-letters-bucket-encryption"].inputs["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY},
            "bucketKeyEnabled": True,
        }
    ]
    for table in ("ledger-table", "windows-table", "windows-claims"):
        assert keyed[table].inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    for name in FUNCTIONS:
        assert keyed[f"{name}-logs"].inputs["kmsKeyId"] == KEY
        assert keyed[f"{name}-function"].inputs["kmsKeyArn"] == KEY


def test_google_lets_in_one_account_and_the_roles_that_write(resources: "dict[str, Declared]") -> None:
    provider = resources["federation-provider"].inputs
    account = provider["aws"]["accountId"]
    roles = [resources[f"{name}-role"].inputs["name"] for name in ("bigquery-sink", "window-publisher")]
    assumed = [f"arn:aws:sts::{account}:assumed-role/{role}" for role in roles]
    beginnings = " || ".join(f"assertion.arn.startsWith('{each}/')" for each in assumed)
    assert provider["attributeCondition"] == f"assertion.account == '{account}' && ({beginnings})"
    members = [
        access["iamMember"]
        for access in resources["warehouse-raw"].inputs["accesses"]
        if "iamMember" in access
    ]
    assert [member.partition("/attribute.aws_role/")[2] for member in members] == assumed


def test_without_metrics_google_lets_in_the_sink_alone(run: "Run", without_metrics: "Path") -> None:
    resources = by_name(run("dev", pipeline=without_metrics))
    assert "publisher" not in resources["federation-provider"].inputs["attributeCondition"]
    accesses = resources["warehouse-raw"].inputs["accesses"]
    assert sum("iamMember" in access for access in accesses) == 1


def test_the_google_subject_fits_even_with_the_longest_names(run: "Run") -> None:
    resources = by_name(run("dev"))
    for function in FUNCTIONS:
        names = (resources[f"{function}-{part}"].inputs["name"] for part in ("role", "function"))
        longest = "/".join(f"{'p' * 22}{name.removeprefix('sluice-dev')}" for name in names)
        assert len(longest) <= 127


def test_analysts_see_views_and_never_the_raw_tables(run: "Run") -> None:
    analysts = ["group:g@example.com", "user:u@example.com", "serviceAccount:s@x.iam.gserviceaccount.com"]
    resources = by_name(run("dev", warehouse={"analysts": [*analysts, "domain:example.com"]}))
    assert "example.com" not in json.dumps(resources["warehouse-raw"].inputs["accesses"])
    assert resources["warehouse-views"].inputs["accesses"][1:] == [
        {"role": "READER", "groupByEmail": "g@example.com"},
        {"role": "READER", "userByEmail": "u@example.com"},
        {"role": "READER", "userByEmail": "s@x.iam.gserviceaccount.com"},
        {"role": "READER", "domain": "example.com"},
    ]
    granted = {each.inputs["role"] for each in resources.values() if "member" in each.inputs}
    assert granted == {"roles/bigquery.jobUser"}


def test_addresses_are_written_as_google_keeps_them(run: "Run") -> None:
    """Google answers in small letters: any other writing would be a change at every deployment."""
    resources = by_name(run("dev", warehouse={"analysts": ["serviceAccount:Sam@Example.com"]}))
    assert resources["warehouse-views"].inputs["accesses"][1]["userByEmail"] == "sam@example.com"
    (granted,) = [each.inputs["member"] for each in resources.values() if "member" in each.inputs]
    assert granted == "serviceAccount:sam@example.com"


def test_a_new_suffix_renames_all_that_google_keeps_reserved_after_a_deletion(run: "Run") -> None:
    resources = by_name(run("dev", federation={"pool_suffix": "b2"}))
    assert resources["federation-pool"].inputs["workloadIdentityPoolId"] == "sluice-dev-b2"
    assert resources["warehouse-writer-role"].inputs["roleId"] == "sluice_dev_sink_writer_b2"


def test_access_lists_are_whole_and_declared_in_one_place(resources: "dict[str, Declared]") -> None:
    """Entries declared apart would be lost with the next change of their dataset."""
    apart = [each for each in resources.values() if each.type.startswith("gcp:bigquery/datasetA")]
    assert not apart
    for name in ("warehouse-raw", "warehouse-views"):
        accesses = resources[name].inputs["accesses"]
        assert accesses[0] == {"role": "OWNER", "specialGroup": "projectOwners"}
        groups = {access.get("specialGroup") for access in accesses[1:]}
        assert groups == {None} or not accesses[1:], "no viewer or editor of the project is let in"


@pytest.mark.parametrize("name", ["dead-letters-queue-policy", "dead-letters-bucket-policy"])
def test_queue_and_bucket_refuse_everybody_without_tls(name: str, resources: "dict[str, Declared]") -> None:
    (statement,) = json.loads(resources[name].inputs["policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
