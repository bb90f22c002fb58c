"""The bootstrap, run under mocks: who may come in, what each may do, and that the rules hold it too."""

import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap.kinds import PLAIN
from bootstrap.kinds_switched import SWITCHED
from bootstrap.place import Place, places
from bootstrap.settings import BudgetSettings, Settings
from sluice.cli.project import find_root
from sluice.errors import SettingsError
from sluice.local.declared import Declared
from sluice.local.judged import judged
from sluice.local.program import Program, run_program
from sluice.policies.names import LIMITS
from tests.infra.policy_linter import lint, policies

ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = ROOT / "bootstrap"
ACCOUNT = "111111111111"
BUDGET = {
    "aws_usd": 200,
    "google_amount": 100,
    "google_billing_account": "0A1B2C-3D4E5F-6A7B8C",
    "google_currency": "EUR",
    "emails": ["platform@example.com"],
}
FULL = {
    "github_subject": "repo:example@12/analytics@34",
    "budget": BUDGET,
    "reach": ["arn:aws:kinesis:eu-central-1:111111111111:stream/theirs"],
}
OF_MAIN = "(assertion.ref == 'refs/heads/main' || assertion.sub.endsWith(':pull_request'))"
EXPLAINED = {
    ("invalid_condition_key", ""): "newer than the reference: STS looks at GitHub's `ref` since January 2026",
    ("overly_permissive", "LeaveToIam"): "in the policy of a key, * is that key",
    ("resource_mismatch", "Interfaces"): "Lambda's guide asks for all resource ids: */*",
    ("overly_permissive", "Everywhere"): "sluice/policies/deploying.py says why, action by action",
}
"""What the linter says of a statement, and why it stays."""

Run = Callable[..., Program]


@pytest.fixture(scope="module")
def run() -> Run:
    def run(stack: str = "dev", *, preview: bool = False, **overrides: Any) -> Program:
        return run_program(BOOTSTRAP, stack, overrides=overrides, preview=preview)

    return run


@pytest.fixture(scope="module")
def program(run: Run) -> Program:
    return run(**FULL)


@pytest.fixture(scope="module")
def resources(program: Program) -> dict[str, Declared]:
    return {each.name: each for each in program.resources}


@pytest.fixture(scope="module")
def plain(run: Run) -> dict[str, Declared]:
    """With what can be left to others left to them."""
    found = run(github_provider=False, budget={"aws_usd": None, "emails": []})
    return {each.name: each for each in found.resources}


def document(each: Declared, key: str = "policy") -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(each.inputs[key])["Statement"]
    return statements


def rights(resources: dict[str, Declared], duty: str) -> list[dict[str, Any]]:
    """All statements of the policies that are attached to a role."""
    attached = [
        each.inputs["policyArn"].rpartition("/")[2]
        for each in resources.values()
        if each.type.endswith(":RolePolicyAttachment") and each.inputs["role"] == f"github-sluice-dev-{duty}"
    ]
    found = [each for each in resources.values() if each.type == "aws:iam/policy:Policy"]
    return [statement for each in found if each.inputs["name"] in attached for statement in document(each)]


def granted(statements: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for each in statements:
        for action in each["Action"]:
            for resource in each["Resource"]:
                yield action, resource, each


def place(stack: str = "dev") -> Place:
    return places([stack])[0]


def test_a_role_that_looks_is_for_pull_requests_and_the_main_branch_of_one_repository(
    resources: dict[str, Declared],
) -> None:
    host = "token.actions.githubusercontent.com"
    for duty, subjects in {
        "preview": [
            "repo:example@12/analytics@34:pull_request",
            "repo:example@12/analytics@34:ref:refs/heads/main",
        ],
        "deploy": ["repo:example@12/analytics@34:environment:dev"],
    }.items():
        (trust,) = document(resources[f"github-dev-{duty}-role"], "assumeRolePolicy")
        of_main = {f"{host}:ref": "refs/heads/main"} if duty == "deploy" else {}
        assert trust == {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::123456789012:oidc-provider/{host}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": subjects, **of_main}
            },
        }


def test_a_subject_without_ids_is_taken_as_older_repositories_have_it(plain: dict[str, Declared]) -> None:
    (trust,) = document(plain["github-dev-deploy-role"], "assumeRolePolicy")
    assert "repo:example/analytics:environment:dev" in str(trust)
    condition = plain["google-provider"].inputs["attributeCondition"]
    assert condition == f"assertion.repository == 'example/analytics' && {OF_MAIN}"


def test_a_role_that_looks_changes_nothing_and_reads_no_data(resources: dict[str, Declared]) -> None:
    looks = {action for action, _, _ in granted(rights(resources, "preview"))}
    assert all(
        action.partition(":")[2].startswith(("Get", "List", "Describe", "Decrypt")) for action in looks
    )
    data = {
        "kinesis:GetRecords", "kinesis:GetShardIterator", "dynamodb:GetItem", "dynamodb:Query",
        "dynamodb:Scan", "sqs:ReceiveMessage", "lambda:InvokeFunction", "secretsmanager:GetSecretValue",
    }  # fmt: skip
    assert not looks & data
    objects = [on for action, on, _ in granted(rights(resources, "preview")) if action == "s3:GetObject"]
    assert objects == ["arn:aws:s3:::sluice-state-111111111111-eu-central-1/dev/*"] or all(
        on.endswith("/dev/*") for on in objects
    )


def test_roles_are_made_only_within_the_boundary_and_nobody_touches_their_own(
    resources: dict[str, Declared],
) -> None:
    statements = rights(resources, "deploy")
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/github-sluice-dev-boundary"
    for action, on, statement in granted(statements):
        if action in {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}:
            assert statement["Condition"] == {"ArnEquals": {"iam:PermissionsBoundary": boundary}}
        if action == "iam:PassRole":
            services = statement["Condition"]["StringEquals"]["iam:PassedToService"]
            assert {"lambda.amazonaws.com", "firehose.amazonaws.com"} <= set(services)
        if action.startswith("iam:") and statement["Sid"] != "OwnRights":
            own = [f"arn:aws:iam::{ACCOUNT}:role/github-sluice-dev-deploy", boundary]
            assert not any(fnmatchcase(each, on) for each in own) or on == "*", (action, on)
    (asks,) = (each for each in statements if each["Sid"] == "OwnRights")
    assert asks["Action"] == ["iam:GetRole", "iam:SimulatePrincipalPolicy"]
    everywhere = {action for action, on, _ in granted(statements) if on == "*" and action.startswith("iam:")}
    assert everywhere == {"iam:GetAccountSummary"}
    actions = {action for action, _, _ in granted(statements)}
    assert not actions & {"iam:DeleteRolePermissionsBoundary", "iam:AttachRolePolicy", "iam:CreateUser"}


def test_an_environment_reaches_neither_anothers_things_nor_its_state(resources: dict[str, Declared]) -> None:
    others = [
        f"arn:aws:kinesis:eu-central-1:{ACCOUNT}:stream/sluice-prod-events",
        f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:sluice-prod-bigquery-sink",
        f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/sluice-prod-ledger",
        f"arn:aws:iam::{ACCOUNT}:role/sluice-prod-bigquery-sink",
        "arn:aws:s3:::sluice-state-111111111111-eu-central-1/prod/.pulumi/stacks/sluice/prod.json",
        "arn:aws:s3:::sluice-state-111111111111-eu-central-1/bootstrap/.pulumi/meta.yaml",
    ]
    for duty in ("preview", "deploy"):
        for action, on, statement in granted(rights(resources, duty)):
            if on != "*" and "Condition" not in statement:
                assert not any(fnmatchcase(each, on) for each in others), (duty, action, on)


def test_every_kind_that_the_program_declares_can_be_deployed() -> None:
    """By the committed list of all that the program can declare."""
    listed = (ROOT / "tests" / "infra" / "urns.txt").read_text().splitlines()
    declared = {urn.split("::")[-2].rpartition("$")[2] for urn in listed if "::" in urn}
    known = {f"aws:{kind}" for each in (*PLAIN, *SWITCHED) for kind in each.types}
    roles = {f"aws:iam/{kind}" for kind in ("role:Role", "rolePolicy:RolePolicy", "policy:Policy")}
    of_aws = {kind for kind in declared if kind.startswith("aws:")}
    assert of_aws - known - roles == set(), "say in bootstrap/kinds.py what deploying them takes"


def test_the_linter_finds_nothing_that_is_not_explained(
    resources: dict[str, Declared], tmp_path: Path
) -> None:
    found = lint(dict(policies(resources)), tmp_path)
    unexplained = [each for each in found if (each.kind, each.statement) not in EXPLAINED]
    assert not unexplained, "\n".join(f"{each.policy} {each.statement}: {each.said}" for each in unexplained)


def test_the_rules_hold_the_bootstrap_too(program: Program, run: Run) -> None:
    assert [str(each) for each in judged(program)] == []
    assert [str(each) for each in judged(run(preview=True, **FULL))] == []


def test_the_state_is_kept_closed_encrypted_and_in_versions(resources: dict[str, Declared]) -> None:
    assert resources["state-bucket"].protect
    assert resources["state-key"].protect
    assert resources["state-versions"].inputs["versioningConfiguration"] == {"status": "Enabled"}
    (rule,) = resources["state-lifecycle"].inputs["rules"]
    assert rule["noncurrentVersionExpiration"] == {"newerNoncurrentVersions": 20, "noncurrentDays": 365}
    names = {each.inputs.get("name") for each in resources.values()}
    assert "alias/sluice-state" in names


def test_google_lets_in_one_repository_and_grants_to_single_kinds_of_its_runs(
    resources: dict[str, Declared],
) -> None:
    provider = resources["google-provider"].inputs
    assert provider["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    assert provider["attributeMapping"] == {"google.subject": "assertion.sub"}
    assert provider["attributeCondition"] == (
        f"assertion.repository_id == '34' && assertion.repository_owner_id == '12' && {OF_MAIN}"
    )
    pool = "projects/1234567890/locations/global/workloadIdentityPools/github-sluice"
    of_deployments = {
        each.inputs["role"]
        for each in resources.values()
        if each.inputs.get("member", "").endswith("/subject/repo:example@12/analytics@34:environment:dev")
    }
    assert of_deployments == {
        "roles/bigquery.dataOwner", "roles/bigquery.jobUser", "roles/iam.roleAdmin",
        "roles/iam.securityReviewer", "roles/iam.workloadIdentityPoolAdmin",
        "roles/serviceusage.serviceUsageAdmin",
    }  # fmt: skip
    members = [each.inputs["member"] for each in resources.values() if "member" in each.inputs]
    assert all(each.startswith(f"principal://iam.googleapis.com/{pool}/subject/repo:") for each in members)
    looking = [
        each.inputs["role"] for each in resources.values() if "pull_request" in str(each.inputs.get("member"))
    ]
    assert looking
    assert not any(role.endswith(("Admin", ".dataOwner", ".dataViewer", ".jobUser")) for role in looking)


def test_analysts_are_allowed_queries_and_nobody_anything_else(run: Run) -> None:
    found = {each.name: each for each in run("prod").resources}
    grant = found["google-prod-projectIamAdmin-resourcemanager"].inputs
    assert "hasOnly(['roles/bigquery.jobUser'])" in grant["condition"]["expression"]


def test_budgets_tell_somebody_before_the_money_is_spent(resources: dict[str, Declared]) -> None:
    aws = resources["budgets-aws"].inputs
    assert (aws["limitAmount"], aws["limitUnit"], aws["timeUnit"]) == ("200.0", "USD", "MONTHLY")
    told = [(each["notificationType"], each["threshold"]) for each in aws["notifications"]]
    assert told == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert all(each["subscriberEmailAddresses"] == BUDGET["emails"] for each in aws["notifications"])
    google = resources["budgets-google"].inputs
    assert google["amount"] == {"specifiedAmount": {"currencyCode": "EUR", "units": "100"}}
    assert google["budgetFilter"] == {"projects": ["projects/example-analytics-dev"]}


def test_without_budgets_nothing_of_them_is_there(plain: dict[str, Declared]) -> None:
    kinds = {each.type for each in plain.values()}
    assert not [kind for kind in kinds if "budget:" in kind]


def test_an_account_that_has_githubs_provider_keeps_it(plain: dict[str, Declared]) -> None:
    assert "github-provider" not in plain
    (trust,) = document(plain["github-dev-preview-role"], "assumeRolePolicy")
    assert trust["Principal"] == {
        "Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    }


def test_what_workflows_have_to_know_is_one_list(program: Program) -> None:
    (dev,) = program.outputs["environments"]
    assert set(dev) == {
        "environment", "aws_region", "preview_role", "deploy_role", "google_provider", "google_project",
        "state",
    }  # fmt: skip
    assert dev["state"] == "s3://sluice-state-111111111111-eu-central-1/dev?region=eu-central-1"
    assert program.outputs["secrets_provider"] == "awskms://alias/sluice-state?region=eu-central-1"


def test_who_has_no_boundary_yet_is_told_which_to_name(program: Program) -> None:
    (warning,) = program.warnings
    assert "Pulumi.dev.yaml names no boundary" in warning
    assert f"arn:aws:iam::{ACCOUNT}:policy/github-sluice-dev-boundary" in warning


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"github_subject": "example/analytics"}, "accepted is repo:OWNER/REPO"),
        ({"environments": ["dev", "dev"]}, "accepted is each environment once"),
        ({"environments": ["nowhere"]}, "no environment 'nowhere'"),
        ({"environments": ["dev", "prod"]}, "aws_account_id of prod is '222222222222'"),
        ({"reach": ["arn:aws:s3:::*"]}, "accepted is an ARN of what a function can be given"),
        (
            {"budget": {"aws_usd": 10, "emails": []}},
            "budget.emails is []: accepted is at least one",
        ),
        ({"budget": {"google_amount": 10}}, "budget.google_billing_account"),
        ({"github_subject": f"repo:{'o' * 60}/{'r' * 60}"}, "Google takes 127 bytes of subject"),
        ({"state_days": 1}, "accepted is 30 to 3650 days"),
        ({"repository": "x"}, "is no setting"),
    ],
)
def test_a_wrong_setting_is_one_line_with_what_is_accepted(
    given: dict[str, Any], said: str, run: Run
) -> None:
    with pytest.raises(SettingsError) as error:
        run(**given)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_every_setting_is_described_to_pulumi_and_in_the_guide() -> None:
    described = yaml.safe_load((BOOTSTRAP / "Pulumi.yaml").read_text())["config"]
    assert set(described) == set(Settings.model_fields)
    rows = re.findall(r"^\| `([\w.]+)` \| ", (ROOT / "docs" / "bootstrap.md").read_text(), re.MULTILINE)
    whole = [name for name in Settings.model_fields if name != "budget"]
    assert rows[-len(whole) - len(BudgetSettings.model_fields) :] == [
        *whole,
        *(f"budget.{name}" for name in BudgetSettings.model_fields),
    ]


def test_commands_mean_the_pipelines_project_from_within_the_bootstrap() -> None:
    assert find_root(BOOTSTRAP) == ROOT


def test_names_are_within_the_limits_of_both_clouds(program: Program) -> None:
    for (kind, key), limit in LIMITS.items():
        for each in program.resources:
            if each.type == kind and isinstance(each.inputs.get(key), str):
                assert limit.holds(each.inputs[key]), each.name
