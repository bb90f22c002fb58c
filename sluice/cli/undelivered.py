"""What Firehoses could not deliver, among the dead letters: listed, shown, and driven back.

A redriven line moves from `errors/` to `redriven/`: first it is written there, then its object is written
again without it, or deleted with the last. Whoever is stopped in between leaves lines that are redriven once
more, which a Firehose's destination has to bear anyway.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from sluice.cli.redrive import PIECE_BYTES, Mode, Result, pieces, place
from sluice.cli.returning import Returning
from sluice.deadletters import DeadLetter, Held
from sluice.deadletters.undelivered import Undelivered, keys, read, read_object, redriven_to
from sluice.errors import DeliveryError

if TYPE_CHECKING:
    from sluice.cli.target import Target

ENOUGH = 3
"""So many pieces in a row of which nothing was placed: then it is not their fault, and no more are sent."""

CHUNK_LINES = 500
"""Lines that are in memory at once, unless they have PIECE_BYTES before that."""

PLACED = frozenset({"delivered", "skipped", "dead_lettered"})
"""A record that is refused again has a dead letter in the queue by that: its line has told what it had to."""


@dataclass(slots=True)
class Listing:
    """What lies under the error prefixes; `broken` has the places of lines that no Firehose wrote."""

    letters: list[DeadLetter] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def listing(target: "Target", sink: str | None = None) -> Listing:
    """List what the sink's Firehose, or each, could not deliver, without payloads."""
    found = Listing()
    for bucket, prefix in _places(target, sink):
        for each in read(target.s3, bucket, prefix):
            if each.letter is None:
                found.broken.append(f"s3://{bucket}/{each.key}")
            else:
                found.letters.append(each.letter)
    return found


def content(target: "Target", letter: DeadLetter) -> bytes:
    """Return the payload of an undelivered record.

    Raises DeliveryError when it is no longer where it was.
    """
    bucket, _, key = (letter.payload_s3 or "").removeprefix("s3://").partition("/")
    for each in read_object(target.s3, bucket, key, payloads=True):
        if each.letter is not None and each.letter.id == letter.id:
            return each.letter.payload or b""
    raise DeliveryError(f"{letter.id}: {letter.payload_s3} no longer has it: it was redriven meanwhile")


def redrive_undelivered(
    target: "Target",
    sink: str,
    wanted: Collection[str],
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Result:
    """Send the records of these ids to the sink's function, object by object.

    Stops when the sink takes nothing at all. Lets botocore's errors pass: what has not moved stays there.
    """
    result = Result()
    if not wanted:
        return result
    drive = _Drive(target, sink, wanted, result, on_progress)
    for bucket, prefix in _places(target, sink):
        for key in list(keys(target.s3, bucket, prefix)):
            if not drive.given_up:
                drive.work_off(bucket, key)
    result.not_placed += len(wanted) - result.delivered - result.skipped - result.refused_again
    return result


def _places(target: "Target", sink: str | None) -> Iterator[tuple[str, str]]:
    for name, outputs in target.outputs.sinks.items():
        if outputs.bucket and outputs.errors and sink in (None, name):
            yield outputs.bucket, outputs.errors


class _Drive:
    """One redrive under way."""

    def __init__(
        self,
        target: "Target",
        sink: str,
        wanted: Collection[str],
        result: Result,
        on_progress: Callable[[int], None],
    ) -> None:
        self._target = target
        self._function = target.outputs.sinks[sink].function
        self._stream = target.outputs.sinks[sink].stream or target.outputs.stream_name
        self._wanted = wanted
        self._result = result
        self._on_progress = on_progress
        self._done = 0
        self._misses = 0

    @property
    def given_up(self) -> bool:
        """Whether the sink takes nothing at all."""
        return self._misses >= ENOUGH

    def work_off(self, bucket: str, key: str) -> None:
        """Redrive what is wanted of one object, and leave there what was not placed."""
        with TemporaryFile() as placed, TemporaryFile() as rest:
            whole = True
            digest = sha256()
            for chunk in _chunks(read_object(self._target.s3, bucket, key, payloads=True)):
                for each, is_placed in zip(chunk, self._place(chunk), strict=True):
                    whole = whole and bool(each.line)
                    (placed if is_placed else rest).write(each.line + b"\n")
                    if is_placed:
                        digest.update(each.line)
            if placed.tell():
                self._put(bucket, redriven_key(key, digest.hexdigest()), placed)
                if whole and rest.tell():
                    self._put(bucket, key, rest)
                elif whole:
                    self._target.s3.delete_object(Bucket=bucket, Key=key)

    def _put(self, bucket: str, key: str, lines: IO[bytes]) -> None:
        lines.seek(0)
        self._target.s3.put_object(Bucket=bucket, Key=key, Body=lines)

    def _place(self, chunk: Sequence[Undelivered]) -> list[bool]:
        """Return which lines have told what they had to."""
        outcomes: dict[tuple[Mode, str], str] = {}
        chosen = {
            (_mode(each), returning.identity): returning
            for each in chunk
            if each.letter is not None and each.letter.id in self._wanted
            for returning in [self._returning(each.letter)]
        }
        ordered = sorted(chosen.items(), key=lambda item: (str(item[0][0]), item[0][1]))
        for mode, group in groupby(ordered, key=lambda item: item[0][0]):
            for piece in pieces(returning for _, returning in group):
                if self.given_up:
                    break
                found = place(self._target, self._function, piece, self._result, mode=mode)
                outcomes.update({(mode, identity): outcome for identity, outcome in found.items()})
                self._misses = 0 if found else self._misses + 1
        return [self._settled(each, outcomes) for each in chunk]

    def _settled(self, each: Undelivered, outcomes: dict[tuple[Mode, str], str]) -> bool:
        letter = each.letter
        if letter is None or letter.id not in self._wanted:
            return False
        outcome = outcomes.get((_mode(each), f"{letter.shard}/{letter.position}"))
        self._result.delivered += outcome == "delivered"
        self._result.skipped += outcome == "skipped"
        self._result.refused_again += outcome == "dead_lettered"
        self._done += 1
        self._on_progress(self._done)
        return outcome in PLACED

    def _returning(self, letter: DeadLetter) -> Returning:
        return Returning(
            Held(letter),
            letter.stream or self._stream,
            letter.shard,
            letter.sequence,
            letter.sub_sequence,
            letter.partition_key,
            letter.arrived_at.timestamp(),
            letter.payload or b"",
        )


def redriven_key(key: str, digest: str) -> str:
    """Return where lines of an object go: the same lines always to the same place."""
    return f"{redriven_to(key).removesuffix('.gz')}-{digest[:12]}"


def _mode(each: Undelivered) -> Mode:
    if each.ready:
        return "rows"
    return "booked" if each.booked else True


def _chunks(lines: Iterable[Undelivered]) -> Iterator[list[Undelivered]]:
    chunk: list[Undelivered] = []
    size = 0
    for each in lines:
        if chunk and (len(chunk) >= CHUNK_LINES or size + len(each.line) > PIECE_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += len(each.line)
    if chunk:
        yield chunk
