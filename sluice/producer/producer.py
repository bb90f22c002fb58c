"""Producers: events in, receipts out. The rules are the same for a Kinesis stream and for a Firehose.

Guarantee: at least once. A request whose answer was lost is sent again, so its events may then be there
twice, byte for byte; sinks tell them by the event's id. Nothing is dropped silently: what is given up stands
in its receipt, goes to `on_failure`, and else makes `close` raise Undelivered.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Self

from sluice.contract import Contract, Event
from sluice.contract.violations import ContractViolation
from sluice.deadline import Deadline
from sluice.errors import Undelivered, UsageError
from sluice.pipeline import Pipeline
from sluice.producer.clients import firehose_client, kinesis_client
from sluice.producer.destinations import FirehoseStream, KinesisStream
from sluice.producer.engine import Engine
from sluice.producer.keys import key_of
from sluice.producer.settings import Settings
from sluice.producer.shards import ignores_keys, no_shards, read_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from mypy_boto3_kinesis import KinesisClient

    from sluice.producer.destinations import FirehoseClient
    from sluice.producer.receipts import OnFailure, Receipt
    from sluice.producer.settings import Report
    from sluice.producer.shards import Shards


class _Producing:
    """What both producers have: the contract in front of an engine."""

    def __init__(self, contract: Contract | None, engine: Engine) -> None:
        self._contract = contract
        self._engine = engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush and close; what could not be delivered does not hide an error that is under way."""
        try:
            self.close()
        except Undelivered as undelivered:
            if error is None:
                raise
            error.add_note(str(undelivered))

    @property
    def report(self) -> Report:
        """How far it is: accepted, pending, retried, throttled, undelivered."""
        return self._engine.report()

    def open(self) -> None:
        """Make ready what the first `put` otherwise would: threads and, for aggregates, the map of shards."""
        self._engine.start()

    def take_undelivered(self) -> list[Receipt]:
        """Return the events that were given up so far and that `on_failure` has not taken.

        They are the caller's then: `close` does not tell of them again, nor of those whose receipt's `result`
        has told it.
        """
        return self._engine.take_undelivered()

    def flush(self, timeout: float | None = None) -> bool:
        """Send all that was put before, and wait until it is settled: delivered, or given up.

        Returns False when that takes longer than `timeout` seconds.
        """
        return self._engine.flush(timeout)

    def give_up(self, reason: str) -> None:
        """Give up all that waits, and let `put` raise EnvironmentProblem; callbacks may call it, too."""
        self._engine.give_up(reason)

    def close(self, timeout: float | None = None) -> None:
        """Flush, at most `timeout` seconds long, and end. What is not confirmed by then is given up.

        Raises:
            Undelivered: events had to be given up that `on_failure` has not taken; the error carries them.
        """
        self._engine.close(timeout)

    def _written(self, event: Event | bytes) -> tuple[Event, bytes]:
        """Return an event and its bytes; raises ContractViolation when it is none of the contract."""
        if self._contract is None:
            raise UsageError("this producer has no contract: give it one, or use put_record")
        if isinstance(event, bytes):
            return self._contract.decode(event), event
        if not isinstance(event, Event):
            raise ContractViolation(
                f"{type(event).__name__} is no event: give one of your event classes, or JSON as bytes"
            )
        return event, self._contract.encode(event)

    def _keyed(self, event: Event | bytes, partition_key: str | None) -> tuple[str, bytes]:
        found, data = self._written(event)
        if partition_key is not None:
            return partition_key, data
        return key_of(self._contract, found, data), data  # type: ignore[arg-type]  # _written has seen to the contract


class Producer(_Producing):
    """Puts events on a Kinesis stream; any number of threads may use it.

        with Producer("sluice-dev-events", pipeline, region="eu-central-1") as producer:
            receipt = producer.put(Purchase(...))

    - `contract`: a contract or a pipeline; without one only `put_record` can be used.
    - `client`: boto3's Kinesis client; by default one of its own, for `region`. `prepared(client)` makes one
      that is used for nothing else as fast.
    - `on_failure`: takes the receipts of events that were given up, in a sending thread.
    - `on_progress`: is told the report after each request, in a sending thread.
    - `settings`: see `Settings`: linger, max_batch_records, max_batch_bytes, max_pending_records,
      max_pending_bytes, when_full, ordered, aggregate, max_aggregate_bytes, rate, retry_for, in_flight.

    A process that is forked off cannot use its parent's producer, and says so.

    Raises:
        UsageError: a setting is not usable.
    """

    def __init__(
        self,
        stream: str,
        contract: Contract | Pipeline | None = None,
        *,
        client: KinesisClient | None = None,
        region: str | None = None,
        on_failure: OnFailure | None = None,
        on_progress: Callable[[Report], None] | None = None,
        on_settled: Callable[[list[Receipt]], None] | None = None,
        **settings: Any,
    ) -> None:
        chosen, checked = _settings(settings), _contract(contract)
        self._stream = _named(stream)
        self._client = client or kinesis_client(region)
        self._chosen = chosen
        self._ignores_keys: bool | None = None
        engine = Engine(
            KinesisStream(self._client, stream),
            chosen,
            prepare=self._prepare,
            read_shards=self._read_shards if chosen.aggregate else None,
            on_failure=on_failure,
            on_progress=on_progress,
            on_settled=on_settled,
        )
        super().__init__(checked, engine)

    def put(self, event: Event | bytes, partition_key: str | None = None) -> Receipt:
        """Put an event of the contract, or its JSON as bytes, which goes as it is.

        The partition key is the event's id unless said otherwise. Waits while as much is pending as may be.

        Raises:
            ContractViolation: it is no event of the contract; nothing is sent.
            Unsendable: it is too large, or the key is none.
            BacklogFull: there is no room, and `when_full` is "raise".
            EnvironmentProblem: the stream takes nothing at all: it does not exist, access is denied.
            Undelivered: as many events as may be pending were given up, and nobody took them.
        """
        return self._engine.put(*self._keyed(event, partition_key))

    def put_many(self, events: Iterable[Event | bytes]) -> list[Receipt]:
        """Put several events, after all of them are checked: one that breaks the contract holds back all."""
        return [self._engine.put(key, data) for key, data in [self._keyed(event, None) for event in events]]

    def put_record(self, data: bytes, partition_key: str, explicit_hash_key: str | None = None) -> Receipt:
        """Put bytes, whatever they are: sinks make a dead letter of what is no event of the contract."""
        if not isinstance(data, bytes):
            raise UsageError(f"put_record takes bytes, not {type(data).__name__}: encode a text first")
        return self._engine.put(partition_key, data, explicit_hash_key)

    def _prepare(self) -> None:
        """Before the first event: warn of a stream on which what was asked for cannot hold."""
        chosen = self._chosen
        if not (chosen.aggregate or chosen.ordered):
            return
        self._ignores_keys = ignores_keys(self._client, self._stream)
        if self._ignores_keys:
            warnings.warn(
                f"stream {self._stream} distributes records by itself (AUTO) and ignores partition keys: "
                "there is no order per key, and readers by the Kinesis Client Library drop parts of "
                "aggregates; set its record distribution to USER_PARTITION_KEY",
                RuntimeWarning,
                stacklevel=5,
            )

    def _read_shards(self, version: int) -> Shards:
        if self._ignores_keys:
            return no_shards()
        deadline = Deadline.after(self._chosen.retry_for)
        return read_shards(self._client, self._stream, version=version, deadline=deadline)


class FirehoseProducer(_Producing):
    """Puts events into a Firehose that takes direct puts, by the rules of `Producer`.

    Each record is the event's JSON and a newline, so that what Firehose concatenates stays JSON lines. There
    are no partition keys, so neither order nor aggregates: the settings are the others of `Settings`.
    """

    def __init__(
        self,
        name: str,
        contract: Contract | Pipeline | None = None,
        *,
        client: FirehoseClient | None = None,
        region: str | None = None,
        newline: bool = True,
        on_failure: OnFailure | None = None,
        on_progress: Callable[[Report], None] | None = None,
        **settings: Any,
    ) -> None:
        for setting in ("ordered", "aggregate"):
            if settings.get(setting):
                raise UsageError(f"FirehoseProducer({setting}=True): a Firehose has no shards and no keys")
        checked = _contract(contract)
        self._end = b"\n" if newline else b""
        destination = FirehoseStream(client or firehose_client(region), _named(name))
        bounded = {"max_batch_bytes": destination.max_bytes} | settings
        engine = Engine(destination, _settings(bounded), on_failure=on_failure, on_progress=on_progress)
        super().__init__(checked, engine)

    def put(self, event: Event | bytes) -> Receipt:
        """Put an event of the contract, or its JSON as bytes; raises as `Producer.put` does."""
        key, data = self._keyed(event, None)
        return self._engine.put(key, data + self._end)

    def put_many(self, events: Iterable[Event | bytes]) -> list[Receipt]:
        """Put several events, after all of them are checked: one that breaks the contract holds back all."""
        found = [self._keyed(event, None) for event in events]
        return [self._engine.put(key, data + self._end) for key, data in found]

    def put_record(self, data: bytes) -> Receipt:
        """Put bytes, whatever they are."""
        return self._engine.put("", data + self._end)


def _contract(given: Contract | Pipeline | None) -> Contract | None:
    found = given.contract if isinstance(given, Pipeline) else given
    if not isinstance(found, Contract | None):
        raise UsageError(f"{given!r} is no contract: give a Pipeline, as load_pipeline() does, or a Contract")
    return found


def _named(stream: str) -> str:
    if not stream or not isinstance(stream, str):
        raise UsageError(f"{stream!r} names no stream: give its name, as `pulumi stack output` shows it")
    return stream


def _settings(given: dict[str, Any]) -> Settings:
    known = Settings.__dataclass_fields__
    for name in given:
        if name not in known:
            raise UsageError(f"Producer({name}=...): there is no such setting; there are {', '.join(known)}")
    return Settings(**given)
