"""What a token opens: the rows of one dataset, and nothing else."""

from typing import Any

import pytest

from sluice.deadline import Deadline
from sluice.delivery import DELIVERED, Retry
from sluice.sinks.answers import NoAnswer
from sluice.sinks.bigquery.inserts import Row
from sluice.sinks.bigquery.writer import Writer
from tests.unit.local_google.conftest import (
    ACCOUNT_EMAIL,
    POOLS,
    PROJECT,
    ROLE,
    Google,
    environ,
    member,
    soon,
)

ROWS = [Row("visit", b'{"insertId":"1","json":{"id":"1"}}')]
DATASETS = f"/bigquery/v2/projects/{PROJECT}/datasets"


def written(google: Google, token: Any, dataset: str = "raw") -> Any:
    (outcome,) = Writer(google.transport(token, dataset)).write(ROWS, soon())
    return outcome


def bearer(google: Google) -> dict[str, str]:
    def ask(url: str, body: bytes, headers: dict[str, str]) -> Any:
        return google.transport(None)._post(url, body, headers, soon())

    return {"Authorization": f"Bearer {google.token(environ()).get(ask)}"}


def test_the_sink_writes_with_its_roles_token(google: Google) -> None:
    assert written(google, google.token(environ())) == DELIVERED


def test_the_sink_writes_as_its_service_account(google: Google) -> None:
    assert written(google, google.token(environ(), email=ACCOUNT_EMAIL), "acting") == DELIVERED
    refused = written(google, google.token(environ()), "acting")
    assert isinstance(refused, Retry), "the role itself has no grant there"


@pytest.mark.parametrize("email", [f"other@{PROJECT}.iam.gserviceaccount.com", ACCOUNT_EMAIL])
def test_a_service_account_is_only_for_whom_its_policy_names(google: Google, email: str) -> None:
    name = f"projects/{PROJECT}/serviceAccounts/{ACCOUNT_EMAIL}"
    before = google.made(f"/v1/{name}:getIamPolicy", {})
    stranger = {"role": "roles/iam.workloadIdentityUser", "members": [member(role=f"{ROLE}-2")]}
    google.made(f"/v1/{name}:setIamPolicy", {"policy": {"bindings": [stranger]}})
    try:
        refused = written(google, google.token(environ(), email=email), "acting")
    finally:
        google.made(f"/v1/{name}:setIamPolicy", {"policy": before})
    assert isinstance(refused, Retry)
    assert "iam.serviceAccounts.getAccessToken" in refused.reason or "PERMISSION_DENIED" in refused.reason


def test_rows_without_a_token_are_refused_where_somebody_was_let_in(google: Google) -> None:
    refused = written(google, None)
    assert isinstance(refused, Retry), "never a dead letter: nothing is wrong with the row"
    assert refused.reason.startswith("BigQuery answered 401: Request had invalid authentication credentials")
    assert written(google, None, "open") == DELIVERED, "nobody was named there"


@pytest.mark.parametrize("entry", ["of another role", "of another pool", "that reads only"])
def test_rows_are_refused_without_a_grant(google: Google, entry: str) -> None:
    writer = f"projects/{PROJECT}/roles/sluice_writer"
    access = {
        "of another role": {"role": writer, "iamMember": member(role="sluice-dev-window-publisher")},
        "of another pool": {"role": writer, "iamMember": member(pool="sluice-b")},
        "that reads only": {"role": "READER", "iamMember": member()},
    }[entry]
    google.made(f"{DATASETS}/raw", {"access": [access]}, "PATCH")
    refused = written(google, google.token(environ()))
    assert isinstance(refused, Retry), "never a dead letter: nothing is wrong with the row"
    assert refused.reason.startswith("BigQuery answered 403: Access Denied: example-dev:raw.visit")
    assert "bigquery.tables.updateData" in refused.reason


def test_a_token_that_is_over_is_replaced_within_the_delivery(google: Google) -> None:
    token = google.token(environ())
    assert written(google, token) == DELIVERED
    issued = google.call("GET", "/_sluice/tokens")[1]["issued"]
    google.call("DELETE", "/_sluice/tokens")
    outcome = Writer(google.transport(token)).write(ROWS, soon())
    assert outcome == [DELIVERED]
    assert google.call("GET", "/_sluice/tokens")[1]["issued"] == issued + 1


def test_a_token_service_that_is_down_costs_delay_alone(google: Google) -> None:
    google.fault(match="token", kind="status", status=503, count=2)
    google.fault(match="token", kind="drop", count=1)
    in_time = Deadline.after(60)
    assert Writer(google.transport(google.token(environ()))).write(ROWS, in_time) == [DELIVERED]


def test_a_token_service_that_answers_nonsense_is_no_answer(google: Google) -> None:
    for body in ("<html>", "[]", '{"access_token": "t"}', '{"expires_in": "soon"}'):
        google.fault(match="token", kind="status", status=200, body=body, count=1)
        with pytest.raises(NoAnswer) as refused:
            google.transport(google.token(environ())).insert_all("visit", b"{}", soon())
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/raw/tables/visit/data"),
        ("GET", "/raw/tables"),
        ("POST", "/raw/tables"),
        ("PATCH", "/raw/tables/visit"),
        ("DELETE", "/raw/tables/visit"),
        ("PATCH", "/raw"),
        ("DELETE", "/raw"),
        ("POST", ""),
    ],
)
def test_a_functions_token_opens_nothing_else(google: Google, method: str, path: str) -> None:
    status, answer = google.call(method, DATASETS + path, {}, **bearer(google))
    assert (status, answer["error"]["errors"][0]["reason"]) == (403, "accessDenied")


def test_a_functions_token_asks_no_queries(google: Google) -> None:
    path = f"/bigquery/v2/projects/{PROJECT}/queries"
    status, answer = google.call("POST", path, {"query": "SELECT 1"}, **bearer(google))
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert google.call("POST", path, {"query": "SELECT 1", "useLegacySql": False})[0] == 200


def test_what_the_role_grants_is_open(google: Google) -> None:
    assert google.call("GET", f"{DATASETS}/raw/tables/visit", {}, **bearer(google))[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", f"/v1/projects/{PROJECT}/roles/sluice_writer"),
        ("PATCH", f"{POOLS}/sluice-b/providers/aws-roles"),
        ("POST", f"/v1/projects/{PROJECT}/serviceAccounts/{ACCOUNT_EMAIL}:setIamPolicy"),
    ],
)
def test_a_functions_token_changes_no_rights(google: Google, method: str, path: str) -> None:
    changed = {"includedPermissions": ["bigquery.tables.getData"], "disabled": True}
    status, answer = google.call(method, path, changed, **bearer(google))
    assert (status, answer["error"]["errors"][0]["reason"]) == (403, "accessDenied")
    assert google.call("GET", f"{DATASETS}/raw/tables/visit/data", {}, **bearer(google))[0] == 403


@pytest.mark.parametrize("lifetime", ["an hour", "3601s", "0s"])
def test_a_service_accounts_token_lasts_an_hour_at_most(google: Google, lifetime: str) -> None:
    path = f"/v1/projects/-/serviceAccounts/{ACCOUNT_EMAIL}:generateAccessToken"
    status, answer = google.call("POST", path, {"scope": ["x"], "lifetime": lifetime}, **bearer(google))
    assert (status, "at most 3600s" in answer["error"]["message"]) == (400, True)
