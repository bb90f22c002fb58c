"""PutRecords with retries of exactly the records that failed."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from sluice.errors import DeliveryError, EnvironmentProblem
from sluice.producer.batches import MAX_RECORDS, Batch, Outgoing, batches
from sluice.producer.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mypy_boto3_kinesis import KinesisClient

GIVE_UP_SECONDS = 120.0
"""How long one batch is tried before the producer says that the stream does not take it."""

TRANSIENT = frozenset(
    {
        "InternalFailure",
        "InternalFailureException",
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestTimeout",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)
"""Errors of a whole PutRecords request after which the same request may pass."""


@dataclass(slots=True)
class Tally:
    """What became of the records so far.

    `accepted` counts what the stream confirmed with a sequence number, `refused` what is larger than any
    stream takes by default (1 MiB with its key), `retried` the records that went out again, `bytes` is
    accepted data with keys.
    """

    accepted: int = 0
    refused: int = 0
    retried: int = 0
    bytes: int = 0


class _NotYetError(Exception):
    """Some records of a request were not accepted."""


class Producer:
    """Puts records on one stream: batched, several requests in flight, each record confirmed or reported.

    At-least-once: a request whose answer was lost is sent again, and its records may then be in the stream
    twice. Sinks recognise them by the event's id. Order within a partition key is kept only with
    `in_flight=1` and no failures, as PutRecords itself does not promise more.
    """

    def __init__(
        self,
        kinesis: KinesisClient,
        stream: str,
        *,
        in_flight: int = 2,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        self._kinesis = kinesis
        self._stream = stream
        self._in_flight = in_flight
        self._pace = pace or Pace()
        self._sleep = sleep
        self._give_up_seconds = give_up_seconds

    def send(
        self, records: Iterable[Outgoing | None], *, on_progress: Callable[[Tally], None] | None = None
    ) -> Tally:
        """Send all of `records`, and return the tally once every request is answered.

        Raises:
            DeliveryError: the stream went on refusing records; the ones before are in the stream.
            EnvironmentProblem: the stream does not exist, cannot be reached, or may not be written to.
        """
        tally = Tally()
        waiting: deque[Future[Tally]] = deque()

        def settle() -> None:
            part = waiting.popleft().result()
            tally.accepted += part.accepted
            tally.retried += part.retried
            tally.bytes += part.bytes
            if on_progress:
                on_progress(tally)

        most = min(self._pace.batch_records or MAX_RECORDS, MAX_RECORDS)
        with ThreadPoolExecutor(self._in_flight, thread_name_prefix="put-records") as pool:
            try:
                for batch in batches(records, most=most):
                    tally.refused += batch.refused
                    if not batch.records:
                        continue
                    self._pace.wait_for(len(batch.records))
                    while len(waiting) >= self._in_flight or (waiting and waiting[0].done()):
                        settle()
                    waiting.append(pool.submit(self._put, batch))
                while waiting:
                    settle()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return tally

    def _put(self, batch: Batch) -> Tally:
        tally = Tally(bytes=batch.size)
        remaining = batch.records
        attempts = Retrying(
            retry=retry_if_exception_type((_NotYetError, HTTPClientError)),
            wait=wait_random_exponential(multiplier=0.1, max=5),
            stop=stop_after_delay(self._give_up_seconds),
            sleep=self._sleep,
            retry_error_callback=self._given_up,
        )

        def attempt() -> None:
            nonlocal remaining
            refused, why = self._request(remaining)
            tally.accepted += len(remaining) - len(refused)
            remaining = refused
            if refused:
                tally.retried += len(refused)
                raise _NotYetError(f"{len(refused)} records were not accepted: {why}")

        attempts(attempt)
        return tally

    def _request(self, records: list[Outgoing]) -> tuple[list[Outgoing], str]:
        """Send one request; return the records that were not accepted, and why the last of them was not."""
        entries = [{"Data": data, "PartitionKey": key} for key, data in records]
        try:
            answer = self._kinesis.put_records(StreamName=self._stream, Records=entries)  # type: ignore[arg-type]  # a plain dict per record is leaner than the stub's TypedDict
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in TRANSIENT:
                return records, code
            message = error.response.get("Error", {}).get("Message", code)
            raise EnvironmentProblem(f"stream {self._stream}: {message} ({code})") from error
        except HTTPClientError:
            raise
        except BotoCoreError as error:
            raise EnvironmentProblem(f"stream {self._stream}: {error}") from error
        if not answer["FailedRecordCount"]:
            return [], ""
        refused, why = [], ""
        for record, result in zip(records, answer["Records"], strict=True):
            if "ErrorCode" in result:
                refused.append(record)
                why = result["ErrorCode"]
        return refused, why

    def _given_up(self, state: RetryCallState) -> None:
        problem = state.outcome.exception() if state.outcome else None
        raise DeliveryError(
            f"stream {self._stream}: {problem} (tried {state.attempt_number} times in "
            f"{self._give_up_seconds:.0f} s). Nothing that was accepted is lost; send the rest again, "
            "slower (--rate) or after adding shards."
        ) from problem
