"""The way into Google: what is declared lets in the roles that write, judged as Google judges it."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.limits import SERVICE_ACCOUNT_CHARACTERS
from infra.names import shortened
from sluice.local.google.errors import TokenRefusedError
from sluice.local.google.providers import CONDITION_CHARACTERS, SUBJECT_BYTES, Caller, Provider
from sluice.sinks.bigquery.external_account import Configuration
from tests.infra.conftest import by_name

if TYPE_CHECKING:
    from sluice.local.declared import Declared
    from sluice.local.program import Program
    from tests.infra.conftest import Run

ACCOUNTS = {"dev": "111111111111", "prod": "222222222222"}
WRITERS = ("bigquery-sink", "window-publisher")
LONGEST = "p" * 22
POOL = "projects/1234567890/locations/global/workloadIdentityPools/sluice-dev-a"


def provider(program: "Program", prefix: str, longer: str = "") -> Provider:
    """The declared provider, with names made of another prefix where one is given."""
    inputs = by_name(program)["federation-provider"].inputs
    text = json.dumps(inputs).replace(prefix, longer or prefix)
    return Provider.of("pool/providers/aws-roles", json.loads(text))


def caller(account: str, role: str) -> Caller:
    return Caller(f"arn:aws:sts::{account}:assumed-role/{role}/{role}", account, f"AROAEXAMPLE:{role}")


@pytest.mark.parametrize("stack", ACCOUNTS)
def test_the_roles_that_write_are_those_that_the_access_list_names(
    stack: str, programs: "dict[str, Program]"
) -> None:
    resources = by_name(programs[stack])
    pool = POOL.rpartition("/")[0] + "/" + resources["federation-pool"].inputs["workloadIdentityPoolId"]
    declared = Provider.of(f"{pool}/providers/aws-roles", resources["federation-provider"].inputs)
    granted = [entry.get("iamMember", "") for entry in resources["warehouse-raw"].inputs["accesses"]]
    for writer in WRITERS:
        role = resources[f"{writer}-role"].inputs["name"]
        assert len(declared.members(caller(ACCOUNTS[stack], role)) & set(granted)) == 1


@pytest.mark.parametrize(
    ("account", "role"),
    [
        ("111111111111", "sluice-dev-aggregator"),
        ("111111111111", "sluice-dev-bigquery-sink-2"),
        ("111111111111", "sluice-dev-bigquery-sin"),
        ("111111111111", "sluice-prod-bigquery-sink"),
        ("222222222222", "sluice-dev-bigquery-sink"),
    ],
)
def test_nobody_else_is_let_in(account: str, role: str, programs: "dict[str, Program]") -> None:
    with pytest.raises(TokenRefusedError):
        provider(programs["dev"], "sluice-dev").members(caller(account, role))


def test_the_longest_names_fit_into_googles_limits(programs: "dict[str, Program]") -> None:
    longest = provider(programs["dev"], "sluice-dev", LONGEST)
    assert len(longest.condition) < CONDITION_CHARACTERS / 4
    for writer in WRITERS:
        members = longest.members(caller("111111111111", f"{LONGEST}-{writer}"))
        (subject,) = [member for member in members if "/subject/" in member]
        assert len(subject.partition("/subject/")[2].encode()) <= SUBJECT_BYTES
        assert any(member.endswith(f":assumed-role/{LONGEST}-{writer}") for member in members)


@pytest.fixture(scope="module")
def acting(run: "Run") -> "dict[str, Declared]":
    return by_name(run("dev", federation={"mode": "impersonation"}))


def test_with_impersonation_each_role_acts_as_an_account_of_its_own(acting: "dict[str, Declared]") -> None:
    expected: dict[str, dict[str, Any]] = {}
    for writer in WRITERS:
        role = f"sluice-dev-{writer}"
        email = f"{role}@example-analytics-dev.iam.gserviceaccount.com"
        expected[f"federation-account-{writer}"] = {
            "project": "example-analytics-dev",
            "accountId": role,
            "displayName": role,
            "description": f"Writes to BigQuery for the AWS role {role}",
        }
        expected[f"federation-acts-{writer}"] = {
            "serviceAccountId": f"projects/example-analytics-dev/serviceAccounts/{email}",
            "role": "roles/iam.workloadIdentityUser",
            "member": (
                f"principalSet://iam.googleapis.com/{POOL}/attribute.aws_role/"
                f"arn:aws:sts::111111111111:assumed-role/{role}"
            ),
        }
    declared = {
        name: each.inputs for name, each in acting.items() if each.type.startswith("gcp:serviceaccount")
    }
    assert declared == expected
    assert acting["google-apis-iamcredentials"].inputs["service"] == "iamcredentials.googleapis.com"


def test_with_impersonation_the_access_list_names_the_accounts_and_no_role(
    acting: "dict[str, Declared]",
) -> None:
    accesses = acting["warehouse-raw"].inputs["accesses"]
    assert not [entry for entry in accesses if "iamMember" in entry]
    assert [entry["userByEmail"] for entry in accesses if "userByEmail" in entry] == [
        f"sluice-dev-{writer}@example-analytics-dev.iam.gserviceaccount.com" for writer in WRITERS
    ]


def test_each_function_is_told_how_to_get_its_own_token(
    acting: "dict[str, Declared]", programs: "dict[str, Program]"
) -> None:
    for writer in WRITERS:
        texts = [
            resources[f"{writer}-function"].inputs["environment"]["variables"]["SLUICE_GOOGLE_CREDENTIALS"]
            for resources in (acting, by_name(programs["dev"]))
        ]
        act, direct = (Configuration.parse(text) for text in texts)
        assert direct.service_account_impersonation_url is None
        assert act.service_account_impersonation_url == (
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
            f"sluice-dev-{writer}@example-analytics-dev.iam.gserviceaccount.com:generateAccessToken"
        )
        assert act.audience == direct.audience == f"//iam.googleapis.com/{POOL}/providers/aws-roles"
        assert not [text for text in texts if "secret" in text.lower() or "private" in text.lower()]


def test_directly_there_are_no_accounts(programs: "dict[str, Program]") -> None:
    for program in programs.values():
        kinds = {each.type for each in program.resources}
        assert not [kind for kind in kinds if kind.startswith("gcp:serviceaccount")]
        assert "google-apis-iamcredentials" not in by_name(program)


def test_an_accounts_name_fits_however_long_the_roles_is() -> None:

    ids = {shortened(f"{LONGEST}-{writer}", SERVICE_ACCOUNT_CHARACTERS) for writer in WRITERS}
    assert len(ids) == len(WRITERS)
    assert all(6 <= len(each) <= 30 and not each.endswith("-") for each in ids)
