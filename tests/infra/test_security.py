"""What protects all boxes alike: keys with minimal policies, bound roles, a closed network, signed code."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.policy import allow, everywhere
from sluice.errors import SettingsError
from tests.infra.conftest import by_name
from tests.infra.switches import EVERYTHING, all_on

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

ACCOUNT = "111111111111"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Admin_1f"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/8d5f0c1e-0000-4000-8000-000000000000"
PROFILE = f"arn:aws:signer:eu-central-1:{ACCOUNT}:/signing-profiles/platform/Ab3dEf6hIj"
NETWORK = {"subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]}
GROUP = "sg-0a1b2c3d"


ENCRYPTED: dict[str, tuple[str | int, ...]] = {
    "kinesis/stream:Stream": ("kmsKeyId",),
    "sqs/queue:Queue": ("kmsMasterKeyId",),
    "sns/topic:Topic": ("kmsMasterKeyId",),
    "dynamodb/table:Table": ("serverSideEncryption", "kmsKeyArn"),
    "cloudwatch/logGroup:LogGroup": ("kmsKeyId",),
    "lambda/function:Function": ("kmsKeyArn",),
    "opensearch/domain:Domain": ("encryptAtRest", "kmsKeyId"),
    "athena/workgroup:Workgroup": (
        *("configuration", "resultConfiguration", "encryptionConfiguration"),
        "kmsKeyArn",
    ),
    "BucketServerSideEncryptionConfiguration": (
        *("rules", 0, "applyServerSideEncryptionByDefault"),
        "kmsMasterKeyId",
    ),
}
"""Where each kind of resource that holds data names its key."""


@pytest.fixture(scope="module")
def secured(run: "Run") -> "Program":
    """Everything that the program can declare, with all that protects it."""
    return run(
        "dev",
        pipeline=EVERYTHING,
        **{
            **all_on("dev"),
            "encryption": {"key": "own", "administrators": [ADMIN]},
            "roles": {"permission_boundary_arn": BOUNDARY, "path": "/sluice/"},
            "network": {**NETWORK, "vpc_id": "vpc-0a1b2c3d"},
            "code_signing": {"profile": "own"},
        },
    )


@pytest.fixture(scope="module")
def resources(secured: "Program") -> "dict[str, Declared]":
    return by_name(secured)


def of_type(resources: "dict[str, Declared]", ending: str) -> "list[Declared]":
    found = [each for each in resources.values() if each.type.endswith(ending)]
    assert found, ending
    return found


def statements(policy: str) -> "dict[str, dict[str, Any]]":
    return {each["Sid"]: each for each in json.loads(policy)["Statement"]}


def test_a_key_of_the_programs_own_encrypts_everything_that_holds_data(
    resources: "dict[str, Declared]",
) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/keys-key"
    for kind, path in ENCRYPTED.items():
        for each in of_type(resources, kind):
            found: Any = each.inputs
            for part in path:
                found = found[part]
            assert found == key, each.name
    buckets = {each.inputs["bucket"] for each in of_type(resources, "s3/bucket:Bucket")}
    encrypted = of_type(resources, "BucketServerSideEncryptionConfiguration")
    assert {each.inputs["bucket"] for each in encrypted} == buckets
    for each in of_type(resources, "FirehoseDeliveryStream"):
        if "kinesisSourceConfiguration" not in each.inputs:
            assert each.inputs["serverSideEncryption"]["keyArn"] == key, each.name


def test_the_key_is_rotated_named_and_kept_like_the_data(resources: "dict[str, Declared]") -> None:
    key = resources["keys-key"]
    assert key.protect
    assert key.inputs["enableKeyRotation"] is True
    assert (key.inputs["rotationPeriodInDays"], key.inputs["deletionWindowInDays"]) == (365, 30)
    assert resources["keys-alias"].inputs["name"] == "alias/sluice-dev"


def test_nobody_may_use_the_key_but_through_the_services_that_hold_its_data(
    resources: "dict[str, Declared]",
) -> None:
    found = statements(resources["keys-key"].inputs["policy"])
    producing, ringing = "EncryptForTheStream", "LetAlarmsRing"
    assert set(found) == {
        "Administer",
        "UseThroughServices",
        "LetServicesGoOn",
        "EncryptOwnLogs",
        producing,
        ringing,
    }
    using = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}
    for sid, statement in found.items():
        assert not [action for action in statement["Action"] if "*" in action]
        if using & set(statement["Action"]):
            assert {"UseThroughServices", "EncryptOwnLogs", producing, ringing} >= {sid}
    through = found["UseThroughServices"]["Condition"]["StringEquals"]["kms:ViaService"]
    assert {"kinesis.eu-central-1.amazonaws.com", "logs.eu-central-1.amazonaws.com"} <= set(through)
    assert found["LetServicesGoOn"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}


def test_administrators_administer_the_key_and_outlive_their_role(resources: "dict[str, Declared]") -> None:
    administer = statements(resources["keys-key"].inputs["policy"])["Administer"]
    assert administer["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert administer["Condition"] == {"ArnEquals": {"aws:PrincipalArn": [ADMIN]}}


def test_what_a_former_key_has_closed_can_still_be_opened_and_nothing_more(run: "Run") -> None:
    """A sink that may not decrypt records of before the change would hold itself until they expire."""
    former = f"{KEY[:-1]}1"
    plain, resources = (
        by_name(run("dev", lake={"enabled": True}, encryption={"key": KEY, "former_keys": keys}))
        for keys in ([], [former])
    )
    opening: dict[str, set[str]] = {}
    for name, each in resources.items():
        if each.inputs == plain[name].inputs:
            continue
        assert each.type in {"aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"}, "it encrypts nothing"
        for statement in statements(each.inputs["policy"]).values():
            if former in statement["Resource"]:
                assert statement["Action"] == ["kms:Decrypt"]
                through = statement["Condition"]["StringEquals"]["kms:ViaService"]
                services = through if isinstance(through, list) else [through]
                opening.setdefault(name, set()).update(service.partition(".")[0] for service in services)
    assert opening["bigquery-sink-policy"] == {"dynamodb", "kinesis", "lambda", "logs", "s3", "sqs"}
    assert opening["window-publisher-policy"] == {"dynamodb", "lambda", "logs"}
    assert opening["firehose-lake-firehose-policy"] == {"kinesis", "logs", "s3"}
    assert opening["lake-optimizer-policy"] == opening["lake-reader"] == {"s3"}
    found = statements(resources["bigquery-sink-policy"].inputs["policy"])
    assert found["UseTheKey"]["Resource"] == [KEY]


def test_a_key_that_was_made_stays_when_it_is_let_go_of(run: "Run") -> None:
    resources = by_name(run("prod", encryption={"key": "own"}, adopt={"release": True}))
    assert resources["keys-key"].retained
    assert resources["keys-alias"].retained


def test_logs_are_encrypted_for_the_programs_own_groups_only(resources: "dict[str, Declared]") -> None:
    logs = statements(resources["keys-key"].inputs["policy"])["EncryptOwnLogs"]
    assert logs["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    patterns = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    start = f"arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:"
    for group in of_type(resources, "LogGroup"):
        name = start + group.inputs["name"]
        assert any(
            name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1]))
            for pattern in patterns
        ), name


def test_every_role_and_policy_has_the_boundary_and_the_path(resources: "dict[str, Declared]") -> None:
    for each in of_type(resources, "iam/role:Role"):
        assert (each.inputs["permissionsBoundary"], each.inputs["path"]) == (BOUNDARY, "/sluice/"), each.name
    for each in of_type(resources, "iam/policy:Policy"):
        assert each.inputs["path"] == "/sluice/"


def test_without_a_boundary_roles_say_nothing_of_one(run: "Run") -> None:
    role = by_name(run("dev"))["bigquery-sink-role"].inputs
    assert not {"permissionsBoundary", "path"} & role.keys()


def test_every_function_runs_in_the_network_and_only_https_leads_out(
    resources: "dict[str, Declared]",
) -> None:
    own = {"search-setup-function", "search-sink-function"}
    for each in of_type(resources, "lambda/function:Function"):
        groups = each.inputs["vpcConfig"]["securityGroupIds"]
        expected = "search-functions-network-id" if each.name in own else "function-network-group-id"
        assert groups == [expected], each.name
        assert each.inputs["vpcConfig"]["subnetIds"] == NETWORK["subnet_ids"]
    rules = [
        each
        for each in resources.values()
        if each.type.startswith("aws:vpc/") and each.inputs["securityGroupId"] == "function-network-group-id"
    ]
    (out,) = rules
    assert out.type.endswith("SecurityGroupEgressRule")
    assert (out.inputs["fromPort"], out.inputs["toPort"], out.inputs["ipProtocol"]) == (443, 443, "tcp")


def test_lambda_handles_a_functions_network_interfaces_and_its_code_does_not(
    resources: "dict[str, Declared]",
) -> None:
    found = statements(resources["bigquery-sink-policy"].inputs["policy"])
    assert found["HaveNetworkInterfaces"]["Resource"] == [f"arn:aws:ec2:eu-central-1:{ACCOUNT}:*/*"]
    assert all(action.startswith("ec2:Describe") for action in found["FindNetworkInterfaces"]["Action"])
    denied = found["NotFromItsOwnCode"]
    assert denied["Effect"] == "Deny"
    assert set(denied["Action"]) == {
        *found["HaveNetworkInterfaces"]["Action"],
        *found["FindNetworkInterfaces"]["Action"],
    }
    function = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:sluice-dev-bigquery-sink"
    assert denied["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": function}}


def test_a_subnet_that_another_account_shares_may_be_used_and_nothing_else_there(run: "Run") -> None:
    network = {**NETWORK, "security_group_ids": [GROUP], "owner_account_id": "333333333333"}
    policy = by_name(run("dev", network=network))["bigquery-sink-policy"].inputs["policy"]
    assert statements(policy)["HaveNetworkInterfaces"]["Resource"] == [
        f"arn:aws:ec2:eu-central-1:{ACCOUNT}:*/*",
        *(f"arn:aws:ec2:eu-central-1:333333333333:subnet/{each}" for each in NETWORK["subnet_ids"]),
    ]


def test_every_function_is_signed_before_lambda_sees_it(resources: "dict[str, Declared]") -> None:
    bucket = resources["code-signing-bucket"].inputs["bucket"]
    assert resources["code-signing-versions"].inputs["versioningConfiguration"] == {"status": "Enabled"}
    kept = resources["code-signing-bucket"]
    assert (kept.protect, kept.inputs["forceDestroy"]) == (False, True), (
        "or signing could not be switched off"
    )
    config = resources["code-signing-config"].inputs
    assert config["policies"] == {"untrustedArtifactOnDeployment": "Enforce"}
    for each in of_type(resources, "lambda/function:Function"):
        name, inputs = each.name.removesuffix("-function"), each.inputs
        code, job = resources[f"{name}-code"], resources[f"{name}-signing"].inputs
        assert "code" not in inputs
        assert code.inputs["overrideProvider"] == {"defaultTags": {"tags": {}}}, "an object takes ten tags"
        assert inputs["s3Bucket"] == bucket
        assert inputs["codeSigningConfigArn"].endswith("code-signing-config:code-signing-config")
        assert inputs["s3Key"].startswith("signed/")
        assert job["source"] == {
            "s3": {"bucket": bucket, "key": code.inputs["key"], "version": "version-1"},
        }
        assert resources["code-signing-versions"].urn in code.depends_on


def test_a_platforms_profile_and_groups_can_be_used_instead_of_own_ones(run: "Run") -> None:
    found = by_name(
        run(
            "dev",
            code_signing={"profile": PROFILE, "enforce": False},
            network={**NETWORK, "security_group_ids": [GROUP]},
        )
    )
    config = found["code-signing-config"].inputs
    assert config["allowedPublishers"] == {"signingProfileVersionArns": [PROFILE]}
    assert config["policies"] == {"untrustedArtifactOnDeployment": "Warn"}
    assert found["bigquery-sink-signing"].inputs["profileName"] == "platform"
    assert found["bigquery-sink-function"].inputs["vpcConfig"]["securityGroupIds"] == [GROUP]
    assert not [
        each for each in found.values() if each.type.startswith(("aws:ec2/", "aws:signer/signingProfile"))
    ]


def test_tracing_is_on_unless_it_is_switched_off(run: "Run", resources: "dict[str, Declared]") -> None:
    for each in of_type(resources, "lambda/function:Function"):
        assert each.inputs["tracingConfig"] == {"mode": "Active"}
    untraced = by_name(run("dev", tracing=False))
    assert untraced["bigquery-sink-function"].inputs["tracingConfig"] == {"mode": "PassThrough"}
    assert "xray" not in untraced["bigquery-sink-policy"].inputs["policy"]


def test_concurrency_below_a_streams_lanes_is_kept_and_warned_of(run: "Run") -> None:
    few = {"parallelization": 2, "reserved_concurrency": 3}
    program = run("prod", bigquery_sink=few, aggregator={"reserved_concurrency": 4})
    assert by_name(program)["bigquery-sink-function"].inputs["reservedConcurrentExecutions"] == 3
    (warning,) = [each for each in program.warnings if "reserved_concurrency" in each]
    assert "sluice:bigquery_sink.reserved_concurrency is 3" in warning
    assert "8 or more" in warning


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kms_key_arn": KEY}, "kms_key_arn is no setting any more: give it as sluice:encryption.key;"),
        (
            {"encryption": {"key": "alias/mine"}},
            "encryption.key is 'alias/mine': accepted is aws, own, or the",
        ),
        ({"encryption": {"key": KEY.replace("eu-central", "us-east")}}, "accepted is a key in eu-central-1"),
        ({"encryption": {"administrators": [ADMIN]}}, "accepted is nothing unless key is own"),
        (
            {"encryption": {"key": "own", "administrators": [ADMIN.replace(ACCOUNT, "9" * 12)]}},
            f"accepted is roles and users of account {ACCOUNT}",
        ),
        (
            {"encryption": {"rotation_days": 30}},
            "encryption.rotation_days is 30: accepted is 90 to 2560 days",
        ),
        ({"roles": {"permission_boundary_arn": "boundary"}}, "accepted is the ARN of a managed policy"),
        ({"roles": {"path": "sluice"}}, "roles.path is 'sluice': accepted is names between slashes"),
        ({"network": {"vpc_id": "vpc-0a1b2c3d"}}, "network.vpc_id is 'vpc-0a1b2c3d': accepted is nothing"),
        ({"network": {"security_group_ids": [GROUP]}}, "accepted is nothing without subnet_ids"),
        ({"network": NETWORK}, "network.vpc_id is not set: accepted is the network of subnet_ids"),
        ({"network": {"subnet_ids": ["subnet-0a1b2c3d"] * 2, "vpc_id": "vpc-0a1b2c3d"}}, "each subnet once"),
        ({"code_signing": {"profile": "mine"}}, "accepted is none, own, or the ARN of a signing profile's"),
        ({"code_signing": {"profile": PROFILE.replace("eu-", "us-")}}, "a profile in eu-central-1"),
        ({"code_signing": {"profile": PROFILE.replace(ACCOUNT, "9" * 12)}}, f"of account {ACCOUNT}"),
        (
            {"roles": {"permission_boundary_arn": BOUNDARY.replace(ACCOUNT, "9" * 12)}},
            f"permission_boundary_arn is '{BOUNDARY.replace(ACCOUNT, '9' * 12)}': accepted is a policy of",
        ),
        (
            {"encryption": {"former_keys": [KEY.replace("eu-central", "us-east")]}},
            "accepted is a key in eu-central-1",
        ),
        ({"report": {"reserved_concurrency": 0}}, "report.reserved_concurrency is 0: accepted is 1 to"),
    ],
)
def test_what_cannot_protect_is_refused_in_one_line(run: "Run", given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        run("dev", **given)
    assert words in str(refused.value)
    assert "change it in Pulumi.dev.yaml" in str(refused.value)


def test_a_statement_about_everything_needs_its_reason() -> None:
    with pytest.raises(ValueError, match="everywhere"):
        allow("All", ["s3:GetObject"], "*")
    with pytest.raises(ValueError, match="everywhere"):
        allow("All", ["s3:*"], "arn:aws:s3:::bucket/key")
    with pytest.raises(ValueError, match="without a reason"):
        everywhere("All", ["s3:ListAllMyBuckets"], because="")
