"""A role may do what its policies allow, and nothing that they deny or that nobody thought of."""

import json
from typing import Any

import pytest

from sluice.errors import SettingsError
from sluice.local.access.policy import DECISIONS, Policies, read

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/windows"


def statement(
    actions: Any, resources: Any, sid: str = "One", effect: str = "Allow", **more: Any
) -> dict[str, Any]:
    return {"Sid": sid, "Effect": effect, "Action": actions, "Resource": resources, **more}


def policies(*statements: dict[str, Any]) -> Policies:
    return Policies([json.dumps({"Version": "2012-10-17", "Statement": list(statements)})])


def decides(found: Policies, action: str, resource: str | None, **context: str | tuple[str, ...]) -> bool:
    keys = {
        key.replace("_", ":", 1): (value,) if isinstance(value, str) else value
        for key, value in context.items()
    }
    return found.decide(action, resource, lambda: keys).allowed


@pytest.mark.parametrize(
    ("actions", "resources", "action", "resource", "allowed"),
    [
        (["dynamodb:PutItem"], [TABLE], "dynamodb:PutItem", TABLE, True),
        (["dynamodb:PutItem"], [TABLE], "dynamodb:UpdateItem", TABLE, False),
        (["dynamodb:PutItem"], [TABLE], "dynamodb:PutItem", TABLE + "/index/by_day", False),
        (["dynamodb:PutItem"], [TABLE], "dynamodb:PutItem", TABLE + "2", False),
        ("dynamodb:putitem", TABLE, "dynamodb:PutItem", TABLE, True),
        (["dynamodb:*Item"], [TABLE + "/*"], "dynamodb:PutItem", TABLE + "/index/by_day", True),
        (
            ["s3:GetObject"],
            ["arn:aws:s3:::b/letters/?/*"],
            "s3:GetObject",
            "arn:aws:s3:::b/letters/a/b/c",
            True,
        ),
        (["s3:GetObject"], ["arn:aws:s3:::b/letters/*"], "s3:GetObject", "arn:aws:s3:::b/Letters/a", False),
        (["kinesis:ListStreams"], "*", "kinesis:ListStreams", "*", True),
        (["kinesis:ListShards"], [TABLE], "kinesis:ListShards", None, True),
        (["kinesis:ListShards"], [TABLE], "kinesis:GetRecords", None, False),
    ],
)
def test_statements_name_actions_and_resources(
    actions: Any, resources: Any, action: str, resource: str | None, *, allowed: bool
) -> None:
    assert decides(policies(statement(actions, resources)), action, resource) is allowed


def test_a_denial_wins_wherever_it_stands() -> None:
    found = policies(
        statement("sqs:*", "*"),
        statement("sqs:DeleteMessage", "arn:aws:sqs:r:1:letters", effect="Deny", sid="No"),
    )
    assert found.decide("sqs:SendMessage", "arn:aws:sqs:r:1:letters", dict).sid == "One"
    denied = found.decide("sqs:DeleteMessage", "arn:aws:sqs:r:1:letters", dict)
    assert (denied.allowed, denied.sid) == (False, "No")
    assert decides(found, "sqs:DeleteMessage", "arn:aws:sqs:r:1:other")
    assert decides(found, "sqs:DeleteMessage", None), "what is not known is not denied"
    assert not decides(Policies([]), "sqs:SendMessage", "arn:aws:sqs:r:1:letters")


def test_everything_but_may_be_said() -> None:
    found = policies({"Effect": "Allow", "NotAction": "iam:*", "NotResource": [TABLE]})
    assert decides(found, "sqs:SendMessage", "arn:aws:sqs:r:1:letters")
    assert not decides(found, "iam:PassRole", "arn:aws:iam::1:role/r")
    assert not decides(found, "dynamodb:PutItem", TABLE)


@pytest.mark.parametrize(
    ("condition", "context", "met"),
    [
        (
            {"StringEquals": {"kms:ViaService": ["sqs.r.amazonaws.com", "s3.r.amazonaws.com"]}},
            "s3.r.amazonaws.com",
            True,
        ),
        ({"StringEquals": {"kms:ViaService": "sqs.r.amazonaws.com"}}, "s3.r.amazonaws.com", False),
        ({"StringEquals": {"kms:ViaService": "sqs.r.amazonaws.com"}}, (), False),
        ({"StringNotEquals": {"kms:viaservice": "sqs.r.amazonaws.com"}}, "s3.r.amazonaws.com", True),
        ({"StringNotEquals": {"kms:viaservice": "sqs.r.amazonaws.com"}}, (), True),
        ({"StringEqualsIfExists": {"kms:ViaService": "sqs.r.amazonaws.com"}}, (), True),
        ({"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}, "s3.r.amazonaws.com", True),
        ({"StringEqualsIgnoreCase": {"kms:ViaService": "S3.R.amazonaws.com"}}, "s3.r.amazonaws.com", True),
        ({"ArnLike": {"kms:ViaService": "arn:aws:*:1:*:function:a"}}, "arn:aws:l:1:2:function:a", True),
        ({"ArnLike": {"kms:ViaService": "arn:aws:*:1:2:function:*"}}, "arn:aws:l:1:2:function:a:b", True),
        ({"ArnEquals": {"kms:ViaService": "arn:*:2:3:4:a"}}, "arn:aws:l:2:3:4:a", False),
        ({"ArnNotLike": {"kms:ViaService": "arn:*:2:3:4:a"}}, "arn:aws:l:2:3:4:a", True),
        ({"Null": {"kms:ViaService": "true"}}, (), True),
        ({"Null": {"kms:ViaService": "false"}}, (), False),
        ({"Null": {"kms:ViaService": False}}, "s3.r.amazonaws.com", True),
        ({"ForAllValues:StringEquals": {"kms:ViaService": ["a", "b"]}}, ("a", "b"), True),
        ({"ForAllValues:StringEquals": {"kms:ViaService": ["a", "b"]}}, ("a", "c"), False),
        ({"ForAllValues:StringEquals": {"kms:ViaService": ["a", "b"]}}, (), True),
        ({"ForAnyValue:StringEquals": {"kms:ViaService": ["a", "b"]}}, ("a", "c"), True),
        ({"ForAnyValue:StringEquals": {"kms:ViaService": ["a", "b"]}}, (), False),
        ({"ForAnyValue:StringNotEquals": {"kms:ViaService": ["a", "b"]}}, (), False),
    ],
)
def test_conditions_hold_as_the_guide_says(condition: Any, context: Any, *, met: bool) -> None:
    found = policies(statement("kms:Decrypt", "*", Condition=condition))
    assert decides(found, "kms:Decrypt", "key", **({"kms_viaservice": context} if context else {})) is met


def test_all_conditions_have_to_hold() -> None:
    only = {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["published"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    found = policies(statement("dynamodb:UpdateItem", TABLE, Condition=only))
    assert decides(found, "dynamodb:UpdateItem", TABLE, dynamodb_leadingkeys="published")
    assert not decides(found, "dynamodb:UpdateItem", TABLE, dynamodb_leadingkeys=("published", "sales"))
    assert not decides(found, "dynamodb:UpdateItem", TABLE)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}},
            "DateGreaterThan on aws:CurrentTime",
        ),
        ({"Condition": {"StringEquals": {"aws:SourceIp": "10.0.0.1"}}}, "StringEquals on aws:SourceIp"),
        (
            {"Condition": {"ForSome:StringEquals": {"kms:ViaService": "x"}}},
            "ForSome:StringEquals on kms:ViaService",
        ),
        ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/a"}}}, "on aws:PrincipalArn"),
        ({"Condition": {"ArnLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*"}}}, "with arn:aws:lambda"),
        ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "a policy variable"),
        ({"Principal": "*"}, "it has Principal"),
        ({"Effect": "Maybe"}, "Effect 'Maybe'"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_line_that_says_what_is_known(given: Any, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(json.dumps({"Statement": statement("s3:GetObject", "*", sid="Odd") | given}))
    said = str(refused.value)
    assert words in said
    assert "statement Odd" in said
    assert "known is" in said
    assert "\n" not in said


def test_answers_are_remembered_within_bounds() -> None:
    found = policies(statement("s3:GetObject", "arn:aws:s3:::b/*"))
    for number in range(DECISIONS + 10):
        assert decides(found, "s3:GetObject", f"arn:aws:s3:::b/{number}")
    assert found._applying.cache_info().currsize == DECISIONS
