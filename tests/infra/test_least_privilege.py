"""Nobody may do more than it must: IAM statements name exact resources, grants name the sink's role alone."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from tests.infra.conftest import Run

KEY = "arn:aws:kms:eu-central-1:111111111111:key/8d5f0c1e-0000-4000-8000-000000000000"


def statements(resources: "dict[str, Declared]") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(resources["bigquery-sink-policy"].inputs["policy"])["Statement"]
    return found


def test_every_statement_names_exact_actions_and_resources(resources: "dict[str, Declared]") -> None:
    open_ended = []
    for statement in statements(resources):
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action]
        open_ended += [resource for resource in statement["Resource"] if "*" in resource]
    bucket = resources["dead-letters-bucket"].inputs["bucket"]
    log_group = resources["bigquery-sink-logs"].inputs["name"]
    assert len(open_ended) == 2
    assert open_ended[0] == f"arn:aws:s3:::{bucket}/dead-letters/bigquery/*", "one key per record: a prefix"
    assert open_ended[1].endswith(f":log-group:{log_group}:*"), "Lambda names its log streams itself"


def test_the_function_has_no_other_policy_than_its_own(resources: "dict[str, Declared]") -> None:
    role = resources["bigquery-sink-role"].inputs
    assert not {"managedPolicyArns", "inlinePolicies"} & role.keys()
    kinds = [each.type for each in resources.values() if each.type.startswith("aws:iam/")]
    assert sorted(kinds) == ["aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"]


def test_the_mapping_reads_the_sinks_own_consumer_and_not_the_stream(
    resources: "dict[str, Declared]",
) -> None:
    mapping = resources["bigquery-sink-mapping"]
    (subscribe,) = [each for each in statements(resources) if each["Sid"] == "ReadOwnConsumer"]
    assert mapping.inputs["eventSourceArn"] == subscribe["Resource"][0]
    assert "/consumer/" in mapping.inputs["eventSourceArn"]
    assert resources["bigquery-sink-consumer"].urn in mapping.depends_on


@pytest.mark.parametrize("waiting", ["bigquery-sink-mapping", "bigquery-sink-function"])
def test_mapping_and_new_code_wait_for_all_that_a_first_batch_needs(
    waiting: str, resources: "dict[str, Declared]"
) -> None:
    needed = {
        "bigquery-sink-policy",
        "warehouse-table-order",
        "warehouse-table-dead_letters",
        "warehouse-raw",
        "federation-provider",
    }
    waits_for = {urn.rpartition("::")[2] for urn in resources[waiting].depends_on}
    assert needed <= waits_for


def test_a_key_may_be_used_only_when_one_is_set(run: "Run", resources: "dict[str, Declared]") -> None:
    assert not [each for each in statements(resources) if "kms" in json.dumps(each)]
    keyed = by_name(run("dev", kms_key_arn=KEY))
    assert [each for each in statements(keyed) if "kms" in json.dumps(each)] == [
        {
            "Sid": "UseTheKey",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": [KEY],
        },
        {
            "Sid": "UseTheKeyForTables",
            "Effect": "Allow",
            "Action": ["kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
            "Resource": [KEY],
            "Condition": {"StringEquals": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}},
        },
    ]


def test_a_key_encrypts_everything_that_holds_data(run: "Run") -> None:
    keyed = by_name(run("dev", kms_key_arn=KEY))
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
    assert keyed["ledger-table"].inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    assert keyed["bigquery-sink-logs"].inputs["kmsKeyId"] == KEY
    assert keyed["bigquery-sink-function"].inputs["kmsKeyArn"] == KEY


def test_google_lets_in_one_account_and_one_role(resources: "dict[str, Declared]") -> None:
    role = resources["bigquery-sink-role"].inputs["name"]
    provider = resources["federation-provider"].inputs
    account = provider["aws"]["accountId"]
    assumed = f"arn:aws:sts::{account}:assumed-role/{role}"
    assert provider["attributeCondition"] == (
        f"assertion.account == '{account}' && (assertion.arn.startsWith('{assumed}/'))"
    )
    members = [
        access["iamMember"]
        for access in resources["warehouse-raw"].inputs["accesses"]
        if "iamMember" in access
    ]
    assert [member.partition("/attribute.aws_role/")[2] for member in members] == [assumed]


def test_the_google_subject_fits_even_with_the_longest_names(run: "Run") -> None:
    resources = by_name(run("dev"))
    names = (resources[f"bigquery-sink-{part}"].inputs["name"] for part in ("role", "function"))
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
