"""What each request needs of IAM: the action's own name, and everything that it is about."""

from typing import Any

import pytest

from sluice.local.access.keys import of_a_service
from sluice.local.access.needs import needs
from sluice.local.access.request import Request
from tests.unit.local_access.rig import REGION, World, asked, json, request


def of_glue(operation: str, *resources: str) -> list[tuple[str, str]]:
    return [(f"glue:{operation}", f"glue:{resource}") for resource in resources]


TABLE, OTHER = "dynamodb:table/windows", "dynamodb:table/claims"
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
INSERT = "INSERT INTO \"claims\" VALUE {'pk': ?}"


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            json("kinesis", "PutRecords", StreamName="events", Records=[]),
            [("kinesis:PutRecords", "kinesis:stream/events")],
        ),
        (
            json("kinesis", "PutRecords", Records=[], StreamName="events"),
            [("kinesis:PutRecords", "kinesis:stream/events")],
        ),
        (
            json("kinesis", "PutRecords", StreamARN="arn:x/allowed", Records=[], StreamName="other"),
            [("kinesis:PutRecords", "arn:x/allowed"), ("kinesis:PutRecords", "kinesis:stream/other")],
        ),
        (
            json("kinesis", "PutRecords", StreamARN="arn:x/events", StreamName="events", Records=[]),
            [("kinesis:PutRecords", "arn:x/events")],
        ),
        (json("kinesis", "ListShards", StreamARN="arn:x"), [("kinesis:ListShards", "arn:x")]),
        (json("kinesis", "SubscribeToShard", ConsumerARN="arn:c"), [("kinesis:SubscribeToShard", "arn:c")]),
        (json("kinesis", "GetRecords", ShardIterator="x"), [("kinesis:GetRecords", None)]),
        (json("kinesis", "ListStreams"), [("kinesis:ListStreams", "*")]),
        (
            json("sqs", "SendMessageBatch", QueueUrl="http://127.0.0.1:1/123456789012/letters.fifo"),
            [("sqs:SendMessage", "sqs:letters.fifo")],
        ),
        (json("sqs", "GetQueueUrl", QueueName="letters"), [("sqs:GetQueueUrl", "sqs:letters")]),
        (json("sqs", "ListQueues"), [("sqs:ListQueues", "*")]),
        (
            json("firehose", "PutRecordBatch", DeliveryStreamName="lake"),
            [("firehose:PutRecordBatch", "firehose:deliverystream/lake")],
        ),
        (
            json("glue", "GetTable", DatabaseName="db", Name="t"),
            of_glue("GetTable", "catalog", "database/db", "table/db/t"),
        ),
        (
            json("glue", "UpdateTable", DatabaseName="db", TableInput={"Name": "t"}),
            of_glue("UpdateTable", "catalog", "database/db", "table/db/t"),
        ),
        (
            json("glue", "GetTables", DatabaseName="db"),
            of_glue("GetTables", "catalog", "database/db", "table/db/*"),
        ),
        (
            json("glue", "GetDatabase", Name="db"),
            of_glue("GetDatabase", "catalog", "database/db"),
        ),
        (json("glue", "GetDatabases"), [("glue:GetDatabases", "glue:catalog")]),
        (
            json("secretsmanager", "GetSecretValue", SecretId="arn:s"),
            [("secretsmanager:GetSecretValue", "arn:s")],
        ),
        (json("secretsmanager", "GetSecretValue", SecretId="s"), [("secretsmanager:GetSecretValue", None)]),
        (
            request(
                "monitoring", path="/service/GraniteServiceVersion20100801/operation/GetMetricStatistics"
            ),
            [("cloudwatch:GetMetricStatistics", "*")],
        ),
        (request("sts", body=b"Action=GetCallerIdentity&Version=2011-06-15"), []),
        (request("sns", body=b"Action=Publish&TopicArn=x"), [("sns:Publish", None)]),
        (request("xray", path="/TraceSegments"), [("xray:POST /TraceSegments", None)]),
        (json("dynamodb", "PutItem", TableName="windows", Item=KEY), [("dynamodb:PutItem", TABLE)]),
        (
            json("dynamodb", "Query", TableName="windows", IndexName="by_day"),
            [("dynamodb:Query", TABLE + "/index/by_day")],
        ),
        (
            json(
                "dynamodb",
                "BatchGetItem",
                RequestItems={"windows": {"Keys": [KEY]}, "claims": {"Keys": [KEY]}},
            ),
            [("dynamodb:BatchGetItem", TABLE), ("dynamodb:BatchGetItem", OTHER)],
        ),
        (
            json("dynamodb", "BatchWriteItem", RequestItems={"windows": []}),
            [("dynamodb:BatchWriteItem", TABLE)],
        ),
        (
            json(
                "dynamodb",
                "TransactWriteItems",
                TransactItems=[
                    {"Put": {"TableName": "windows", "Item": KEY}},
                    {"Put": {"TableName": "windows", "Item": KEY}},
                    {"Update": {"TableName": "claims", "Key": KEY}},
                    {"ConditionCheck": {"TableName": "claims", "Key": KEY}},
                ],
            ),
            [
                ("dynamodb:PutItem", TABLE),
                ("dynamodb:PutItem", TABLE),
                ("dynamodb:UpdateItem", OTHER),
                ("dynamodb:ConditionCheckItem", OTHER),
            ],
        ),
        (
            json(
                "dynamodb", "TransactGetItems", TransactItems=[{"Get": {"TableName": "windows", "Key": KEY}}]
            ),
            [("dynamodb:GetItem", TABLE)],
        ),
        (
            json(
                "dynamodb", "BatchExecuteStatement", Statements=[{"Statement": INSERT}, {"Statement": INSERT}]
            ),
            [("dynamodb:PartiQLInsert", OTHER)],
        ),
        (
            json(
                "dynamodb", "ExecuteStatement", Statement='SELECT a, b FROM "windows"."by_day" WHERE pk = ?'
            ),
            [("dynamodb:PartiQLSelect", TABLE + "/index/by_day")],
        ),
        (
            json("dynamodb", "ExecuteStatement", Statement='UPDATE "windows" SET a = ?'),
            [("dynamodb:PartiQLUpdate", TABLE)],
        ),
        (
            json(
                "dynamodb",
                "ExecuteTransaction",
                TransactStatements=[{"Statement": "DELETE FROM windows WHERE pk = ?"}],
            ),
            [("dynamodb:PartiQLDelete", TABLE)],
        ),
        (
            json("dynamodb", "GetShardIterator", StreamArn="arn:t/stream/1"),
            [("dynamodb:GetShardIterator", "arn:t/stream/1")],
        ),
        (json("dynamodb", "ListStreams", TableName="windows"), [("dynamodb:ListStreams", "*")]),
    ],
)
def test_a_call_needs_its_action_on_what_it_names(one: Request, expected: list[Any]) -> None:
    assert asked(one) == expected


@pytest.mark.parametrize(
    ("one", "keys"),
    [
        (json("dynamodb", "UpdateItem", TableName="windows", Key=KEY), ("a",)),
        (json("dynamodb", "PutItem", TableName="windows", Item={"pk": {"N": "7"}}), ("7",)),
        (
            json("dynamodb", "BatchGetItem", RequestItems={"windows": {"Keys": [KEY, {"pk": {"S": "b"}}]}}),
            ("a", "b"),
        ),
        (
            json(
                "dynamodb",
                "BatchWriteItem",
                RequestItems={
                    "windows": [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": {"pk": {"S": "b"}}}}]
                },
            ),
            ("a", "b"),
        ),
        (
            json(
                "dynamodb",
                "TransactWriteItems",
                TransactItems=[{"Update": {"TableName": "windows", "Key": KEY}}],
            ),
            ("a",),
        ),
        (
            json(
                "dynamodb",
                "Query",
                TableName="windows",
                KeyConditionExpression="#p = :p AND sk > :s",
                ExpressionAttributeNames={"#p": "pk"},
                ExpressionAttributeValues={":p": {"S": "a"}, ":s": {"N": "1"}},
            ),
            ("a",),
        ),
        (json("dynamodb", "Scan", TableName="windows"), ()),
    ],
)
def test_the_leading_keys_are_those_that_are_touched(one: Request, keys: tuple[str, ...]) -> None:
    (need,) = needs(one)
    assert need.context(World()).get("dynamodb:leadingkeys", ()) == keys


def test_the_records_of_a_put_are_not_read_to_know_its_stream() -> None:
    """As botocore writes it: the records would be refused if they were read."""
    headers = {b"x-amz-target": b"Kinesis_20131202.PutRecords"}
    body = b'{"StreamName": "events", "Records": [no JSON]}'
    assert asked(request("kinesis", headers=headers, body=body)) == [
        ("kinesis:PutRecords", "kinesis:stream/events")
    ]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (json("sqs", "SendMessage", QueueUrl="http://x/1/q"), {"kms:Decrypt", "kms:GenerateDataKey"}),
        (json("sqs", "ReceiveMessage", QueueUrl="http://x/1/q"), {"kms:Decrypt"}),
        (json("sqs", "GetQueueAttributes", QueueUrl="http://x/1/q"), set()),
        (json("kinesis", "PutRecords", StreamName="s"), {"kms:GenerateDataKey"}),
        (json("dynamodb", "Query", TableName="t"), {"kms:Decrypt"}),
        (json("dynamodb", "DescribeTable", TableName="t"), set()),
        (request("s3", method="PUT", path="/b/k"), {"kms:GenerateDataKey"}),
        (request("s3", method="GET", path="/b/k"), {"kms:Decrypt"}),
        (request("s3", path="/b/k", query="uploads"), {"kms:Decrypt", "kms:GenerateDataKey"}),
    ],
)
def test_a_service_asks_for_the_key_in_the_callers_name(one: Request, expected: set[str]) -> None:
    (need,) = needs(one)
    found = list(of_a_service(need, one, World("arn:key")))
    assert {each.action for each in found} == expected
    assert {each.resource for each in found} <= {"arn:key"}
    assert {each.via for each in found} <= {f"{one.service}.{REGION}.amazonaws.com"}
    assert not list(of_a_service(need, one, World(None)))
