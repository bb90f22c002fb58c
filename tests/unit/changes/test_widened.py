"""Who may do more than before, and who less."""

import json
from typing import Any

import pytest

from sluice.changes.document import Document, Planned
from sluice.changes.resources import paired
from sluice.changes.widened import Rights, Widened, rights_changed
from tests.unit.changes.made import FUNCTION, QUEUE, QUEUE_POLICY, ROLE, ROLE_POLICY, document, planned, urn

ARN = "arn:aws:sqs:eu-central-1:123456789012"
LIVES = "arn:aws:sts::111111111111:assumed-role"
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
}


def written(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = f"{ARN}:letters", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def role(*statements: dict[str, Any], called: str = "sink", **more: Any) -> list[Planned]:
    given = {"assumeRolePolicy": written(TRUST), **more}
    return [
        planned(ROLE, "sink-role", name=called, **given),
        planned(ROLE_POLICY, "sink-policy", role=called, policy=written(*statements)),
    ]


def compared(before: list[Planned], after: list[Planned]) -> Rights:
    old, new = document(*before), document(*after)
    return rights_changed(old, new, paired(old, new))


def one(before: list[Planned], after: list[Planned]) -> Widened:
    (found,) = compared(before, after).widened
    return found


def test_a_statement_moved_split_or_reordered_is_neither_wider_nor_narrower() -> None:
    before = role(allow(["sqs:SendMessage", "sqs:GetQueueUrl"]), allow("s3:PutObject", "b"))
    after = [
        *role(allow("s3:PutObject", ["b"], Sid="Other")),
        planned(
            ROLE_POLICY,
            "more",
            role="sink",
            policy=written(allow("sqs:SendMessage"), allow("SQS:GetQueueUrl")),
        ),
    ]
    assert compared(before, after) == Rights(widened=(), narrowed=())


def test_a_new_action_is_wider_and_named_with_what_it_is_on() -> None:
    found = one(role(allow("sqs:SendMessage")), role(allow(["sqs:SendMessage", "sqs:PurgeQueue"])))
    assert (found.holder, found.actions, found.resource) == ("sink-role", ("sqs:PurgeQueue",), "sqs letters")
    assert not found.new


def test_a_wider_resource_says_what_it_was_until_now() -> None:
    found = one(role(allow("sqs:SendMessage")), role(allow("sqs:SendMessage", f"{ARN}:*")))
    assert (found.resource, found.until_now) == ("sqs *", "on sqs letters")
    assert compared(role(allow("sqs:SendMessage", f"{ARN}:*")), role(allow("sqs:SendMessage"))).widened == ()


def test_a_condition_that_goes_is_wider() -> None:
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}
    found = one(role(allow("sqs:SendMessage", **condition)), role(allow("sqs:SendMessage")))
    assert (found.condition, found.until_now) == ("", "only if aws:sourceaccount is 1")


def test_less_is_listed_as_narrower_and_nothing_as_wider() -> None:
    found = compared(role(allow(["sqs:SendMessage", "sqs:PurgeQueue"])), role(allow("sqs:SendMessage")))
    assert found.widened == ()
    assert [each.actions for each in found.narrowed] == [("sqs:PurgeQueue",)]


def test_a_denial_that_goes_is_wider_and_one_that_comes_is_not() -> None:
    denied = {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}
    gone = one(role(allow("sqs:SendMessage"), denied), role(allow("sqs:SendMessage")))
    assert gone.denied
    come = compared(role(allow("sqs:SendMessage")), role(allow("sqs:SendMessage"), denied))
    assert (come.widened, [each.denied for each in come.narrowed]) == ((), [True])


def test_whom_a_role_trusts_and_its_boundary_count_too() -> None:
    other = {**TRUST, "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
    found = one(role(), role(assumeRolePolicy=written(TRUST, other)))
    assert (found.on, found.who) == ("trust", "arn:aws:iam::999999999999:root")
    bound = one(role(permissionsBoundary="arn:aws:iam::1:policy/b"), role())
    assert (bound.on, bound.actions, bound.until_now) == ("boundary", (), "arn:aws:iam::1:policy/b")
    assert one(role(), role(managedPolicyArns=["arn:aws:iam::aws:policy/Admin"])).actions == (
        "all of the policy arn:aws:iam::aws:policy/Admin",
    )


def test_a_new_roles_rights_are_marked_as_new_and_come_last() -> None:
    fresh = [
        planned(ROLE, "new-role", name="new", assumeRolePolicy=written(TRUST)),
        planned(ROLE_POLICY, "new-policy", role="new", policy=written(allow("sqs:SendMessage"))),
    ]
    found = compared(role(), [*role(allow("sqs:SendMessage")), *fresh]).widened
    assert [(each.holder, each.new) for each in found] == [
        ("sink-role", False),
        ("new-role", True),
        ("new-role", True),
    ]


def test_a_right_that_follows_a_renamed_thing_is_not_wider() -> None:
    def program(name: str) -> list[Planned]:
        condition = f"assertion.account == '111111111111' && assertion.arn.startsWith('{LIVES}/{name}/')"
        return [
            *role(allow("sqs:SendMessage", f"{ARN}:{name}"), called=name),
            planned(QUEUE, "queue", name=name),
            planned(
                QUEUE_POLICY, "door", queueUrl=f"https://sqs/{name}", policy=written(door(f"{ARN}:{name}"))
            ),
            planned(
                "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
                "provider",
                workloadIdentityPoolId="pool",
                attributeCondition=condition,
            ),
        ]

    found = compared(program("old"), program("new"))
    assert (found.widened, found.narrowed) == ((), ())
    assert found.followed == 3


def door(resource: str, **principal: Any) -> dict[str, Any]:
    return allow("sqs:SendMessage", resource, Principal=principal or {"Service": "events.amazonaws.com"})


def test_everybody_at_a_resources_door_comes_first() -> None:
    def queue(*statements: dict[str, Any]) -> list[Planned]:
        return [
            planned(QUEUE, "q", name="q"),
            planned(QUEUE_POLICY, "p", queueUrl="https://sqs/q", policy=written(*statements)),
        ]

    named, everybody = door(f"{ARN}:q", AWS="arn:aws:iam::1:role/a"), door(f"{ARN}:q", AWS="*")
    found = compared(queue(), queue(named, everybody)).widened
    assert [(each.holder, each.everybody, each.new) for each in found] == [
        ("q", True, False),
        ("q", False, False),
    ]


GOOGLE = [
    (
        "gcp:projects/iAMCustomRole:IAMCustomRole",
        {"roleId": "r"},
        {"permissions": ["a.get"]},
        {"permissions": ["a.get", "a.set"]},
        "a.set",
    ),
    (
        "gcp:bigquery/dataset:Dataset",
        {"datasetId": "d"},
        {"accesses": []},
        {"accesses": [{"role": "READER", "groupByEmail": "g"}]},
        "READER",
    ),
    (
        "gcp:bigquery/dataset:Dataset",
        {"datasetId": "d"},
        {"accesses": []},
        {"accesses": [{"view": {"tableId": "t"}}]},
        "read",
    ),
    (
        "gcp:projects/iAMMember:IAMMember",
        {"project": "p", "member": "m"},
        {"role": "roles/a"},
        {"role": "roles/b"},
        "roles/b",
    ),
    (
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
        {"workloadIdentityPoolId": "p"},
        {"attributeCondition": "a"},
        {"attributeCondition": "b"},
        "come in",
    ),
    (
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
        {"workloadIdentityPoolId": "p", "attributeCondition": "a"},
        {"aws": {"accountId": "111111111111"}},
        {"aws": {"accountId": "999999999999"}},
        "come in",
    ),
    (
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
        {"workloadIdentityPoolId": "p", "attributeCondition": "a"},
        {"attributeMapping": {"attribute.aws_role": "assertion.arn"}},
        {"attributeMapping": {"attribute.aws_role": "'the-one-that-is-let-in'"}},
        "be 'the-one-that-is-let-in'",
    ),
    (
        "gcp:bigquery/datasetIamMember:DatasetIamMember",
        {"datasetId": "d", "member": "user:a"},
        {"role": "roles/a"},
        {"role": "roles/b"},
        "roles/b",
    ),
    (
        "gcp:storage/bucketIAMBinding:BucketIAMBinding",
        {"bucket": "b", "role": "roles/a"},
        {"members": ["user:a"]},
        {"members": ["user:a", "allUsers"]},
        "roles/a",
    ),
    (
        "aws:iam/userPolicyAttachment:UserPolicyAttachment",
        {"user": "u"},
        {"policyArn": "arn:aws:iam::aws:policy/Little"},
        {"policyArn": "arn:aws:iam::aws:policy/Much"},
        "all of the policy arn:aws:iam::aws:policy/Much",
    ),
    (
        "aws:iam/groupPolicy:GroupPolicy",
        {"group": "g"},
        {"policy": written(allow("a:b"))},
        {"policy": written(allow(["a:b", "a:c"]))},
        "a:c",
    ),
    (
        "aws:secretsmanager/secret:Secret",
        {"name": "s"},
        {"policy": written({**TRUST, "Resource": "*"})},
        {"policy": written({**TRUST, "Resource": "*", "Principal": "*"})},
        "sts:AssumeRole",
    ),
    (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"securityGroupId": "g", "cidrIpv4": "10.0.0.0/8", "fromPort": 443, "toPort": 443},
        {"ipProtocol": "tcp"},
        {"ipProtocol": "udp"},
        "connect to udp ports 443-443",
    ),
    (
        "aws:lambda/permission:Permission",
        {"function": "f", "action": "lambda:InvokeFunction"},
        {"principal": "a", "sourceArn": "x"},
        {"principal": "a"},
        "lambda:InvokeFunction",
    ),
    (
        "aws:lambda/permission:Permission",
        {"function": "f", "action": "lambda:InvokeFunctionUrl", "principal": "*"},
        {"functionUrlAuthType": "AWS_IAM"},
        {"functionUrlAuthType": "NONE"},
        "lambda:InvokeFunctionUrl",
    ),
    (
        "aws:apigatewayv2/authorizer:Authorizer",
        {},
        {"jwtConfiguration": {"issuer": "https://login.example.com", "audiences": ["page"]}},
        {"jwtConfiguration": {"issuer": "https://login.example.com", "audiences": ["page", "other"]}},
        "come in",
    ),
    (
        "aws:lambda/functionUrl:FunctionUrl",
        {},
        {"authorizationType": "AWS_IAM"},
        {"authorizationType": "NONE"},
        "call",
    ),
    (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"securityGroupId": "g"},
        {"cidrIpv4": "10.0.0.0/8"},
        {"cidrIpv4": "0.0.0.0/0"},
        "connect to all ports",
    ),
]


@pytest.mark.parametrize(("kind", "same", "before", "after", "action"), GOOGLE)
def test_grants_of_every_other_form_are_compared_alike(
    kind: str, same: dict[str, Any], before: dict[str, Any], after: dict[str, Any], action: str
) -> None:
    found = one(
        [planned(kind, "x", inputs={**same, **before})], [planned(kind, "x", inputs={**same, **after})]
    )
    assert action in found.actions
    again = [planned(kind, "x", inputs={**same, **after})]
    assert compared(again, again) == Rights(widened=(), narrowed=())


def test_a_function_that_takes_another_role_may_what_that_one_may() -> None:
    def program(runs_as: str, called: str = "sink") -> list[Planned]:
        other = planned(ROLE, "other-role", name="other", assumeRolePolicy=written(TRUST))
        arn = f"arn:aws:iam::123456789012:role/{runs_as}"
        return [*role(called=called), other, planned(FUNCTION, "f", name="f", role=arn)]

    found = one(program("sink"), program("other"))
    assert (found.holder, found.actions, found.until_now) == ("f", ("iam role/other",), "iam role/sink")
    assert compared(program("sink"), program("renamed", called="renamed")).widened == ()


def test_a_role_is_found_by_the_name_that_the_cloud_has_for_it() -> None:
    policy = planned(ROLE_POLICY, "stray", role="adopted", policy=written(allow("a:b")))
    assert one([], [policy]).holder == "adopted"
    assert urn(ROLE, "sink-role")


def test_a_right_on_another_thing_does_not_follow_what_lies_in_it() -> None:
    """A grant or a table that moves between datasets that both stay renames neither of them."""
    kind = "gcp:bigquery/datasetAccess:DatasetAccess"

    def program(dataset: str) -> list[Planned]:
        both = [planned("gcp:bigquery/dataset:Dataset", each, datasetId=each) for each in ("raw", "views")]
        return [*both, planned(kind, "reads", datasetId=dataset, role="READER", groupByEmail="analysts")]

    assert [each.holder for each in compared(program("views"), program("raw")).widened] == ["raw"]

    def stored(bucket: str) -> list[Planned]:
        each = planned("aws:s3/bucketObjectv2:BucketObjectv2", "object", bucket=bucket, key="k")
        return [*role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")), each]

    assert one(stored("open"), stored("secret")).resource == "s3 secret/*"


def test_another_region_makes_no_right_wider() -> None:
    def program(region: str) -> Document:
        resources = role(allow("sqs:SendMessage", f"arn:aws:sqs:{region}:1:adopted"))
        return document(*resources, providers={"aws": {"region": region}})

    old, new = program("eu-central-1"), program("us-east-1")
    found = rights_changed(old, new, paired(old, new))
    assert (found.widened, found.narrowed) == ((), ())
