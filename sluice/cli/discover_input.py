"""Where `sluice discover` takes its records from: a file, a pipe or a stream."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sluice.audit.stream import shards_of
from sluice.cli.lines import check_input, open_input, read_lines
from sluice.contract import ContractViolation
from sluice.records.aggregate import AggregateError, is_aggregate, unpack

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

KEPT_BYTES = 32 * 1024 * 1024
"""Of what cannot be read a second time, so much is kept, to check the contract on."""

READ_LIMIT = 1_000
"""Records of one GetRecords call: about half of what a shard gives all its standard readers in a second."""

PAUSE_SECONDS = 1.0
"""Between two calls on a shard of a deployed stack: others read there, too."""

Line = bytes | ContractViolation
"""What a record holds, or why it holds nothing."""


class FileInput:
    """A file, which is read again for the check; or a pipe, of which the beginning is kept for it."""

    def __init__(self, source: str, most: int | None) -> None:
        check_input(source)
        self.source = source
        self._most = most
        self._kept = Kept()

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        return "stdin" if self.source == "-" else Path(self.source).name

    @property
    def fallback(self) -> str:
        """What to call its events where they do not say it."""
        return "event" if self.source == "-" else Path(self.source).name.partition(".")[0] or "event"

    def lines(self) -> Iterator[Line]:
        """Yield what it holds, once."""
        return self._kept.keep(self._read()) if self.source == "-" else self._read()

    def again(self) -> Iterable[bytes]:
        """Return the same a second time, as far as it can be had."""
        return self._kept.lines if self.source == "-" else self._read()

    def _read(self) -> Iterator[bytes]:
        with open_input(self.source) as file:
            yield from islice(
                (line for line in read_lines(file, self.source) if line is not None), self._most
            )


class StreamInput:
    """What a stream holds, oldest first, from all its shards by turns."""

    fallback = "event"

    def __init__(
        self,
        kinesis: "KinesisClient",
        stream: str,
        most: int,
        *,
        pause: float = PAUSE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = f"the stream {stream}"
        self._kinesis, self._stream, self._most = kinesis, stream, most
        self._pause, self._sleep = pause, sleep
        self._kept = Kept()

    def lines(self) -> Iterator[Line]:
        """Yield what producers sent, out of aggregates too."""
        return self._kept.keep(islice(self._unpacked(), self._most))

    def again(self) -> Iterable[bytes]:
        """Return the same a second time, as far as it was kept."""
        return self._kept.lines

    def _unpacked(self) -> Iterator[Line]:
        for data in self._records():
            if not is_aggregate(data):
                yield data
                continue
            try:
                yield from (record.data for record in unpack(data))
            except AggregateError as error:
                yield error

    def _records(self) -> Iterator[bytes]:
        """Yield the data of records until each shard was read to its end, as of now."""
        iterators = [
            self._kinesis.get_shard_iterator(
                StreamName=self._stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in shards_of(self._kinesis, self._stream)
        ]
        while iterators:
            later = []
            for iterator in iterators:
                answer = self._kinesis.get_records(ShardIterator=iterator, Limit=READ_LIMIT)
                yield from (record["Data"] for record in answer["Records"])
                following = answer.get("NextShardIterator")
                if following and answer.get("MillisBehindLatest"):
                    later.append(following)
            iterators = later
            if iterators:
                self._sleep(self._pause)


class Kept:
    """The beginning of what can be read only once."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._left = KEPT_BYTES

    def keep(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield the lines, and keep them while there is room."""
        for line in lines:
            if isinstance(line, bytes) and self._left > 0:
                self._left -= len(line)
                self.lines.append(line)
            yield line
