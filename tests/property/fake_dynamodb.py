"""The calls of DynamoDB that the windows use, in memory: fast enough for hundreds of thousands of them.

Conditions, updates and transactions behave as DynamoDB's do, and so do the mistakes in them: a name or a
value that an expression does not use is refused, an item above 400 KB too. `tests/unit/windows` asks moto.
"""

# ruff: noqa: N803 - the requests are spelt as AWS spells them

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
KEYS = {"windows": ("pk", "sk"), "claims": ("pk",), "ledger": ("lane", "first")}
_SET = re.compile(r"(#\w+) = (?:if_not_exists\((#\w+), (:\w+)\)|(:\w+))(?: \+ (:\w+))?")
_TERM = re.compile(r"attribute_not_exists\((#?\w+)\)|(#\w+) (=|<=|<) (:\w+)")


def error(code: str, operation: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, **more}, operation)


class FakeDynamoDB:
    """A client over tables in memory."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[tuple[str, ...], Item]] = {name: {} for name in KEYS}
        self.tokens: set[str] = set()

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Item:
        assert ConsistentRead
        item = self._table(TableName).get(_key(TableName, Key))
        return {"Item": dict(item)} if item else {}

    def put_item(self, *, TableName: str, Item: Item) -> Item:
        self._put(TableName, Item)
        return {}

    def update_item(
        self, *, TableName: str, Key: Item, UpdateExpression: str, ReturnValues: str = "NONE", **request: Any
    ) -> Item:
        before = self._table(TableName).get(_key(TableName, Key))
        update = {"Key": Key, "UpdateExpression": UpdateExpression, **request}
        if not _holds(before or {}, update):
            raise error("ConditionalCheckFailedException", "UpdateItem")
        self._put(TableName, _updated(before or dict(Key), update))
        return {"Attributes": dict(before)} if before and ReturnValues == "ALL_OLD" else {}

    def get_paginator(self, name: str) -> Any:
        assert name == "query"
        return self

    def paginate(self, **request: Any) -> Iterator[Item]:
        items = self.query(**request)["Items"]
        for start in range(0, max(len(items), 1), 3):
            yield {"Items": items[start : start + 3]}

    def query(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        ConsistentRead: bool,
    ) -> Item:
        assert ConsistentRead
        values = {name: value["S"] for name, value in ExpressionAttributeValues.items()}
        pk = values.pop(":pk")
        low, high = "", "\uffff"
        if KeyConditionExpression != "pk = :pk":
            found = re.fullmatch(r"pk = :pk AND sk BETWEEN (:\w+) AND (:\w+)", KeyConditionExpression)
            assert found
            low, high = values.pop(found[1]), values.pop(found[2])
            if low > high:
                raise error("ValidationException", "Query")
        assert not values
        keys = sorted(key for key in self._table(TableName) if key[0] == pk and low <= key[1] <= high)
        return {"Items": [dict(self._table(TableName)[key]) for key in keys]}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Item:
        found: dict[str, list[Item]] = {}
        for table, wanted in RequestItems.items():
            assert wanted["ConsistentRead"]
            assert 1 <= len(wanted["Keys"]) <= 100
            assert len({_key(table, key) for key in wanted["Keys"]}) == len(wanted["Keys"])
            items = (self._table(table).get(_key(table, key)) for key in wanted["Keys"])
            found[table] = [dict(item) for item in items if item]
        return {"Responses": found, "UnprocessedKeys": {}}

    def batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> Item:
        for table, writes in RequestItems.items():
            assert 1 <= len(writes) <= 25
            items = [write["PutRequest"]["Item"] for write in writes]
            assert len({_key(table, item) for item in items}) == len(items)
            for item in items:
                self._put(table, item)
        return {"UnprocessedItems": {}}

    def batch_execute_statement(self, *, Statements: list[Item]) -> Item:
        assert 1 <= len(Statements) <= 25
        return {"Responses": [self._insert(statement) for statement in Statements]}

    def _insert(self, statement: Item) -> Item:
        found = re.fullmatch(r'INSERT INTO "(\w+)" VALUE \{(.*)\}', statement["Statement"])
        assert found
        names = re.findall(r"'(\w+)': \?", found[2])
        item = dict(zip(names, statement["Parameters"], strict=True))
        if _key(found[1], item) in self._table(found[1]):
            return {"Error": {"Code": "DuplicateItem"}}
        self._put(found[1], item)
        return {"TableName": found[1]}

    def transact_write_items(self, *, TransactItems: list[Item], ClientRequestToken: str) -> Item:
        if ClientRequestToken in self.tokens:
            return {}  # it went through before: the same answer, and nothing is written again
        done: list[tuple[str, Item]] = []
        reasons: list[Item] = []
        for each in TransactItems:
            ((kind, write),) = each.items()
            table = write["TableName"]
            key = _key(table, write["Item" if kind == "Put" else "Key"])
            before = self._table(table).get(key) or {}
            reasons.append({"Code": "None" if _holds(before, write) else "ConditionalCheckFailed"})
            done.append((table, write["Item"] if kind == "Put" else _updated(before or write["Key"], write)))
        if any(reason["Code"] != "None" for reason in reasons):
            code = "TransactionCanceledException"
            raise error(code, "TransactWriteItems", CancellationReasons=reasons)
        for table, item in done:
            self._put(table, item)
        self.tokens.add(ClientRequestToken)
        return {}

    def _table(self, name: str) -> dict[tuple[str, ...], Item]:
        return self.tables[name]

    def _put(self, table: str, item: Item) -> None:
        if _size(item) > 400 * 1024:
            raise error("ValidationException", "PutItem")
        self._table(table)[_key(table, item)] = dict(item)


def _key(table: str, item: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(item[name]["S"] for name in KEYS[table])


def _size(item: Item) -> int:
    return sum(len(name) + len(value.get("B", value.get("S", str(value)))) for name, value in item.items())


def _holds(item: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Evaluate the condition; refuse names and values that nothing uses."""
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    condition = request.get("ConditionExpression", "")
    text = f"{condition} {request.get('UpdateExpression', '')}"
    if set(re.findall(r"#\w+", text)) != set(names) or set(re.findall(r":\w+", text)) != set(values):
        raise error("ValidationException", "UpdateItem")

    def term(found: re.Match[str]) -> str:
        if found[1]:
            return str(names.get(found[1], found[1]) not in item)
        have, wanted = item.get(names[found[2]]), values[found[4]]
        return str(have is not None and _compare(have, found[3], wanted))

    plain = _TERM.sub(term, condition).replace("AND", "and").replace("OR", "or")
    assert re.fullmatch(r"(True|False|and|or|[() ])*", plain), plain
    return not condition or bool(eval(plain))  # noqa: S307 - of True, False, and, or and brackets only


def _compare(have: Item, operator: str, wanted: Item) -> bool:
    ((kind, left),), ((other, right),) = have.items(), wanted.items()
    if kind != other:
        return False
    if kind == "N":
        left, right = int(left), int(right)
    operators: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
    }
    return operators[operator](left, right)


def _updated(item: Mapping[str, Any], request: Mapping[str, Any]) -> Item:
    names = request["ExpressionAttributeNames"]
    values = request.get("ExpressionAttributeValues", {})
    sets, _, removes = request["UpdateExpression"].partition("REMOVE ")
    changed = dict(item)
    for target, default, otherwise, value, more in _SET.findall(sets):
        found = values[value] if value else item.get(names[default], values[otherwise] if otherwise else None)
        changed[names[target]] = {"N": str(int(found["N"]) + int(values[more]["N"]))} if more else found
    assert len(_SET.findall(sets)) == sets.count(" = "), sets
    for name in filter(None, removes.split(", ")):
        changed.pop(names[name.strip()], None)
    return changed
