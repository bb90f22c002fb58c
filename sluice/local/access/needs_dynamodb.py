"""What DynamoDB's operations need of IAM: each table, index and kind of change in them.

From the developer guide, "Using IAM with transactions" and "IAM policies with PartiQL", and the Service
Authorization Reference: a transaction needs the actions of what it does, a batch its own on each table.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

import msgspec

from sluice.local.access.request import Context, Fields, Need, Request, World

_TRANSACTED: Final = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
_STATEMENTS: Final = {
    "INSERT": "PartiQLInsert",
    "SELECT": "PartiQLSelect",
    "UPDATE": "PartiQLUpdate",
    "DELETE": "PartiQLDelete",
}
_STATEMENT: Final = re.compile(
    r"\s*(?P<verb>INSERT|SELECT|UPDATE|DELETE)\b"
    r"(?:\s+INTO|\s+FROM|.*?\sFROM)?\s+(?P<table>\"[^\"]+\"|[\w.-]+)(?:\.(?P<index>\"[^\"]+\"|[\w-]+))?",
    re.IGNORECASE | re.DOTALL,
)
_KEY_EQUALS: Final = re.compile(r"(?P<name>#?[\w.-]+)\s*=\s*(?P<value>:[\w.-]+)")


def dynamodb(operation: str, request: Request) -> list[Need]:
    """What an operation of DynamoDB, or of its streams, needs."""
    try:
        given = msgspec.json.decode(request.body)
    except msgspec.MsgspecError:  # the service says so itself
        given = {}
    if operation in ("ListStreams", "ListTables"):
        return [Need(f"dynamodb:{operation}", "*")]
    return list(_needs(operation, request, given))


def _needs(operation: str, request: Request, given: Fields) -> Iterator[Need]:
    if operation in ("BatchGetItem", "BatchWriteItem"):
        for table, wanted in (given.get("RequestItems") or {}).items():
            yield Need(
                f"dynamodb:{operation}",
                _table(request, table),
                partial(_of_batch, request.region, table, wanted),
            )
    elif operation in ("TransactGetItems", "TransactWriteItems"):
        done = [pair for item in given.get("TransactItems") or [] for pair in item.items()]
        yield from (_one(_TRANSACTED[kind], request, one) for kind, one in done if kind in _TRANSACTED)
    elif operation in ("BatchExecuteStatement", "ExecuteStatement", "ExecuteTransaction"):
        several = given.get("Statements") or given.get("TransactStatements") or [given]
        # Alike statements need the same, as no condition can tell them apart.
        yield from dict.fromkeys(_statement(str(one.get("Statement", "")), request) for one in several)
    elif "StreamArn" in given:
        yield Need(f"dynamodb:{operation}", given["StreamArn"])
    elif "TableName" in given:
        yield _one(operation, request, given)
    else:
        yield Need(f"dynamodb:{operation}", None)


def _one(action: str, request: Request, given: Fields) -> Need:
    table = str(given.get("TableName", ""))
    resource = _table(request, table)
    if given.get("IndexName"):
        resource += f"/index/{given['IndexName']}"
    return Need(f"dynamodb:{action}", resource, partial(_of_one, request.region, table, given))


def _statement(text: str, request: Request) -> Need:
    found = _STATEMENT.match(text)
    if found is None:
        return Need("dynamodb:PartiQLSelect", None)
    resource = _table(request, found["table"].strip('"'))
    if found["index"]:
        resource += f"/index/{found['index'].strip(chr(34))}"
    return Need(f"dynamodb:{_STATEMENTS[found['verb'].upper()]}", resource)


def _table(request: Request, name: str) -> str:
    return name if name.startswith("arn:") else request.arn("dynamodb", f"table/{name}")


def _of_one(region: str, table: str, given: Fields, world: World) -> Context:
    """The partition keys that an operation touches: of its key, its item or its condition."""
    name = world.hash_key(table, region)
    if name is None:
        return {}
    items = [given[part] for part in ("Key", "Item") if part in given]
    return _leading([*(item.get(name) for item in items), *_queried(name, given)])


def _of_batch(region: str, table: str, wanted: Any, world: World) -> Context:
    name = world.hash_key(table, region)
    if name is None:
        return {}
    if isinstance(wanted, dict):
        keys = wanted.get("Keys") or []
    else:
        keys = [
            one["PutRequest"]["Item"] if "PutRequest" in one else one["DeleteRequest"]["Key"]
            for one in wanted
        ]
    return _leading([key.get(name) for key in keys])


def _queried(name: str, given: Fields) -> Iterator[Any]:
    names, values = given.get("ExpressionAttributeNames") or {}, given.get("ExpressionAttributeValues") or {}
    for found in _KEY_EQUALS.finditer(given.get("KeyConditionExpression") or ""):
        if names.get(found["name"], found["name"]) == name:
            yield values.get(found["value"])


def _leading(attributes: Iterable[Any]) -> Context:
    """As the condition key has them: without their type."""
    values = {str(value) for attribute in attributes if attribute for value in attribute.values()}
    return {"dynamodb:leadingkeys": tuple(sorted(values))} if values else {}
