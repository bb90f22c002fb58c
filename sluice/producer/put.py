"""Putting a handful of records within the time that is left: what a function does with those it passes on.

Programs that have records all the time use `sluice.producer.Producer`.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sluice.deadline import Again, Deadline, attempts
from sluice.producer.destinations import MAX_RECORDS, FirehoseStream, KinesisStream
from sluice.producer.failures import Failure, Why

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_kinesis import KinesisClient

    from sluice.producer.destinations import Destination, FirehoseClient, Row

LEAST_SECONDS = 0.5
"""A request is not begun with less time than that: its answer could hardly be waited for."""

_NO_TIME = Failure(Why.PASSING, "NoTime", "the invocation's time is over")


def put_records(
    kinesis: KinesisClient,
    stream: str,
    records: Sequence[Row],
    *,
    remaining: Callable[[], float],
    in_flight: int = 4,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Failure | None]:
    """Put records (partition key, data, explicit hash key or None) on a stream.

    Only what failed in passing is sent again, after a pause that grows, with jitter. `remaining` tells the
    seconds left; no request begins when fewer than LEAST_SECONDS are, but one may end as much later as the
    client's own time-outs allow.

    Returns:
        Each record's answer, in order: None where the stream confirmed it, else why not. A failure that is
        PASSING says that time ran out: the record may or may not be there.
    """
    return _put(KinesisStream(kinesis, stream), records, remaining, in_flight, sleep)


def put_record_batch(
    firehose: FirehoseClient,
    name: str,
    datas: Sequence[bytes],
    *,
    remaining: Callable[[], float],
    in_flight: int = 4,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Failure | None]:
    """Put data into a Firehose as it is (end it with a newline yourself); the rest as `put_records`."""
    rows = [("", data, None) for data in datas]
    return _put(FirehoseStream(firehose, name), rows, remaining, in_flight, sleep)


def _put(
    destination: Destination,
    rows: Sequence[Row],
    remaining: Callable[[], float],
    in_flight: int,
    sleep: Callable[[float], None],
) -> list[Failure | None]:
    answers: list[Failure | None] = [destination.refusal(row, destination.size(row)) for row in rows]
    fitting = [index for index, answer in enumerate(answers) if answer is None]
    deadline = Deadline(-LEAST_SECONDS, lambda: -remaining(), sleep)  # its clock counts down to 0

    def work(indices: list[int]) -> None:
        for index in indices:
            answers[index] = _NO_TIME
        _settle(destination, rows, answers, indices, deadline)

    parts = list(_parts(destination, rows, fitting))
    if len(parts) <= 1 or in_flight == 1:
        for part in parts:
            work(part)
        return answers
    with ThreadPoolExecutor(min(in_flight, len(parts)), thread_name_prefix="put") as pool:
        for _ in pool.map(work, parts):
            pass
    return answers


def _settle(
    destination: Destination,
    rows: Sequence[Row],
    answers: list[Failure | None],
    indices: list[int],
    deadline: Deadline,
) -> None:
    """Send one request until each of its records has a final answer or the time is over."""
    waiting = indices

    def once() -> None:
        nonlocal waiting
        if not deadline.remaining():
            return
        found = destination.put([rows[index] for index in waiting])
        failed = []
        for index, answer in zip(waiting, found, strict=True):
            answers[index] = answer if isinstance(answer, Failure) else None
            if isinstance(answer, Failure) and answer.why is Why.PASSING:
                failed.append(index)
        waiting = failed
        if failed:
            raise Again("some records were not taken")

    try:
        attempts(deadline, first_pause=0.1, longest_pause=2.0)(once)
    except Again:
        return  # their answers say why


def _parts(destination: Destination, rows: Sequence[Row], indices: list[int]) -> Iterator[list[int]]:
    part: list[int] = []
    size = 0
    for index in indices:
        each = destination.size(rows[index])
        if part and (len(part) >= MAX_RECORDS or size + each > destination.max_bytes):
            yield part
            part, size = [], 0
        part.append(index)
        size += each
    if part:
        yield part
