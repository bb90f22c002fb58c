"""DynamoDB of the local AWS over HTTP, with AWS's own client."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sluice.local.mapping_types import Start, StartKind
from sluice.local.source_table import TableSource
from tests.unit.local_cloud.clients import client

_numbers = count()
INSERT = "INSERT INTO \"%s\" VALUE {'pk': ?, 'record': ?}"


def text(value: str) -> dict[str, str]:
    return {"S": value}


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


@pytest.fixture(scope="module")
def dynamodb(aws_url: str) -> Iterator[Any]:
    found = client("dynamodb", aws_url)
    yield found
    found.close()


def make(dynamodb: Any, *keys: str, **more: Any) -> dict[str, Any]:
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    described: dict[str, Any] = dynamodb.create_table(
        TableName=f"table-{next(_numbers)}",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in kinds],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )["TableDescription"]
    return described


@pytest.fixture
def table(dynamodb: Any) -> str:
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    return str(make(dynamodb, "pk", "sk", StreamSpecification=stream)["TableName"])


@pytest.fixture
def claims(dynamodb: Any) -> str:
    return str(make(dynamodb, "pk")["TableName"])


def put(table: str, sk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": {"pk": text("p"), "sk": text(sk), "n": number(1)}, **more}}


def rows(dynamodb: Any, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dynamodb.scan(TableName=table)["Items"]
    return found


def changes(aws_url: str, dynamodb: Any, table: str) -> list[str]:
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    source = TableSource(aws_url, "eu-west-1", arn)
    (shard,) = source.shards()
    page = source.read(shard.id, source.open(shard.id, Start(StartKind.TRIM_HORIZON)), 1000)
    return [record.data for record in page.records]


def test_a_transaction_is_done_whole_or_not_at_all_and_says_why(
    dynamodb: Any, table: str, aws_url: str
) -> None:
    once = {
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    update = {
        "Update": {
            "TableName": table,
            "Key": {"pk": text("lane"), "sk": text("s")},
            "UpdateExpression": "SET n = :new",
            "ConditionExpression": "attribute_not_exists(n) OR n = :old",
            "ExpressionAttributeValues": {":new": number(1), ":old": number(0)},
        }
    }
    dynamodb.transact_write_items(TransactItems=[put(table, "a", **once), update])
    before = rows(dynamodb, table)
    assert len(before) == 2
    recorded = changes(aws_url, dynamodb, table)
    with pytest.raises(ClientError) as raised:
        dynamodb.transact_write_items(
            TransactItems=[put(table, "b", **once), update, put(table, "a", **once)]
        )
    response: Any = raised.value.response
    assert response["Error"]["Code"] == "TransactionCanceledException"
    first, second, third = response["CancellationReasons"]
    assert first["Code"] == "None"
    assert (second["Code"], second.get("Item")) == ("ConditionalCheckFailed", None)
    assert (third["Code"], third["Item"]["sk"]) == ("ConditionalCheckFailed", text("a"))
    assert rows(dynamodb, table) == before
    assert changes(aws_url, dynamodb, table) == recorded


def test_a_transaction_that_fails_in_its_middle_leaves_tables_and_streams_as_they_were(
    dynamodb: Any, table: str, aws_url: str
) -> None:
    dynamodb.put_item(TableName=table, Item={"pk": text("p"), "sk": text("a"), "n": text("no number")})
    before, recorded = rows(dynamodb, table), changes(aws_url, dynamodb, table)
    add = {
        "Update": {
            "TableName": table,
            "Key": {"pk": text("p"), "sk": text("a")},
            "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": number(1)},
        }
    }
    with pytest.raises(ClientError):
        dynamodb.transact_write_items(TransactItems=[put(table, "b"), add])
    assert rows(dynamodb, table) == before
    assert changes(aws_url, dynamodb, table) == recorded


def test_a_transaction_repeated_with_its_token_changes_nothing_and_another_one_is_refused(
    dynamodb: Any, table: str
) -> None:
    once = put(table, "a", ConditionExpression="attribute_not_exists(pk)")
    for _ in range(2):
        dynamodb.transact_write_items(TransactItems=[once], ClientRequestToken="t-1")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        dynamodb.transact_write_items(TransactItems=[put(table, "b")], ClientRequestToken="t-1")
    with pytest.raises(ClientError, match="multiple operations on one item"):
        dynamodb.transact_write_items(TransactItems=[put(table, "c"), put(table, "c")])
    assert [row["sk"] for row in rows(dynamodb, table)] == [text("a")]


def test_a_claim_is_inserted_once_and_each_statement_answers_for_itself(dynamodb: Any, claims: str) -> None:
    def insert(table: str, key: str, record: str) -> dict[str, Any]:
        return {"Statement": INSERT % table, "Parameters": [text(key), text(record)]}

    first = dynamodb.batch_execute_statement(
        Statements=[insert(claims, "e1", "one"), insert(claims, "e2", "one")]
    )
    assert first["Responses"] == [{"TableName": claims}] * 2
    second = dynamodb.batch_execute_statement(
        Statements=[insert(claims, "e2", "two"), insert("nowhere", "e", "two"), insert(claims, "e3", "two")]
    )
    codes = [answer.get("Error", {}).get("Code") for answer in second["Responses"]]
    assert codes == ["DuplicateItem", "ResourceNotFound", None]
    assert {row["pk"]["S"]: row["record"]["S"] for row in rows(dynamodb, claims)} == {
        "e1": "one",
        "e2": "one",
        "e3": "two",
    }
    with pytest.raises(ClientError, match="duplicates"):
        dynamodb.batch_execute_statement(Statements=[insert(claims, "e4", "a"), insert(claims, "e4", "b")])
    with pytest.raises(ClientError, match="DuplicateItemException"):
        dynamodb.execute_statement(**insert(claims, "e1", "three"))
    with pytest.raises(ClientError, match="not: SELECT"):
        dynamodb.execute_statement(Statement='SELECT * FROM "claims"')
    with pytest.raises(ClientError, match="length between 1 and 25"):
        dynamodb.batch_execute_statement(Statements=[insert(claims, f"k{n}", "x") for n in range(26)])


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("pk = :p", range(60)),
        ("pk = :p AND sk < :a", range(20)),
        ("pk = :p AND sk <= :a", range(21)),
        ("pk = :p AND sk > :a", range(21, 60)),
        ("pk = :p AND sk >= :a", range(20, 60)),
        ("pk = :p AND sk = :a", range(20, 21)),
        ("pk = :p AND sk BETWEEN :a AND :b", range(20, 31)),
        ("pk = :p AND begins_with(sk, :c)", range(30, 40)),
    ],
)
@pytest.mark.parametrize("forward", [True, False])
def test_a_query_gives_a_partition_in_order_page_by_page(
    dynamodb: Any,
    condition: str,
    wanted: range,
    forward: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    table = str(make(dynamodb, "pk", "sk")["TableName"])
    for n in reversed(range(60)):
        dynamodb.put_item(
            TableName=table, Item={"pk": text("p"), "sk": text(f"{n:03}"), "d": {"B": b"\x00\xff"}}
        )
    dynamodb.put_item(TableName=table, Item={"pk": text("q"), "sk": text("000")})
    dynamodb.delete_item(TableName=table, Key={"pk": text("p"), "sk": text("001")})
    values = {":p": text("p"), ":a": text("020"), ":b": text("030"), ":c": text("03")}
    used = {name: value for name, value in values.items() if re.search(rf"{name}\b", condition)}
    arguments: dict[str, Any] = {"TableName": table, "Limit": 7, "ScanIndexForward": forward}
    found: list[dict[str, Any]] = []
    while True:
        page = dynamodb.query(KeyConditionExpression=condition, ExpressionAttributeValues=used, **arguments)
        found += page["Items"]
        assert len(page["Items"]) == page["ScannedCount"] <= 7
        if "LastEvaluatedKey" not in page:
            break
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    places = [n for n in wanted if n != 1]
    expected = places if forward else places[::-1]
    assert [item["sk"]["S"] for item in found] == [f"{n:03}" for n in expected]
    assert all(item["d"]["B"] == b"\x00\xff" for item in found)


def test_a_page_of_a_query_holds_a_megabyte_and_a_filter_comes_after_it(dynamodb: Any, table: str) -> None:
    for n in range(12):
        item = {"pk": text("p"), "sk": text(str(n)), "even": number(1 - n % 2), "d": {"B": b"x" * 200_000}}
        dynamodb.put_item(TableName=table, Item=item)
    page = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :p",
        FilterExpression="even = :e",
        ProjectionExpression="sk",
        ExpressionAttributeValues={":p": text("p"), ":e": number(1)},
    )
    assert 4 <= page["ScannedCount"] <= 5
    assert 2 <= page["Count"] <= 3
    assert all(list(item) == ["sk"] for item in page["Items"])
    assert page["LastEvaluatedKey"]["pk"] == text("p")


def test_a_stream_of_keys_tells_each_change_once_and_nothing_of_writes_that_change_nothing(
    dynamodb: Any, table: str, aws_url: str
) -> None:
    key = {"pk": text("watermark"), "sk": text("-")}
    for through in (1, 1, 2):
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET through = :t",
            ExpressionAttributeValues={":t": number(through)},
        )
    dynamodb.put_item(TableName=table, Item={**key, "through": number(2)})
    dynamodb.delete_item(TableName=table, Key=key)
    with pytest.raises(ClientError):
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET through = through + :t",
            ExpressionAttributeValues={":t": number(1)},
        )
    assert rows(dynamodb, table) == []
    found = changes(aws_url, dynamodb, table)
    assert [re.findall(r'"eventName":"(\w+)"', one) for one in found] == [["INSERT"], ["MODIFY"], ["REMOVE"]]
    assert all('"Keys":{"pk":{"S":"watermark"},"sk":{"S":"-"}}' in one for one in found)
    assert all("Image" not in one and '"awsRegion":"eu-west-1"' in one for one in found)


def test_a_stream_is_read_on_from_where_it_was_left(dynamodb: Any, table: str, aws_url: str) -> None:
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    source = TableSource(aws_url, "eu-west-1", arn)
    (shard,) = source.shards()
    cursor = source.open(shard.id, Start(StartKind.LATEST))
    for n in range(5):
        dynamodb.put_item(TableName=table, Item={"pk": text("p"), "sk": text(str(n))})
    first = source.read(shard.id, cursor, 2)
    assert len(first.records) == 2
    assert first.cursor is not None
    second = source.read(shard.id, first.cursor, 10)
    after = source.open(shard.id, Start(StartKind.AFTER_SEQUENCE_NUMBER, sequence=first.records[-1].sequence))
    assert source.read(shard.id, after, 10).records == second.records
    sequences = [int(record.sequence) for record in (*first.records, *second.records)]
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 5


@pytest.mark.parametrize(
    "expression", ["SET a = :v, b = :v, a = :v", "SET a = :v REMOVE b, a", "SET a = :v SET b = :v"]
)
def test_an_update_that_names_a_path_or_a_clause_twice_is_refused(dynamodb: Any, expression: str) -> None:
    name = make(dynamodb, "pk")["TableName"]
    with pytest.raises(ClientError, match="ValidationException"):
        dynamodb.update_item(
            TableName=name,
            Key={"pk": text("one")},
            UpdateExpression=expression,
            ExpressionAttributeValues={":v": number(1)},
        )
    assert "Item" not in dynamodb.get_item(TableName=name, Key={"pk": text("one")})
