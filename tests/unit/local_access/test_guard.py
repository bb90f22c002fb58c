"""Everything in a request is judged, whatever else in it is allowed; what has no form is refused."""

import json as text
from typing import Any

import pytest

from sluice.local.access.guard import DeniedError, Guard
from sluice.local.identities import Identity, Issuer, RefusedError
from tests.unit.local_access.rig import ACCOUNT, REGION, World, json

TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/windows"
NOTE = {
    "Sid": "Note",
    "Effect": "Allow",
    "Action": ["dynamodb:BatchWriteItem", "dynamodb:UpdateItem"],
    "Resource": [TABLE],
    "Condition": {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["published"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
}
PUBLISHER = Identity(ACCOUNT, "publisher", "publisher")


@pytest.fixture
def guard() -> Guard:
    return Guard(Issuer(b"a cloud's"), World(policy=text.dumps({"Statement": [NOTE]})), ACCOUNT)


def updates(*keys: str) -> list[dict[str, Any]]:
    return [{"Update": {"TableName": "windows", "Key": {"pk": {"S": key}}}} for key in keys]


def test_each_item_of_a_transaction_is_judged_by_its_own_key(guard: Guard) -> None:
    allowed = json("dynamodb", "TransactWriteItems", TransactItems=updates("published", "published"))
    guard.judge(PUBLISHER, allowed)
    for keys in (("published", "other"), ("other", "published")):
        one = json("dynamodb", "TransactWriteItems", TransactItems=updates(*keys))
        with pytest.raises(DeniedError, match="dynamodb:UpdateItem"):
            guard.judge(PUBLISHER, one)


@pytest.mark.parametrize(
    ("service", "operation", "fields"),
    [
        ("dynamodb", "TransactWriteItems", {"TransactItems": ["windows"]}),
        ("dynamodb", "BatchWriteItem", {"RequestItems": ["windows"]}),
        ("dynamodb", "UpdateItem", {"TableName": "windows", "Key": {"pk": "published"}}),
        ("dynamodb", "BatchExecuteStatement", {"Statements": ["x"]}),
        ("glue", "GetDatabase", {"DatabaseInput": ["x"]}),
    ],
)
def test_what_no_service_would_read_is_refused_and_never_let_through(
    guard: Guard, service: str, operation: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(RefusedError, match="cannot be read") as refused:
        guard.judge(PUBLISHER, json(service, operation, **fields))
    assert (refused.value.code, refused.value.status) == ("SerializationException", 400)
