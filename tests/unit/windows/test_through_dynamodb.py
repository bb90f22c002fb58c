"""The same calls to another DynamoDB than the property test's: moto parses each expression by AWS' rules."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from sluice.windows.claims import Claims
from tests.unit.delivery.aws import running
from tests.unit.delivery.builders import Killed, Time
from tests.unit.windows.aws import CLAIMS, create_claims, create_windows
from tests.unit.windows.calls import START, Bench, hit


class Tables:
    """moto's tables; without a parser for PartiQL, so each statement becomes the write that it stands for."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS' name
        return {"Responses": [self.insert(*each["Parameters"]) for each in Statements]}

    def insert(self, pk: Any, record: Any, expires_at: Any) -> dict[str, Any]:
        item = {"pk": pk, "record": record, "expires_at": expires_at}
        try:
            self._client.put_item(TableName=CLAIMS, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except self._client.exceptions.ConditionalCheckFailedException:
            return {"Error": {"Code": "DuplicateItem"}}
        return {}


@pytest.fixture
def tables() -> Iterator[Tables]:
    with running() as found:
        create_windows(found.dynamodb)
        create_claims(found.dynamodb)
        yield Tables(found.dynamodb)


def test_the_whole_way_of_a_shard(tables: Tables) -> None:
    bench = Bench(hit("h0"), b"not json", hit("h0"), hit("h1", page="b"), dynamodb=tables)
    state = bench.take([0, 1])
    bench.restart()
    bench.kinesis.now = START + 11_000
    bench.close(bench.take([2, 3], state))
    assert bench.counts() == {"a": 2, "b": 1}
    assert bench.counts("once") == {"a": 1, "b": 1}
    bench.take([2, 3], state)
    assert bench.counts() == {"a": 2, "b": 1}
    bench.shard.arrivals[1].data = hit("mended", page="c")
    for _ in range(2):
        assert set(bench.redrive(1)["outcomes"].values()) == {"delivered"}
    assert bench.counts() == {"a": 2, "b": 1, "c": 1}
    bench.kinesis.now = START + 60_000
    assert bench.census() == START + 55_000
    watermark = bench.table.watermark()
    assert watermark is not None
    assert watermark.through == START + 55_000


def test_a_killer_on_its_way(tables: Tables) -> None:
    bench = Bench(hit("h0"), hit("killer"), hit("h1"), dynamodb=tables)
    for _ in range(2):
        with pytest.raises(Killed):
            bench.restart().invoke(bench.event([0, 1, 2]))
    bench.restart()
    bench.close(bench.take([1, 2]))
    assert bench.counts() == {"a": 2}


def test_two_that_commit_the_same_records_are_told_apart(tables: Tables) -> None:
    bench = Bench(hit("h0"), hit("h1"), dynamodb=tables)
    state = bench.take([0, 1])
    other = bench.runtime
    bench.restart()
    bench.close(state)
    other.invoke(bench.event([], state, isFinalInvokeForWindow=True))
    assert bench.counts() == {"a": 2}
    assert len(bench.headers()) == 1


def test_hundreds_of_claims_are_answered_and_the_first_of_each_id_wins(tables: Tables, time: Time) -> None:
    claims = Claims(cast("Any", tables), CLAIMS, keep=timedelta(days=8), now=Bench().outside.now)
    first = {f"visit#{n}": f"s0/{n}" for n in range(120)}
    assert claims.winners(first.items(), time.deadline(5)) == (first, None)
    again = [(f"visit#{n}", f"s1/{n}") for n in range(60, 180)]
    winners, trouble = claims.winners([*again, ("visit#170", "s2/0")], time.deadline(5))
    assert trouble is None
    assert winners == {key: first.get(key, identity) for key, identity in again}
