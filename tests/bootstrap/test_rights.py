"""What GitHub's roles may do where everything is switched on: still named, still known to AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap.boundary import boundary
from bootstrap.github_aws import POLICY_CHARACTERS, length, parts
from bootstrap.place import Place, places
from bootstrap.rights import KINDS, WANTED, deploying, previewing
from sluice.policies import Resource, violations
from tests.infra.policy_linter import lint
from tests.infra.switches import all_off, all_on

ROOT = Path(__file__).resolve().parents[2]
ON = {**all_on("dev"), "report": {"auth": "oidc", "issuer": "https://login.example.com", "client_id": "page"}}
EXPLAINED = {
    ("resource_mismatch", "Interfaces"): "Lambda's guide asks for all resource ids: */*",
    ("overly_permissive", "Everywhere"): "sluice/policies/deploying.py says why, action by action",
    ("policy_size_exceeded", ""): "it is divided among several",
}
"""What the linter says of a statement, and why it stays."""

MOST_POLICIES = 10
"""IAM user guide, quotas: managed policies attached to a role."""


def placed(settings: dict[str, Any], root: Path) -> Place:
    """An environment of its own checkout, with these settings over those of dev."""
    (root / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]
    config |= {f"sluice:{key}": value for key, value in settings.items()}
    (root / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}))
    return places(["dev"], root)[0]


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return placed(ON, tmp_path_factory.mktemp("on"))


@pytest.fixture(scope="module")
def off(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return placed(all_off("dev"), tmp_path_factory.mktemp("off"))


def of_bootstrap(statements: list[dict[str, Any]]) -> Resource:
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    urn = "urn::sluice:bootstrap:Box$x::box-policy"
    inputs = {"name": "p", "policy": policy}
    return Resource(type="aws:iam/policy:Policy", name="box-policy", urn=urn, parent="box", inputs=inputs)


BOX = Resource(type="sluice:bootstrap:Box", name="box", urn="box", component=True)
DOCUMENTS: list[Callable[[Place], list[dict[str, Any]]]] = [
    previewing,
    deploying,
    lambda place: boundary(place, ()),
]


def test_everything_can_be_switched_on_and_off(on: Place, off: Place) -> None:
    assert [name for name, wanted in WANTED.items() if not wanted(on.settings)] == []
    assert [name for name, wanted in WANTED.items() if wanted(off.settings)] == [""]
    assert {kind.when for kind in KINDS} <= WANTED.keys()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_rules_and_the_linter_find_nothing_with_everything_on(
    document: Callable[[Place], list[dict[str, Any]]], on: Place, tmp_path: Path
) -> None:
    statements = document(on)
    assert [str(each) for each in violations([BOX, of_bootstrap(statements)])] == []
    found = lint({"policy": {"Version": "2012-10-17", "Statement": statements}}, tmp_path)
    said = [
        f"{each.statement}: {each.said}" for each in found if (each.kind, each.statement) not in EXPLAINED
    ]
    assert said == []


def test_policies_are_as_short_as_iam_takes_them(on: Place) -> None:
    whole = deploying(on)
    divided = list(parts(whole))
    assert [statement for part in divided for statement in part] == whole
    assert all(length(part) <= POLICY_CHARACTERS for part in divided)
    assert len(divided) <= MOST_POLICIES
    assert length(boundary(on, ())) <= POLICY_CHARACTERS
    sids = [statement["Sid"] for statement in whole]
    assert len(set(sids)) == len(sids)


def test_what_no_name_narrows_is_granted_only_where_the_environment_has_it(off: Place) -> None:
    services = {action.partition(":")[0] for each in deploying(off) for action in each["Action"]}
    assert not services & {"apigateway", "ec2", "kms", "signer"}


@pytest.mark.parametrize(
    ("make", "tag"),
    [
        ("lambda:CreateEventSourceMapping", "lambda:TagResource"),
        ("lambda:CreateCodeSigningConfig", "lambda:TagResource"),
        ("kms:CreateKey", "kms:TagResource"),
        ("ec2:CreateSecurityGroup", "ec2:CreateTags"),
        ("ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags"),
    ],
)
def test_what_is_told_by_its_tags_can_be_tagged_while_it_is_made(make: str, tag: str, on: Place) -> None:
    """What is only being made bears no tag yet: there the request's tags count."""
    statements = deploying(on)
    assert any(make in each["Action"] for each in statements)
    tagging = [each for each in statements if tag in each["Action"]]
    asked = [each.get("Condition", {}).get("StringEquals", {}) for each in tagging]
    assert {"aws:RequestTag/project": "sluice", "aws:RequestTag/environment": "dev"} in asked


def test_roles_under_a_path_are_meant_with_it(on: Place) -> None:
    path = on.settings.roles.path
    assert path is not None
    roles = [each for each in deploying(on) if each["Sid"] in {"Roles", "RolesWithinTheBoundary"}]
    for each in roles:
        assert each["Resource"] == [f"arn:aws:iam::111111111111:role{path}sluice-dev-*"]
    assert on.boundary == on.settings.roles.permission_boundary_arn, "one that is named already is kept"


def test_an_environment_of_another_place_is_refused_in_one_line() -> None:
    from sluice.errors import SettingsError  # noqa: PLC0415 beside its only use

    with pytest.raises(SettingsError, match="aws_account_id of prod is '222222222222'"):
        places(["dev", "prod"])
