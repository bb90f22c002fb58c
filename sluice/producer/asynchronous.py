"""A producer for asyncio: nothing blocks the event loop, neither sending nor waiting for room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from sluice.errors import BacklogFull, DeliveryError, Undelivered, UsageError
from sluice.producer.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from sluice.contract import Contract, Event
    from sluice.pipeline import Pipeline
    from sluice.producer.destinations import Placed
    from sluice.producer.receipts import Receipt
    from sluice.producer.settings import Report


class AsyncProducer:
    """`Producer` for coroutines, with the same settings but `when_full`: waiting for room is awaited.

        async with AsyncProducer("sluice-dev-events", pipeline) as producer:
            await asyncio.gather(*(producer.put(event) for event in events))

    One event loop may use it.
    """

    def __init__(self, stream: str, contract: Contract | Pipeline | None = None, **settings: Any) -> None:
        if "when_full" in settings:
            raise UsageError("AsyncProducer(when_full=...): awaiting is how it waits; leave the setting out")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening = asyncio.Lock()
        self._room = asyncio.Event()
        self._waiting: dict[int, tuple[Receipt, asyncio.Future[Placed]]] = {}
        self._producer = Producer(stream, contract, when_full="raise", on_settled=self._settled, **settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush and close; what could not be delivered does not hide an error that is under way."""
        try:
            await self.close()
        except Undelivered as undelivered:
            if error is None:
                raise
            error.add_note(str(undelivered))

    @property
    def report(self) -> Report:
        """How far it is."""
        return self._producer.report

    async def put(self, event: Event | bytes, partition_key: str | None = None) -> Placed:
        """Put an event, and return where it is once the stream has confirmed it.

        Raises what `Producer.put` does, and DeliveryError when the event had to be given up.
        """
        receipt, future = await self._enqueue(event, partition_key)
        try:
            return await future
        except DeliveryError:
            receipt.told = True
            raise

    async def enqueue(self, event: Event | bytes, partition_key: str | None = None) -> asyncio.Future[Placed]:
        """Put an event, and return as soon as there is room for it; the future tells where it is."""
        return (await self._enqueue(event, partition_key))[1]

    async def put_many(self, events: Iterable[Event | bytes]) -> list[Placed]:
        """Put several events, and return their places once all are confirmed."""
        futures = [await self.enqueue(event) for event in events]
        return list(await asyncio.gather(*futures))

    async def flush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - a number that the thread keeps to
        """Send all that was put before; returns False when it is not settled within `timeout` seconds."""
        return await asyncio.to_thread(self._producer.flush, timeout)

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - same
        """Flush and end; raises Undelivered as `Producer.close` does."""
        await asyncio.to_thread(self._producer.close, timeout)

    async def _enqueue(
        self, event: Event | bytes, partition_key: str | None
    ) -> tuple[Receipt, asyncio.Future[Placed]]:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            await self._open(loop)
        while True:
            self._room.clear()
            try:
                receipt = self._producer.put(event, partition_key)
            except BacklogFull:
                await self._room.wait()
            else:
                break
        future: asyncio.Future[Placed] = loop.create_future()
        self._waiting[id(receipt)] = (receipt, future)  # `_resolve` runs in this thread, later at any rate
        return receipt, future

    async def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start for the first event; what comes meanwhile waits, and does not hold up the loop."""
        async with self._opening:
            if self._loop is None:
                await asyncio.to_thread(self._producer.open)
                self._loop = loop
        if self._loop is not loop:
            raise UsageError("this producer belongs to another event loop: make one in each")

    def _settled(self, receipts: list[Receipt]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve, receipts)

    def _resolve(self, receipts: list[Receipt]) -> None:
        self._room.set()
        for receipt in receipts:
            _, future = self._waiting.pop(id(receipt), (None, None))
            if future is None or future.done():
                continue
            if receipt.placed is not None:
                future.set_result(receipt.placed)
            else:
                future.set_exception(receipt.error())
