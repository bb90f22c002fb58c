"""Writing a correction: segments of signed differences, in a lane of their own."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sluice.deadline import Deadline
from sluice.errors import EnvironmentProblem
from sluice.metrics import Definition
from sluice.windows.aggregates import Part
from sluice.windows.commit import Committer, Extra, NotCommitted
from sluice.windows.gathered import NONE, Gathered
from sluice.windows.keys import RECONCILED, current_key
from sluice.windows.measures import LATE
from sluice.windows.parts import Row, encode_parts
from sluice.windows.writing import PartWriter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from sluice.windows.aggregates import Aggregates

SECONDS = 60
"""How long the table may take to answer."""

WINDOWS_AT_ONCE = 1_000
"""Of one segment: its header, an item of at most 400 KB, lists them."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What mends one window: rows of partial aggregates that are merged with those that are there.

    `start` is the window's in epoch seconds; the rows are in the order of `signatures`.
    """

    start: int
    signatures: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class _Corrections:
    """Corrections in the place of what an aggregator has gathered."""

    definition: Definition
    corrections: Sequence[Correction]

    def parts(self, limit_bytes: int) -> list[Part]:
        """Return them as parts of at most so many bytes."""
        found = []
        for each in self.corrections:
            late = () if LATE in each.signatures else (LATE,)
            rows = [(group, [*(0 for _ in late), *partials]) for group, partials in each.rows]
            parts = encode_parts([*late, *each.signatures], rows, limit_bytes)
            found += [
                Part(self.definition.name, self.definition.version, each.start, index, data, groups)
                for index, (data, groups) in enumerate(parts)
            ]
        return found


def correct(
    client: "DynamoDBClient",
    table: str,
    definition: Definition,
    corrections: Sequence[Correction],
    *,
    number: int,
    keep: timedelta,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Commit corrections of one metric; `number` segments had been committed when they were worked out.

    `keep` is how long windows are kept. Needs `dynamodb:BatchWriteItem`, `PutItem`, `UpdateItem`, `GetItem`
    and `ConditionCheckItem` on the table.

    Raises:
        EnvironmentProblem: somebody has written corrections since, or the metric was changed. Windows before
            the first that was not written are mended; nothing counts twice.
        DeliveryError: the table does not answer.
    """
    deadline = Deadline.after(SECONDS)
    parts = PartWriter(client, table, keep=keep, now=now)
    committer = Committer(client, table, "", RECONCILED, parts=parts, keep_books=keep, now=now)
    raced = EnvironmentProblem(
        f"{definition.name}: it was corrected or changed by somebody else meanwhile; compare it again"
    )
    for lot in _lots(corrections):
        gathered = Gathered(
            base=number,
            prior=NONE,
            aggregates=cast("Aggregates", _Corrections(definition, lot)),  # parts are all that is asked of it
            first=0,
            last=0,
        )
        try:
            committer.record(RECONCILED, gathered, Extra(_unchanged(table, definition), raced), deadline)
        except NotCommitted as error:
            raise raced from error
        number += 1


def _unchanged(table: str, definition: Definition) -> dict[str, Any]:
    """Return the condition that the metric is still counted as it was compared."""
    return {
        "ConditionCheck": {
            "TableName": table,
            "Key": current_key(),
            "ConditionExpression": "#current.#metric = :version",
            "ExpressionAttributeNames": {"#current": "current", "#metric": definition.name},
            "ExpressionAttributeValues": {":version": {"S": definition.version}},
        }
    }


def _lots(corrections: Sequence[Correction]) -> Iterable[Sequence[Correction]]:
    for at in range(0, len(corrections), WINDOWS_AT_ONCE):
        yield corrections[at : at + WINDOWS_AT_ONCE]
