"""Callers and streams that must not hang a producer: callbacks that raise, maps of shards that are none."""

import asyncio
import threading
from typing import Any

import pytest
from botocore.exceptions import CredentialRetrievalError

from sluice.errors import Undelivered, UsageError
from sluice.producer import AsyncProducer, Producer, Receipt
from sluice.producer.failures import Why, failure_of_request
from sluice.records.aggregate import unpack
from tests.unit.delivery.builders import CONTRACT, visit
from tests.unit.producer.services import Stream, client_error

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.producer.work.FIRST_PAUSE", 0.001)


def producer(stream: Any, **options: Any) -> Producer:
    return Producer("clicks", client=stream, **({"linger": 0.001, "in_flight": 1} | options))


def refused(_request: int, data: bytes) -> Any:
    return data == b"bad" and client_error("ValidationException")


@pytest.mark.parametrize("raised", [ValueError, SystemExit])
@pytest.mark.parametrize("callback", ["on_progress", "on_settled", "on_failure"])
def test_a_callback_that_raises_ends_no_sending(callback: str, raised: type[BaseException]) -> None:
    def raises(_: Any) -> None:
        raise raised

    stream = Stream(refused)
    target = producer(stream, **{callback: raises})
    for data in (b"1", b"bad", b"2"):
        target.put_record(data, "key")
        assert target.flush(10)
    with pytest.raises(Undelivered):
        target.close()
    assert stream.accepted == [b"1", b"2"]


@pytest.mark.parametrize("call", ["close", "flush"])
def test_a_callback_cannot_wait_for_itself(call: str) -> None:
    said: list[str] = []

    def waits(_: list[Receipt]) -> None:
        with pytest.raises(UsageError, match=f"{call} cannot be called in a callback") as error:
            getattr(target, call)()
        said.append(str(error.value))

    with producer(Stream(refused), on_failure=waits) as target:
        target.put_record(b"bad", "key")
    assert said


def test_closing_lets_go_who_waits_for_room() -> None:
    target = producer(Stream(), rate=0.01, linger=0, max_pending_records=1)
    target.put_record(b"1", "key").result(10)
    target.put_record(b"2", "key")  # its turn comes in 100 s
    said: list[str] = []

    def puts() -> None:
        with pytest.raises(UsageError) as error:
            target.put_record(b"3", "key")
        said.append(str(error.value))

    waiting = threading.Thread(target=puts, daemon=True)
    waiting.start()
    with pytest.raises(Undelivered):
        target.close(timeout=0.05)
    waiting.join(10)
    assert said == ["this producer is closed: make another one"]


def test_a_map_of_shards_that_cannot_be_read_again_is_used_on() -> None:
    class Resharded(Stream):
        listed = 0

        def list_shards(self, **options: Any) -> Any:
            self.listed += 1
            return {"unexpected": []} if self.listed > 1 else super().list_shards(**options)

    stream = Resharded(shards=2)
    with producer(stream, aggregate=True, linger=5) as target:
        target.open()
        stream.shards = [f"shardId-{n:012}" for n in range(2, 6)]
        for number in range(100):
            target.put_record(b"%d" % number, f"key-{number}")
        assert target.flush(10)
    assert stream.listed > 1
    assert target.report.accepted == 100


def test_a_stream_that_heeds_no_keys_does_not_get_an_event_over_and_over() -> None:
    class Scattering(Stream):
        turn = 0

        def put_records(self, **request: Any) -> Any:
            answer = super().put_records(**request)
            for result in answer["Records"]:
                self.turn += 1
                result["ShardId"] = self.shards[self.turn % len(self.shards)]
            return answer

    stream = Scattering(shards=100)
    with producer(stream, aggregate=True, linger=5) as target:
        for number in range(50):
            target.put_record(b"%d" % number, "key")
            target.put_record(b"%d" % number, "key")
            assert target.flush(10)
    assert target.report.accepted == 100
    assert len(stream.accepted) <= 50 * 5


def test_an_event_too_large_for_an_aggregate_travels_as_it_is_where_order_matters() -> None:
    def too_large(_request: int, data: bytes) -> Any:
        return len(data) > MIB and client_error("ValidationException")

    stream = Stream(too_large)
    data = b"x" * (MIB - 3)
    with producer(stream, aggregate=True, ordered=True) as target:
        for each in (b"before", data, b"after"):
            target.put_record(each, "key")
    first, second, third = stream.accepted
    assert second == data
    assert [inside.data for each in (first, third) for inside in unpack(each)] == [b"before", b"after"]


def test_requests_count_the_bytes_of_keys_beyond_ascii() -> None:
    stream = Stream()
    with producer(stream, linger=5, max_batch_bytes=2_048) as target:
        for number in range(8):
            target.put_record(b"", chr(0x1F600 + number) * 256)
    assert [len(request) for request in stream.requests] == [2, 2, 2, 2]


@pytest.mark.parametrize(
    "error",
    [
        client_error("429", 429),
        client_error("408", 408),
        CredentialRetrievalError(provider="assume-role", error_msg="no answer"),
    ],
)
def test_what_stands_between_and_does_not_answer_is_asked_again(error: Any) -> None:
    assert failure_of_request(error).why is Why.PASSING


def test_coroutines_that_come_while_a_producer_starts_do_not_hold_up_the_loop() -> None:
    loops = threading.Event()

    class Slow(Stream):
        def list_shards(self, **options: Any) -> Any:
            assert loops.wait(30)
            return super().list_shards(**options)

    async def go() -> None:
        async with AsyncProducer("clicks", CONTRACT, client=Slow(), linger=0.001, aggregate=True) as target:
            putting = [asyncio.create_task(target.put(visit(number))) for number in range(3)]
            await asyncio.sleep(0.05)
            loops.set()
            assert len(await asyncio.gather(*putting)) == 3

    asyncio.run(go())


def test_an_asynchronous_producer_refuses_a_second_event_loop() -> None:
    target = AsyncProducer("clicks", CONTRACT, client=Stream(), linger=0.001)

    async def go() -> None:
        await target.put(visit(1))

    asyncio.run(go())
    with pytest.raises(UsageError, match="another event loop"):
        asyncio.run(go())
    asyncio.run(target.close())


def test_records_that_were_throttled_together_go_again_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sluice.producer.work.FIRST_PAUSE", 0.05)
    stream = Stream(lambda request, data: request == 1 and int(data) % 3 == 0)
    with producer(stream, linger=5) as target:
        for number in range(90):
            target.put_record(b"%d" % number, f"key-{number}")
    assert [len(request) for request in stream.requests] == [90, 30]
