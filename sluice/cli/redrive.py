"""Driving dead letters into the one sink that refused them: pieces of Kinesis-shaped events for its Lambda.

A dead letter is deleted only when the sink's own answer says that its record was delivered, or is not meant
for it. A record that is refused again stays a dead letter, with the newer reason.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sluice.cli.returning import Returning, from_stream, order
from sluice.deadletters import BatchPointer, DeadLetter, Held, payload_of
from sluice.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.cli.target import Target
    from sluice.deadletters import Holding

PLACED = frozenset({"delivered", "skipped"})
PIECE_RECORDS = 100
PIECE_BYTES = 3 * 1024 * 1024
"""Payload bytes of one invocation: base64 makes four thirds of it, and Lambda takes 6 MB."""

Mode = Literal[True, "booked", "rows"]
"""What an event says of its records: dead letters, or undelivered ones that a Firehose's sink knows of."""

ENOUGH = 4
"""So many records in a row, each failing the function: then no record is to blame, and no more are tried."""


@dataclass(slots=True)
class Result:
    """What a redrive came to, in records; `troubles` says why some were not placed."""

    delivered: int = 0
    refused_again: int = 0
    skipped: int = 0
    not_placed: int = 0
    troubles: list[str] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Take in what another sink's redrive came to."""
        self.delivered += other.delivered
        self.refused_again += other.refused_again
        self.skipped += other.skipped
        self.not_placed += other.not_placed
        self.troubles += other.troubles

    def document(self) -> dict[str, Any]:
        """Return what `dlq redrive --json` prints."""
        return {
            "delivered": self.delivered,
            "refused_again": self.refused_again,
            "skipped": self.skipped,
            "not_placed": self.not_placed,
            "troubles": self.troubles,
        }


def redrive(
    target: "Target",
    holding: "Holding",
    sink: str,
    chosen: Sequence[Held],
    *,
    on_progress: "Callable[[int], None] | None" = None,
) -> Result:
    """Send the chosen letters' records to the sink's function, and delete the letters that arrived.

    Stops when the sink takes nothing at all. Lets botocore's errors pass: what is not deleted stays there.
    """
    function = target.outputs.sinks[sink].invoked
    result = Result()
    done = 0
    waiting = Waiting()
    records = list(_returning(target, chosen, result, waiting))
    for piece in pieces(records):
        outcomes = place(target, function, piece, result)
        for record in piece:
            outcome = outcomes.get(record.identity)
            result.delivered += outcome == "delivered"
            result.skipped += outcome == "skipped"
            result.refused_again += outcome == "dead_lettered"
            waiting.settle(record.letter, outcome)
        holding.delete(waiting.arrived())
        done += len(piece)
        if on_progress:
            on_progress(done)
        if not outcomes:
            break
    result.not_placed += len(records) - result.delivered - result.skipped - result.refused_again
    return result


class Waiting:
    """Which letters still wait for records: one each, but a batch that Lambda gave up on for many."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}
        self._arrived: list[Held] = []

    def add(self, held: Held, records: int) -> None:
        """Expect that many records."""
        self._left[held.letter.id] = records

    def settle(self, held: Held, outcome: str | None) -> None:
        """Note what became of one record of the letter.

        A record of a batch that is refused now has a letter of its own by that, so the batch's pointer has
        one record less to tell of. A single letter stays in the queue until its record is delivered.
        """
        name = held.letter.id
        placed = outcome is not None if isinstance(held.letter, BatchPointer) else outcome in PLACED
        self._left[name] -= placed
        if placed and not self._left[name]:
            self._arrived.append(held)

    def arrived(self) -> list[Held]:
        """Return, once, the letters whose records have all arrived."""
        arrived, self._arrived = self._arrived, []
        return arrived


def _returning(
    target: "Target", chosen: Iterable[Held], result: Result, waiting: Waiting
) -> Iterator[Returning]:
    """Yield the records of all letters: from the message, from S3, or from the stream itself."""
    letters = [(held, held.letter) for held in chosen if isinstance(held.letter, DeadLetter)]
    for held, letter in sorted(letters, key=lambda each: order(each[1])):
        try:
            data = payload_of(letter, target.s3)
        except target.s3.exceptions.ClientError as error:
            result.not_placed += 1
            result.troubles.append(f"{letter.id}: its content at {letter.payload_s3} cannot be read: {error}")
            continue
        waiting.add(held, 1)
        yield Returning(
            held,
            letter.stream,
            letter.shard,
            letter.sequence,
            letter.sub_sequence,
            letter.partition_key,
            letter.arrived_at.timestamp(),
            data,
        )
    for held in chosen:
        if not isinstance(held.letter, BatchPointer):
            continue
        found = list(from_stream(target, held, held.letter))
        lost = max(held.letter.count - len({returning.sequence for returning in found}), 0)
        # above parallelization 1 other batches' records lie between, and nothing tells which: all must arrive
        waiting.add(held, len(found) + lost)
        if lost:
            result.not_placed += lost
            result.troubles.append(
                f"{held.letter.id}: the stream holds only {held.letter.count - lost} of the "
                f"{held.letter.count} records; the others are older than its retention"
            )
        yield from found


def pieces(records: Iterable[Returning]) -> Iterator[list[Returning]]:
    """Cut into events of one shard each, small enough for Lambda."""
    piece: list[Returning] = []
    size = 0
    for record in records:
        full = len(piece) >= PIECE_RECORDS or size + len(record.data) > PIECE_BYTES
        if piece and (full or (piece[0].stream, piece[0].shard) != (record.stream, record.shard)):
            yield piece
            piece, size = [], 0
        piece.append(record)
        size += len(record.data)
    if piece:
        yield piece


def place(
    target: "Target", function: str, piece: list[Returning], result: Result, *, mode: Mode = True
) -> dict[str, str]:
    """Invoke the function with a piece; with ever smaller ones when it fails, to single out what fails it.

    Returns what became of the records, by their identity; adds to the result's troubles alone.
    """
    answer = target.functions.invoke(
        FunctionName=function, Payload=json.dumps(_event(target, piece, mode)).encode()
    )
    body = answer["Payload"].read()
    if answer.get("FunctionError"):
        if len(piece) > 1:
            half = len(piece) // 2
            first = place(target, function, piece[:half], result, mode=mode)
            if not first and half >= ENOUGH:
                return first
            return first | place(target, function, piece[half:], result, mode=mode)
        result.troubles.append(f"{piece[0].identity}: {function} failed: {_error(body)}")
        return {}
    document = _parsed(body)
    outcomes = document.get("outcomes")
    if not isinstance(outcomes, dict):
        raise DeliveryError(
            f"{function} does not say what became of redriven records: deploy this version of it first. "
            "Nothing was deleted."
        )
    if document.get("batchItemFailures") and len(outcomes) < len(piece):
        result.troubles.append(
            f"{function} could not place {len(piece) - len(outcomes)} of {len(piece)} records: its sink, the "
            "dead-letter queue or the ledger did not answer; redrive again later"
        )
    return outcomes


def _event(target: "Target", piece: Sequence[Returning], mode: Mode) -> dict[str, Any]:
    """Return the event as Lambda's mapping would write it, with a mark that it is a redrive."""
    region = target.outputs.region
    source = f"arn:aws:kinesis:{region}:000000000000:stream/{piece[0].stream}"
    return {
        "redrive": mode,
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": record.sequence,
                    "data": base64.b64encode(record.data).decode("ascii"),
                    "approximateArrivalTimestamp": record.arrived_at,
                }
                | ({} if record.sub_sequence is None else {"subSequenceNumber": record.sub_sequence}),
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{record.shard}:{record.sequence}",
                "eventName": "aws:kinesis:record",
                "awsRegion": region,
                "eventSourceARN": source,
            }
            for record in piece
        ],
    }


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _error(body: bytes) -> str:
    """Return the function's own words, without its stack trace."""
    document = _parsed(body)
    return f"{document.get('errorType', 'error')}: {document.get('errorMessage', 'no message')}"
