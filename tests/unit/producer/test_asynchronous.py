"""A producer for coroutines, and one whose program ends without closing it."""

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from sluice.contract import ContractViolation
from sluice.errors import DeliveryError, Undelivered, UsageError
from sluice.producer import AsyncProducer
from tests.unit.delivery.builders import CONTRACT, visit
from tests.unit.producer.services import Stream, client_error


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.producer.work.FIRST_PAUSE", 0.001)


def producer(stream: Any, **options: Any) -> AsyncProducer:
    return AsyncProducer("clicks", CONTRACT, client=stream, **({"linger": 0.001} | options))


def test_awaiting_a_put_is_awaiting_its_confirmation() -> None:
    stream = Stream(lambda request, _data: request % 3 == 1)

    async def go() -> None:
        async with producer(stream, aggregate=True) as target:
            places = await asyncio.gather(*(target.put(visit(number)) for number in range(100)))
            assert len({(place.sequence, place.sub_sequence) for place in places}) == 100
            assert len(await target.put_many([visit(100), visit(101)])) == 2
            assert target.report.accepted == 102

    asyncio.run(go())


def test_a_full_producer_is_awaited_and_the_loop_goes_on() -> None:
    gate = threading.Event()

    class Held(Stream):
        def put_records(self, **request: Any) -> Any:
            assert gate.wait(30)
            return super().put_records(**request)

    stream = Held()

    async def go() -> None:
        async with producer(stream, max_pending_records=3) as target:
            putting = asyncio.create_task(target.put_many([visit(number) for number in range(20)]))
            while target.report.pending < 3:  # noqa: ASYNC110 - it grows as this loop goes on, nobody tells
                await asyncio.sleep(0)
            assert not putting.done()
            gate.set()
            assert len(await putting) == 20

    asyncio.run(go())
    assert len(stream.accepted) == 20


def test_what_cannot_be_delivered_is_raised_where_it_was_put_and_only_there() -> None:
    async def go() -> None:
        async with producer(Stream(lambda _request, _data: client_error("AccessDeniedException"))) as target:
            with pytest.raises(DeliveryError, match="AccessDenied"):
                await target.put(visit(1))

    asyncio.run(go())


def test_what_nobody_awaited_is_told_when_closing() -> None:
    async def go() -> None:
        target = producer(Stream(lambda _request, _data: True), retry_for=0)
        with pytest.raises(ContractViolation):
            await target.enqueue(b"{}")
        future = await target.enqueue(visit(1))
        with pytest.raises(Undelivered, match="1 event was"):
            await target.close()
        assert isinstance(future.exception(), DeliveryError) if future.done() else future.cancel()

    asyncio.run(go())


def test_there_is_nothing_to_choose_about_waiting() -> None:
    with pytest.raises(UsageError, match="awaiting"):
        AsyncProducer("clicks", when_full="raise")


ENDS = """
import atexit
from tests.unit.producer.services import Stream
from sluice.producer import Producer

stream = Stream(lambda request, data: {refuse})
atexit.register(lambda: print(sorted(stream.accepted)))  # the last one registered comes first
producer = Producer("clicks", client=stream, linger=60, retry_for=0)
for number in range(3):
    producer.put_record(b"%d" % number, "key")
"""


@pytest.mark.parametrize(
    ("refuse", "said", "complaint"),
    [("False", "[b'0', b'1', b'2']", ""), ("True", "[]", "error: clicks: 3 events were not delivered")],
)
def test_a_program_that_ends_flushes_and_says_what_it_could_not_send(
    refuse: str, said: str, complaint: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS.format(refuse=refuse)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == said
    assert done.stderr.startswith(complaint)
    assert done.stderr.count("\n") == bool(complaint)
