"""Claims: which record of an event counts, when an event may have been sent more than once.

The first record that claims an event id is its winner for as long as the claim is kept; the claim names
that record, so a retry of the winner is no duplicate. It costs one conditional write per event, and a read
for each duplicate: docs/windows.md has the price.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from sluice.deadline import Again, Deadline, attempts
from sluice.delivery.calls import code_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STATEMENTS = 25
"""Of one BatchExecuteStatement (2026).
docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html"""

KEYS = 100
"""Of one BatchGetItem (2026), .../API_BatchGetItem.html."""

TIME_IS_UP = "no time left"
"""Stands for the error of requests that were not made any more."""

AT_ONCE = 8
"""Requests under way together: 2,000 claims are 80 requests of some 10 ms."""


class Claims:
    """The table `claims`. Needs `dynamodb:PartiQLInsert` and `dynamodb:BatchGetItem`.

    `at_once` requests are under way together; 1 makes them one after the other, without threads.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        keep: timedelta,
        now: Callable[[], datetime],
        at_once: int = AT_ONCE,
    ) -> None:
        self._client = client
        self._table = table
        self._keep = keep
        self._now = now
        self._at_once = at_once
        self._workers: ThreadPoolExecutor | None = None

    def winners(
        self, wanted: Iterable[tuple[str, str]], deadline: Deadline
    ) -> tuple[dict[str, str], str | None]:
        """Claim events for records, and return the record that each belongs to, by the claim's key.

        `wanted` are a claim's key and the claiming record's identity; the first of several with one key
        claims. What no answer was had for by the deadline is missing; then the reason is returned too.
        """
        open_: dict[str, str] = {}
        for key, identity in wanted:
            open_.setdefault(key, identity)
        found: dict[str, str] = {}
        try:
            for attempt in attempts(deadline, first_pause=0.05, longest_pause=1.0):
                with attempt:
                    self._once(open_, found, deadline)
        except Again as error:
            return found, error.reason
        return found, None

    def _once(self, open_: dict[str, str], found: dict[str, str], deadline: Deadline) -> None:
        """Claim what is open, and read whose the rest is; raises Again when some of it is still unknown."""
        trouble: list[str] = []
        taken: list[str] = []
        chunks = _chunks([key for key in open_ if key not in found], STATEMENTS)
        inserted = self._each(lambda keys: self._insert(keys, open_, deadline), chunks)
        for chunk, codes in zip(chunks, inserted, strict=True):
            for key, code in zip(chunk, codes, strict=True):
                if code is None:
                    found[key] = open_[key]
                elif code == "DuplicateItem":
                    taken.append(key)
                else:
                    trouble.append(code)
        for winners, reason in self._each(lambda keys: self._read(keys, deadline), _chunks(taken, KEYS)):
            found.update(winners)
            trouble += [reason] if reason else []
        if len(found) < len(open_):
            raise Again(trouble[0] if trouble else "a claim expired at this moment")

    def _insert(self, keys: Sequence[str], open_: dict[str, str], deadline: Deadline) -> list[str | None]:
        """Return for each key None when it is claimed, else the code of the error."""
        if not deadline.remaining():
            return [TIME_IS_UP] * len(keys)
        expires = {"N": str(int((self._now() + self._keep).timestamp()))}
        statement = f"INSERT INTO \"{self._table}\" VALUE {{'pk': ?, 'record': ?, 'expires_at': ?}}"
        try:
            answer = self._client.batch_execute_statement(
                Statements=[
                    {"Statement": statement, "Parameters": [{"S": key}, {"S": open_[key]}, expires]}
                    for key in keys
                ]
            )
        except (BotoCoreError, ClientError, OSError) as error:
            return [code_of(error)] * len(keys)
        return [
            response["Error"].get("Code", "unknown") if "Error" in response else None
            for response in answer["Responses"]
        ]

    def _read(self, keys: Sequence[str], deadline: Deadline) -> tuple[dict[str, str], str | None]:
        """Return the winners that could be read, and what kept the others from it."""
        if not deadline.remaining():
            return {}, TIME_IS_UP
        wanted: Any = {"Keys": [{"pk": {"S": key}} for key in keys], "ConsistentRead": True}
        try:
            answer = self._client.batch_get_item(RequestItems={self._table: wanted})
        except (BotoCoreError, ClientError, OSError) as error:
            return {}, code_of(error)
        items = answer["Responses"].get(self._table, ())
        winners = {item["pk"]["S"]: item["record"]["S"] for item in items}
        return winners, "unread keys" if answer.get("UnprocessedKeys") else None

    def _each(self, do: Callable[[Sequence[str]], Any], chunks: Sequence[Sequence[str]]) -> list[Any]:
        if self._at_once == 1 or len(chunks) < 2:  # noqa: PLR2004 - one request needs no thread
            return [do(chunk) for chunk in chunks]
        if self._workers is None:
            self._workers = ThreadPoolExecutor(self._at_once, thread_name_prefix="claims")
        return list(self._workers.map(do, chunks))


def _chunks(keys: Sequence[str], size: int) -> list[Sequence[str]]:
    return [keys[start : start + size] for start in range(0, len(keys), size)]
