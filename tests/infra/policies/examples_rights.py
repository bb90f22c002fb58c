"""Slips in what roles may do, and in who may come in."""

from dataclasses import replace
from typing import Any, Final

from sluice.policies import UNKNOWN
from tests.infra.policies.made import (
    ACCOUNT,
    ALL_BLOCKED,
    BUCKET,
    BUCKETS_BLOCK,
    HTTPS,
    IN,
    OURS,
    QUEUE,
    QUEUE_POLICY,
    ROLE,
    ROLE_POLICY,
    SAFE_BUCKET,
    SAFE_QUEUE,
    Example,
    allow,
    doc,
    domain,
    made,
    pair,
    trust,
)


def _from_service(condition: dict[str, Any]) -> dict[str, Any]:
    return allow("sqs:SendMessage", Principal={"Service": "events.amazonaws.com"}, Condition=condition)


EXAMPLES: Final[tuple[Example, ...]] = (
    pair(
        "rights-named-actions",
        ROLE_POLICY,
        {"policy": doc(allow("sqs:*"))},
        {"policy": doc(allow("sqs:SendMessage"))},
    ),
    pair(
        "rights-named-actions",
        ROLE_POLICY,
        {
            "policy": doc(
                {"Sid": "Do", "Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:sqs:r:1:q"}
            )
        },
        {
            "policy": doc(
                {"Sid": "Do", "Effect": "Deny", "NotAction": "iam:*", "Resource": "arn:aws:sqs:r:1:q"}
            )
        },
    ),
    pair(
        "rights-named-resources",
        ROLE_POLICY,
        {"policy": doc(allow("sqs:SendMessage", "*"))},
        {"policy": doc(allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"))},
    ),
    *(
        pair(
            "rights-named-resources",
            ROLE_POLICY,
            {"policy": doc(allow(do, wide))},
            {"policy": doc(allow(do, narrow))},
        )
        for do, wide, narrow in (
            ("s3:PutObject", "arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/dead-letters/bigquery/*"),
            ("s3:PutObject", "arn:aws:s3:::sluice-*/dead/*", "arn:aws:s3:::sluice/dead/*"),
            ("glue:GetTable", "arn:aws:glue:r:1:table/*", "arn:aws:glue:r:1:table/sluice_dev/*"),
            (
                "logs:PutLogEvents",
                "arn:aws:logs:r:1:log-group:*",
                "arn:aws:logs:r:1:log-group:/aws/lambda/f:*",
            ),
            ("sqs:SendMessage", "arn:aws:sqs:r:1:sluice-*", "arn:aws:sqs:r:1:sluice-dev-dead-letters"),
            ("lambda:InvokeFunction", "arn:aws:lambda:r:1:function:f*", "arn:aws:lambda:r:1:function:f"),
            ("ec2:CreateNetworkInterface", "arn:aws:ec2:*:*:*/*", f"arn:aws:ec2:eu-central-1:{ACCOUNT}:*/*"),
        )
    ),
    pair(
        "rights-named-actions",
        ROLE_POLICY,
        {"policy": f"\n    {doc(allow('SQS:Send*'))}"},
        {"policy": f"\n    {doc(allow('SQS:SendMessage'))}"},
    ),
    pair(
        "rights-named-actions",
        ROLE_POLICY,
        {"policy": {"Version": "2012-10-17", "Statement": allow("sqs:SendMessag?")}},
        {"policy": {"Version": "2012-10-17", "Statement": allow("sqs:SendMessage")}},
    ),
    *(
        pair(
            "rights-named-resources",
            ROLE_POLICY,
            {"policy": doc(allow("sqs:SendMessage", wide))},
            {"policy": doc(allow("sqs:SendMessage"))},
        )
        for wide in ("arn:*", "arn:aws:sqs:*:*:*", "arn:aws:sqs:r:1:?", "*:*")
    ),
    pair(
        "rights-own-policy",
        ROLE,
        {"assumeRolePolicy": trust(), "managedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]},
        {"assumeRolePolicy": trust(), "managedPolicyArns": []},
    ),
    Example(
        rule="rights-own-policy",
        broken=made(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment", policyArn="arn:aws:iam::aws:policy/PowerUser"
        ),
        mended=made(ROLE_POLICY, policy=doc(allow("sqs:SendMessage"))),
    ),
    Example(
        rule="rights-no-lasting-credentials",
        broken=made("gcp:serviceaccount/key:Key", project="p"),
        mended=made("gcp:serviceaccount/account:Account", accountId="sluice-dev", project="p"),
    ),
    pair(
        "rights-boundary",
        ROLE,
        {"assumeRolePolicy": trust()},
        {"assumeRolePolicy": trust(), "permissionsBoundary": "arn:aws:iam::1:policy/b"},
        made(ROLE, "box-other", assumeRolePolicy=trust(), permissionsBoundary="arn:aws:iam::1:policy/b"),
    ),
    pair(
        "access-trust",
        ROLE,
        {"assumeRolePolicy": trust("firehose.amazonaws.com")},
        {
            "assumeRolePolicy": trust(
                "firehose.amazonaws.com", Condition={"StringEquals": {"sts:ExternalId": ACCOUNT}}
            )
        },
    ),
    pair(
        "access-trust",
        ROLE,
        {
            "assumeRolePolicy": doc(
                {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::1:root"}, "Action": "sts:AssumeRole"}
            )
        },
        {"assumeRolePolicy": UNKNOWN},
    ),
    pair(
        "access-no-strangers",
        QUEUE_POLICY,
        {"policy": doc(allow("sqs:SendMessage", Principal="*"))},
        {"policy": doc(allow("sqs:SendMessage", Principal={"AWS": "arn:aws:iam::1:role/r"}))},
    ),
    pair(
        "access-no-strangers",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        {"policyDocument": doc(allow("logs:PutLogEvents", Principal={"Service": "es.amazonaws.com"}))},
        {
            "policyDocument": doc(
                allow("logs:PutLogEvents", Principal={"Service": "es.amazonaws.com"}, Condition=OURS)
            )
        },
    ),
    *(
        pair(
            "access-no-strangers",
            QUEUE,
            {"policy": doc(_from_service(condition))},
            {"policy": doc(_from_service({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::sluice-*"}}))},
            SAFE_QUEUE,
        )
        for condition in (
            {"StringNotEquals": {"aws:SourceAccount": ACCOUNT}},
            {"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}},
            {"Null": {"aws:SourceAccount": "false"}},
            {"ForAllValues:StringEquals": {"aws:SourceAccount": [ACCOUNT]}},
            {"StringLike": {"aws:SourceAccount": [ACCOUNT, "*"]}},
            {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
            {"ArnLike": {"aws:SourceArn": "arn:aws:events:eu-central-1:*:rule/sluice"}},
        )
    ),
    pair(
        "access-no-strangers",
        "aws:kinesis/resourcePolicy:ResourcePolicy",
        {"policy": doc(allow("kinesis:PutRecord", Principal={"AWS": "*"}, Condition=OURS))},
        {"policy": doc(allow("kinesis:PutRecord", Principal={"AWS": "arn:aws:iam::1:role/r"}))},
    ),
    pair(
        "access-trust",
        ROLE,
        {"assumeRolePolicy": trust(Condition={"StringLike": {"aws:SourceAccount": "*"}})},
        {"assumeRolePolicy": trust()},
    ),
    pair(
        "access-invoked-by-name",
        "aws:lambda/permission:Permission",
        {"principal": "events.amazonaws.com", "sourceArn": "*"},
        {"principal": "events.amazonaws.com", "sourceArn": "arn:aws:events:r:1:rule/sluice-*"},
    ),
    pair(
        "access-invoked-by-name",
        "aws:lambda/permission:Permission",
        {"principal": "events.amazonaws.com"},
        {"principal": "events.amazonaws.com", "sourceArn": UNKNOWN},
    ),
    pair(
        "access-authenticated",
        "aws:lambda/functionUrl:FunctionUrl",
        {"authorizationType": "NONE"},
        {"authorizationType": "AWS_IAM"},
    ),
    pair(
        "access-authenticated",
        "aws:apigatewayv2/route:Route",
        {"routeKey": "GET /data/windows", "authorizationType": "NONE"},
        {"routeKey": "GET /", "authorizationType": "NONE"},
    ),
    Example(
        rule="access-buckets-closed",
        broken=made(BUCKET, bucket="b-b"),
        mended=made(BUCKET, bucket="b-c"),
        beside=(
            *SAFE_BUCKET,
            *(
                replace(each, name=f"{each.name}-c", inputs={**each.inputs, "bucket": "b-c"})
                for each in SAFE_BUCKET
            ),
            made(BUCKETS_BLOCK, "box-block", bucket="b-c", **ALL_BLOCKED),
        ),
    ),
    pair(
        "access-networks-closed", IN, {"cidrIpv4": "0.0.0.0/0", **HTTPS}, {"cidrIpv4": "10.0.0.0/16", **HTTPS}
    ),
    pair(
        "access-networks-closed",
        IN,
        {"cidrIpv4": "10.0.0.0/16", "fromPort": 0, "toPort": 65535},
        {"cidrIpv4": "10.0.0.0/16", **HTTPS},
    ),
    pair(
        "access-networks-closed",
        "aws:ec2/securityGroup:SecurityGroup",
        {"ingress": [{"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"], **HTTPS}]},
        {"egress": [{"cidrBlocks": ["0.0.0.0/0"], **HTTPS}]},
    ),
    pair(
        "access-networks-closed",
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        {"type": "ingress", "ipv6CidrBlocks": ["::/0"], **HTTPS},
        {"type": "egress", "ipv6CidrBlocks": ["::/0"], **HTTPS},
    ),
    Example(rule="access-domains", broken=domain(accessPolicies=None), mended=domain(accessPolicies=UNKNOWN)),
    Example(
        rule="access-domains", broken=domain(advancedSecurityOptions={"enabled": False}), mended=domain()
    ),
)
