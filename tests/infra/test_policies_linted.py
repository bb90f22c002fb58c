"""A linter that knows AWS's actions, resource types and condition keys finds nothing unexplained."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.boundary import boundary
from bootstrap.place import places
from bootstrap.rights import SERVICES
from sluice.local.declared import ACCOUNT as INVENTED
from tests.infra.conftest import by_name
from tests.infra.destinations import SERVERLESS
from tests.infra.needed_by_services import NEEDS
from tests.infra.policy_linter import Document, Finding, lint, policies
from tests.infra.switches import EVERYTHING, all_off, all_on

if TYPE_CHECKING:
    from sluice.local.program import Program
    from tests.infra.conftest import Run

OWN_KEY = "in the policy of a key, * is that key (KMS developer guide, key policies)"
EXPLAINED = {
    ("resource_mismatch", "ReadTheWindowsStream"): (
        "the linter takes the colons in a stream's label, its moment of creation, for those of an ARN"
    ),
    ("resource_mismatch", "HaveNetworkInterfaces"): (
        "Lambda's guide asks for all resource ids of the region and account (functions in a VPC): */*"
    ),
    ("invalid_condition_key", "NotFromItsOwnCode"): (
        "Lambda's guide has it for any policy of an identity (using the source function ARN); the reference "
        "lists it with Lambda's own actions alone"
    ),
    ("overly_permissive", "Administer"): OWN_KEY,
    ("overly_permissive", "UseThroughServices"): OWN_KEY,
    ("overly_permissive", "LetServicesGoOn"): OWN_KEY,
    ("overly_permissive", "EncryptOwnLogs"): OWN_KEY,
    ("invalid_condition_key", "EncryptOwnLogs"): (
        "the last part of kms:EncryptionContext:KEY is the caller's to name (KMS developer guide)"
    ),
    ("confused_deputy_risk", "EncryptOwnLogs"): (
        "the encryption context names the log groups (CloudWatch Logs user guide, encrypt log data)"
    ),
    ("overly_permissive", "EncryptForTheStream"): OWN_KEY,
    ("invalid_condition_key", "EncryptForTheStream"): (
        "the last part of kms:EncryptionContext:KEY is the caller's to name (KMS developer guide)"
    ),
    ("overly_permissive", "LetAlarmsRing"): OWN_KEY,
    ("invalid_condition_key", "LetAlarmsRing"): (
        "the last part of kms:EncryptionContext:KEY is the caller's to name (KMS developer guide)"
    ),
    ("confused_deputy_risk", "LetAlarmsRing"): (
        "the encryption context names the topic, whose own policy names whose alarms may write to it"
    ),
    ("confused_deputy_risk", ""): (
        "Firehose names the account as external id; Glue documents no source of its optimizers"
    ),
}
"""What the linter says of a statement, by its Sid (trusts have none), and why the statement stays."""

POLICIES = ("policy", "assumeRolePolicy", "accessPolicies", "policyDocument")
TABLE = "arn:aws:dynamodb:eu-central-1:111111111111:table/ledger"
SPOILT: list[tuple[str, Document]] = [
    ("invalid_action", {"Action": ["dynamodb:UpdateItems"], "Resource": [TABLE]}),
    ("resource_mismatch", {"Action": ["sqs:SendMessage"], "Resource": [TABLE]}),
    (
        "invalid_condition_key",
        {
            "Action": ["dynamodb:GetItem"],
            "Resource": [TABLE],
            "Condition": {"StringEquals": {"dynamodb:LeadingKey": "published"}},
        },
    ),
    ("overly_permissive", {"Action": ["dynamodb:GetItem"], "Resource": ["*"]}),
    ("overly_permissive", {"Action": ["dynamodb:*"], "Resource": [TABLE]}),
    ("invalid_resource", {"Action": ["dynamodb:GetItem"], "Resource": ["arn:aws:dynamodb:table/ledger"]}),
    (
        "confused_deputy_risk",
        {"Action": "sts:AssumeRole", "Principal": {"Service": "firehose.amazonaws.com"}},
    ),
]


@pytest.fixture(scope="module")
def programs_linted(run: "Run", programs: "dict[str, Program]") -> "dict[str, Program]":
    """Both environments as they are, and one with everything and one with nothing switched on."""
    settings = all_on("dev")
    settings["firehoses"] = {**settings["firehoses"], "serverless": SERVERLESS}
    on = run("dev", pipeline=EVERYTHING, **settings)
    return {**programs, "on": on, "off": run("prod", pipeline=EVERYTHING, **all_off("prod"))}


@pytest.fixture(scope="module")
def findings(
    programs_linted: "dict[str, Program]", tmp_path_factory: pytest.TempPathFactory
) -> list[Finding]:
    documents: dict[str, Document] = {}
    for which, program in programs_linted.items():
        found = {f"{which}:{name}": document for name, document in policies(by_name(program))}
        documents |= {name: each for name, each in found.items() if each not in documents.values()}
    return lint(documents, tmp_path_factory.mktemp("reference"))


def test_the_linter_finds_nothing_that_is_not_explained(findings: list[Finding]) -> None:
    unexplained = [each for each in findings if (each.kind, each.statement) not in EXPLAINED]
    assert not unexplained, "\n".join(f"{each.policy} {each.statement}: {each.said}" for each in unexplained)


def test_no_explanation_stays_when_its_finding_is_gone(findings: list[Finding]) -> None:
    assert EXPLAINED.keys() - {(each.kind, each.statement) for each in findings} == set()


def test_every_role_and_whatever_takes_a_policy_is_looked_at(programs_linted: "dict[str, Program]") -> None:
    """Policies are found by their form: one that were written otherwise would be missed."""
    resources = by_name(programs_linted["on"])
    looked_at = {name for name, _ in policies(resources)}
    there = {f"{name}.{key}" for name, each in resources.items() for key in POLICIES if key in each.inputs}
    roles = [name for name, each in resources.items() if each.type == "aws:iam/role:Role"]
    assert {f"{name}.assumeRolePolicy" for name in roles} <= there <= looked_at


def test_what_services_do_is_granted_and_their_own_roles_allow_no_more(
    programs_linted: "dict[str, Program]",
) -> None:
    """What a function's own role allows beyond that, its recorded calls justify: tests/e2e/test_roles.py."""
    resources = by_name(programs_linted["on"]).values()
    functions = {each.inputs["role"].rpartition("/")[2] for each in resources if "runtime" in each.inputs}
    granted = [
        (each.inputs["role"], statement["Sid"], action)
        for each in resources
        if each.type == "aws:iam/rolePolicy:RolePolicy"
        for statement in json.loads(each.inputs["policy"])["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    ]
    idle = [
        (need.statement, action)
        for need in NEEDS
        for action in need.actions
        if not any(need.covers(*right) and right[2] == action for right in granted)
    ]
    assert idle == []
    of_services = [right for right in granted if right[0] not in functions]
    assert of_services
    assert [right for right in of_services if not any(need.covers(*right) for need in NEEDS)] == []


def test_what_roles_may_do_lies_within_the_boundary_that_deployments_put_on_them(
    programs_linted: "dict[str, Program]",
) -> None:
    (place,) = places(["dev"])
    domain = place.arn("es", "domain/theirs")
    secret = place.arn("secretsmanager", "secret:sluice/there-AbCdEf")
    reach = (domain, f"{domain}/*", place.arn("aoss", "collection/abc123"), secret)
    may = [
        (action, on)
        for each in boundary(place, reach)
        for action in each["Action"]
        for on in each["Resource"]
    ]
    beyond = sorted(
        (action, on)
        for each in programs_linted["on"].resources
        if each.type == "aws:iam/rolePolicy:RolePolicy"
        for statement in json.loads(each.inputs["policy"])["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
        for on in [text.replace(INVENTED, place.settings.aws_account_id) for text in statement["Resource"]]
        if not any(action == allowed and fnmatchcase(on, where) for allowed, where in may)
    )
    assert beyond == [], "say in bootstrap/boundary.py what functions may do at most"


def test_deployments_may_hand_roles_to_the_services_that_take_them(
    programs_linted: "dict[str, Program]",
) -> None:
    trusted = {
        statement["Principal"]["Service"].removesuffix(".amazonaws.com")
        for each in programs_linted["on"].resources
        if each.type == "aws:iam/role:Role"
        for statement in json.loads(each.inputs["assumeRolePolicy"])["Statement"]
    }
    assert trusted == set(SERVICES)


@pytest.mark.parametrize(("kind", "statement"), SPOILT)
def test_the_linter_would_find_a_mistake(kind: str, statement: Document, tmp_path: Path) -> None:
    whole = {"Version": "2012-10-17", "Statement": [{"Sid": "Spoilt", "Effect": "Allow", **statement}]}
    assert kind in {each.kind for each in lint({"spoilt": whole}, tmp_path)}
