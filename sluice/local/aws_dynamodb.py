"""moto's DynamoDB with queries that look only at what they answer, and answers written without a model.

moto sorts a whole table for each query and walks botocore's model for each attribute that it answers. Here
the items of a partition stay sorted, and are written to JSON directly. Transactions and PartiQL's INSERT
are in aws_transactions, streams in aws_table_streams.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from moto import backends
from moto.core import responses as core
from moto.core import utils as core_utils
from moto.dynamodb import responses
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, Table
from moto.dynamodb.parsing import validators

from sluice.local import aws_table_streams, aws_transactions

_OF_ITEMS = frozenset(
    {
        "BatchExecuteStatement",
        "BatchGetItem",
        "DeleteItem",
        "ExecuteStatement",
        "GetItem",
        "GetRecords",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "UpdateItem",
    }
)
"""Operations whose answers hold items and numbers only, so that the model has nothing to add."""


class Partition(dict[DynamoType, Item]):
    """The items of one partition key by sort key, and in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[Any] = []
        self._by_value: dict[Any, Item] = {}

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        """Put an item in its place."""
        value = key.cast_value
        if value not in self._by_value:
            insort(self.order, value)
        self._by_value[value] = item
        super().__setitem__(key, item)

    def pop(self, key: DynamoType, *default: Any) -> Any:
        """Take an item out; KeyError when there is none."""
        item = super().pop(key, *default)
        value = key.cast_value
        if self._by_value.pop(value, None) is not None:
            del self.order[bisect_left(self.order, value)]
        return item

    def between(self, begin: int, end: int, *, forward: bool) -> list[Item]:
        """Items by their places in the order."""
        values = self.order[begin:end]
        return [self._by_value[value] for value in (values if forward else reversed(values))]

    def places(self, comparison: str | None, bounds: list[Any]) -> tuple[int, int]:
        """The range of places that a condition on the sort key selects."""
        if comparison is None:
            return 0, len(self.order)
        return _CONDITIONS[comparison.upper()](self.order, *bounds)


def _beginning(order: list[Any], prefix: Any) -> tuple[int, int]:
    begin = end = bisect_left(order, prefix)
    while end < len(order) and order[end].startswith(prefix):
        end += 1
    return begin, end


_CONDITIONS: dict[str, Callable[..., tuple[int, int]]] = {
    "=": lambda order, at: (bisect_left(order, at), bisect_right(order, at)),
    "<": lambda order, at: (0, bisect_left(order, at)),
    "<=": lambda order, at: (0, bisect_right(order, at)),
    ">": lambda order, at: (bisect_right(order, at), len(order)),
    ">=": lambda order, at: (bisect_left(order, at), len(order)),
    "BETWEEN": lambda order, low, high: (bisect_left(order, low), bisect_right(order, high)),
    "BEGINS_WITH": _beginning,
}


@cache
def _once(check: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Check a whole update expression: moto does so again for each part, which takes it half of an update."""

    def checked(self: Any, node: Any) -> Any:
        return check(self, node) if node.parent is None else node

    return checked


def patch() -> None:
    """Replace what is slow, or unlike AWS, in this process; again changes nothing."""
    for validator, check in (
        (validators.ActionCountValidator, "verify_action_counts"),
        (validators.OverlappingPathsValidator, "check_for_overlapping_paths"),
    ):
        setattr(validator, check, _once(getattr(validator, check)))
    _patch_tables()
    _patch_answers()
    aws_transactions.patch()
    aws_table_streams.patch()


def _patch_tables() -> None:
    table: Any = Table
    create, query = table.__init__, table.query

    def created(self: Any, *args: Any, **kwargs: Any) -> None:
        create(self, *args, **kwargs)
        if self.range_key_attr:
            self.items = defaultdict(Partition)

    def queried(  # noqa: PLR0917 - moto's own parameters
        self: Any,
        hash_key: Any,
        range_comparison: str | None,
        range_objs: list[Any],
        limit: int | None,
        exclusive_start_key: dict[str, Any] | None,
        scan_index_forward: bool,  # noqa: FBT001 - moto's own parameter
        projection_expressions: Any,
        index_name: str | None = None,
        consistent_read: bool = False,  # noqa: FBT001, FBT002 - moto's own parameter
        filter_expression: Any = None,
        **others: Any,
    ) -> Any:
        conditions = {"hash_key_conditions", "range_key_conditions"}
        if index_name or not self.range_key_attr or others.keys() - conditions:
            return query(
                self,
                hash_key,
                range_comparison,
                range_objs,
                limit,
                exclusive_start_key,
                scan_index_forward,
                projection_expressions,
                index_name,
                consistent_read,
                filter_expression,
                **others,
            )
        partition = self.items.get(hash_key) or Partition()
        begin, end = partition.places(range_comparison, [value.cast_value for value in range_objs])
        if exclusive_start_key is not None:
            last = DynamoType(exclusive_start_key[self.range_key_attr]).cast_value
            if scan_index_forward:
                begin = max(begin, bisect_right(partition.order, last))
            else:
                end = min(end, bisect_left(partition.order, last))
        found, more = _page(partition.between(begin, end, forward=scan_index_forward), limit)
        last_key = self._get_last_evaluated_key(found[-1], None) if more else None
        wanted = [item for item in found if filter_expression is None or filter_expression.expr(item)]
        if projection_expressions:
            wanted = [item.project(projection_expressions) for item in wanted]
        return wanted, len(found), last_key

    table.__init__ = created
    table.query = queried


def _page(items: list[Item], limit: int | None) -> tuple[list[Item], bool]:
    """One page, and whether it tells where to go on: also after `limit` items when no more follow, as AWS."""
    size = 0
    for place, item in enumerate(items):
        size += item.size()
        if place == limit or (place and size > RESULT_SIZE_LIMIT):
            return items[:place], True
    return items, limit is not None and len(items) == limit


def _patch_answers() -> None:
    result: Any = responses.DynamoResult
    convert = result.__init__
    serialize = core.ActionResult.execute_result

    def created(self: Any, found: Any) -> None:
        self._result = found

    def execute_result(self: Any, context: Any) -> Any:
        if context.operation_model.name in _OF_ITEMS:
            return 200, {"Content-Type": "application/x-amz-json-1.0"}, to_json(self._result)
        convert(self, self._result)
        return serialize(self, context)

    result.__init__ = created
    result.execute_result = execute_result
    names = list(backends.list_of_moto_modules())
    module: Any = backends
    module.list_of_moto_modules = lambda: names  # moto lists a directory for every request
    methods: Any = cache(core_utils.method_names_from_class)
    patched: Any = core
    patched.method_names_from_class = methods


def to_json(found: Any) -> str:
    """Items, and what stands around them, as the API answers them."""
    return msgspec.json.encode(found, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, DynamoType):
        return {value.type: value.value}
    raise NotImplementedError(f"{type(value).__name__} in an answer of DynamoDB")
