"""Whether a sink has settled all that the windows have counted, and what either of them could not take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sluice.deadletters import BatchPointer, DeadLetter, Letter
from sluice.deadline import Again, Deadline, attempts
from sluice.delivery.entries import Entry, entry_of, lane_of
from sluice.errors import EnvironmentProblem
from sluice.windows.store import WindowTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NEWEST = 100
"""Entries of a shard that are looked at, the newest first."""

SILENT = timedelta(days=1)
"""A sink that is this far behind has entries all the same: without any, they have expired since."""


def await_sink(
    ledger: str,
    sink: str,
    marks: Mapping[str, int],
    windows: WindowTable,
    *,
    deadline: Deadline,
) -> None:
    """Wait until a sink has settled every record up to the marks; both tables are read with one client.

    Raises:
        EnvironmentProblem: it has not before the deadline.
    """

    def look() -> None:
        for shard, mark in marks.items():
            if not _passed(windows.client, ledger, lane_of(sink, shard), mark) and not _long_ago(
                windows, shard
            ):
                raise Again(shard)

    try:
        attempts(deadline, first_pause=0.2, longest_pause=2.0)(look)
    except Again as error:
        raise EnvironmentProblem(
            f"the {sink} sink is behind the windows in {error.reason}: wait until `sluice audit` shows "
            "nothing in flight there, then try again"
        ) from error


def _passed(client: "DynamoDBClient", ledger: str, lane: str, mark: int) -> bool:
    """Whether the newest entries say that everything up to a sequence number is settled."""
    answer = client.query(
        TableName=ledger,
        KeyConditionExpression="#lane = :lane",
        ExpressionAttributeNames={"#lane": "lane"},
        ExpressionAttributeValues={":lane": {"S": lane}},
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=NEWEST,
    )
    entries = [entry_of(item) for item in answer["Items"] if "state" in item]
    closed = [entry for entry in entries if entry.state == "closed"]
    return any(entry.last >= mark for entry in closed) and not any(
        _in_hand(entry, closed) for entry in entries if entry.state == "open" and entry.first <= mark
    )


def _in_hand(entry: Entry, closed: Iterable[Entry]) -> bool:
    """Whether an attempt is under way: one whose records other entries have settled since was given up."""
    return not any(each.first <= entry.first <= each.last for each in closed)


def _long_ago(windows: WindowTable, shard: str) -> bool:
    """Whether a shard has been at rest for so long that a sink's entries about it have expired."""
    lane = windows.lane(shard)
    header = windows.header(shard, lane.number - 1) if lane is not None and lane.number else None
    return header is None or datetime.now(UTC) - header.committed_at > SILENT


@dataclass(frozen=True, slots=True)
class Refused:
    """Records that one of two sinks could not take, as shard/sequence number[:sub], and batches given up."""

    windows: frozenset[str]
    other: frozenset[str]
    batches: int

    @property
    def apart(self) -> int:
        """How many records the windows may count and the other sink holds no row of."""
        return len(self.other - self.windows) + self.batches


def refused(letters: Iterable[Letter], *, windows: str, other: str, functions: Iterable[str]) -> Refused:
    """Sort the dead letters of the windows and of the other sink; `functions` are those of both."""
    found: dict[str, set[str]] = {windows: set(), other: set()}
    batches = 0
    mine = set(functions)
    for letter in letters:
        if isinstance(letter, DeadLetter) and letter.sink in found:
            found[letter.sink].add(letter.id.partition("/")[2])
        elif isinstance(letter, BatchPointer) and letter.function in mine:
            batches += letter.count
    return Refused(frozenset(found[windows]), frozenset(found[other]), batches)
