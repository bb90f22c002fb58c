"""DynamoDB's transactions without a copy of every table, idempotent by token; PartiQL's INSERT.

moto copies each table that a transaction touches, keeps no tokens, and reads PartiQL only with a parser that
does not take parameters inside an item. As documented (TransactWriteItems, BatchExecuteStatement and
BatchStatementError in the API reference, read 2026-11): all or nothing with a reason per action; a token
repeated within ten minutes changes nothing, with other contents it is refused; an INSERT of a key that exists
is `DuplicateItem`.
"""

import copy
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb import exceptions, models, responses
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.models.dynamo_type import DynamoType

TOKEN_SECONDS = 600.0
MOST_ACTIONS = 100
MOST_STATEMENTS = 25
_PREFIX = exceptions.ERROR_TYPE_PREFIX
_INSERT = re.compile(
    r"""\s*INSERT\s+INTO\s+"?([\w.-]+)"?\s+VALUE\s+\{(.*)\}\s*;?\s*""", re.IGNORECASE | re.DOTALL
)
_FIELD = re.compile(r"""\s*(?:'([^']+)'|"([^"]+)")\s*:\s*\?\s*""")


def patch() -> None:
    """Replace moto's own ways in this process."""
    backend: Any = models.DynamoDBBackend
    handler: Any = responses.DynamoHandler
    backend.transact_write_items = _transact
    backend.execute_statement = _execute
    backend.batch_execute_statement = _execute_batch
    validated = handler.transact_write_items
    tokens: dict[tuple[str, str], tuple[float, str]] = {}

    def transact_write_items(self: Any) -> Any:
        token = self.body.get("ClientRequestToken")
        if not token:
            return validated(self)
        now, place = time.monotonic(), (self.region, token)
        contents = json.dumps(self.body["TransactItems"], sort_keys=True, default=repr)
        for old in [key for key, (since, _) in tokens.items() if since < now - TOKEN_SECONDS]:
            del tokens[old]
        if place not in tokens:
            answer = validated(self)
            tokens[place] = now, contents
            return answer
        if tokens[place][1] != contents:
            raise exceptions.DynamodbException(
                _PREFIX + "IdempotentParameterMismatchException",
                "This transaction's token was used with other parameters within ten minutes",
            )
        return ActionResult({})

    handler.transact_write_items = transact_write_items


def _transact(backend: Any, actions: list[dict[str, Any]]) -> None:
    if len(actions) > MOST_ACTIONS:
        raise exceptions.TooManyTransactionsException
    places = [_place(backend, action) for action in actions]
    if len({(table.name, repr(key)) for table, key in places}) < len(places):
        raise exceptions.MultipleTransactionsException
    reasons = [
        _reason(action, table.get_item(*key)) for action, (table, key) in zip(actions, places, strict=True)
    ]
    if any(code for code, _, _ in reasons):
        raise exceptions.TransactionCanceledException(reasons)
    with _all_or_nothing(places):
        for number, action in enumerate(actions):
            try:
                _do(backend, action)
            except exceptions.MockValidationException:
                raise
            except Exception as error:
                nothing: list[Any] = [(None, None, None)] * len(actions)
                nothing[number] = (type(error).__name__, str(error), None)
                raise exceptions.TransactionCanceledException(nothing) from error


def _place(backend: Any, action: dict[str, Any]) -> tuple[Any, tuple[Any, Any]]:
    """The table and key that an action concerns."""
    if len(action) != 1:
        raise exceptions.TransactWriteSingleOpException
    ((kind, said),) = action.items()
    if kind not in ("ConditionCheck", "Put", "Delete", "Update"):
        raise exceptions.MockValidationException(f"a transaction has no action {kind}")
    table = backend.get_table(said["TableName"])
    found = said["Item"] if kind == "Put" else said["Key"]
    with suppress(KeyError):
        sort_key = DynamoType(found[table.range_key_attr]) if table.range_key_attr else None
        return table, (DynamoType(found[table.hash_key_attr]), sort_key)
    raise exceptions.MockValidationException("The provided key element does not match the schema")


def _reason(action: dict[str, Any], current: Any) -> tuple[str | None, str | None, Any]:
    """Why an action cannot be done; nothing when its condition holds."""
    (said,) = action.values()
    if said.get("ConditionExpression") is None:
        return None, None, None
    condition = get_filter_expression(
        said["ConditionExpression"],
        said.get("ExpressionAttributeNames"),
        said.get("ExpressionAttributeValues"),
    )
    if condition.expr(current):
        return None, None, None
    wanted = said.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and current is not None
    item = current.to_json()["Attributes"] if wanted else None
    return "ConditionalCheckFailed", "The conditional request failed", item


def _do(backend: Any, action: dict[str, Any]) -> None:
    ((kind, said),) = action.items()
    if kind == "Put":
        backend.put_item(said["TableName"], said["Item"])
    elif kind == "Delete":
        backend.delete_item(said["TableName"], said["Key"])
    elif kind == "Update":
        backend.update_item(
            said["TableName"],
            said["Key"],
            update_expression=said["UpdateExpression"],
            expression_attribute_names=said.get("ExpressionAttributeNames"),
            expression_attribute_values=said.get("ExpressionAttributeValues"),
        )


@contextmanager
def _all_or_nothing(places: list[tuple[Any, tuple[Any, Any]]]) -> Iterator[None]:
    """Put back what was there, in tables and their streams, when the transaction fails in its middle."""
    before = [(table, key, copy.deepcopy(table.get_item(*key))) for table, key in places]
    streams = {
        table.name: (table.stream_shard, table.stream_shard.length)
        for table, _ in places
        if table.stream_shard
    }
    try:
        yield
    except Exception:
        for table, (hash_key, sort_key), item in before:
            rows, key = (table.items, hash_key) if sort_key is None else (table.items[hash_key], sort_key)
            if item is not None:
                rows[key] = item
            elif key in rows:
                rows.pop(key)
        for shard, length in streams.values():
            shard.forget_after(length)
        raise


def _execute(backend: Any, statement: str, parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table, item = _parsed(backend, statement, parameters)
    if table.get_item(*_key(table, item)) is not None:
        raise exceptions.DynamodbException(
            _PREFIX + "DuplicateItemException", "Duplicate primary key exists in table"
        )
    table.put_item(item)
    return []


def _execute_batch(backend: Any, statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each statement on its own; the same key twice is refused as BatchWriteItem does, which is a choice."""
    if not 1 <= len(statements) <= MOST_STATEMENTS:
        raise exceptions.MockValidationException(
            "1 validation error detected: Value at 'statements' failed to satisfy constraint: Member must "
            f"have length between 1 and {MOST_STATEMENTS}"
        )
    parsed: list[Any] = []
    for said in statements:
        try:
            parsed.append(_parsed(backend, said["Statement"], said.get("Parameters", [])))
        except exceptions.ResourceNotFoundException:
            parsed.append({"Code": "ResourceNotFound", "Message": "Requested resource not found"})
    places = [(found[0].name, repr(_key(*found))) for found in parsed if isinstance(found, tuple)]
    if len(set(places)) < len(places):
        raise exceptions.MockValidationException("Provided list of item keys contains duplicates")
    return [_inserted(found) for found in parsed]


def _inserted(found: Any) -> dict[str, Any]:
    if isinstance(found, dict):
        return {"Error": found}
    table, item = found
    if table.get_item(*_key(table, item)) is not None:
        error = {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}
        return {"TableName": table.name, "Error": error}
    try:
        table.put_item(item)
    except exceptions.DynamodbException as error:
        return {"TableName": table.name, "Error": {"Code": "ValidationError", "Message": str(error.message)}}
    return {"TableName": table.name}


def _parsed(backend: Any, statement: str, parameters: list[dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
    """The table and item of an INSERT whose values are all parameters; nothing else is known here."""
    insert = _INSERT.fullmatch(statement)
    fields = [_FIELD.fullmatch(part) for part in insert[2].split(",")] if insert else []
    if insert is None or not all(fields):
        raise exceptions.MockValidationException(
            "the local cloud knows INSERT INTO \"table\" VALUE {'name': ?, ...} of PartiQL, not: " + statement
        )
    names = [field[1] or field[2] for field in fields if field]
    if len(names) != len(parameters):
        raise exceptions.MockValidationException(
            f"Number of parameters in request and statement don't match: {len(parameters)}, {len(names)}"
        )
    table = backend.get_table(insert[1])
    item = dict(zip(names, parameters, strict=True))
    for key in filter(None, (table.hash_key_attr, table.range_key_attr)):
        if key not in item:
            raise exceptions.MockValidationException(f"Missing the key {key} in the item")
    return table, item


def _key(table: Any, item: dict[str, Any]) -> tuple[Any, Any]:
    sort_key = DynamoType(item[table.range_key_attr]) if table.range_key_attr else None
    return DynamoType(item[table.hash_key_attr]), sort_key
