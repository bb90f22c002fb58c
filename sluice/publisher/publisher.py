"""Copies committed segments to BigQuery, each lane in order, and then the watermark.

What wakes it does not say what to do: the tables do. So it may be woken twice, late or in any order, and what
it writes twice, because it failed before it noted its progress, the views count once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sluice.deadline import Deadline
from sluice.delivery import Rejected, Retry
from sluice.errors import ContractError, DeliveryError
from sluice.metrics import Definition
from sluice.publisher.rows import part_rows, watermark_row
from sluice.sinks.bigquery.inserts import Row
from sluice.sinks.bigquery.writer import Writer
from sluice.windows.items import Watermark
from sluice.windows.store import WindowTable

ROWS_AT_ONCE = 4_000
BYTES_AT_ONCE = 16_000_000
"""Rows that wait for being written together, whichever comes first: eight full requests, or what the memory
of a small function holds several times over."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Report:
    """What an invocation published; `oldest` is when the first segment that it had was committed."""

    segments: int = 0
    rows: int = 0
    refused: int = 0
    reason: str = ""
    oldest: datetime | None = None
    watermark: datetime | None = None


@dataclass(slots=True)
class _Waiting:
    """Rows of a lane that are not written yet; `noted` segments are, and `done` ones when these are too."""

    noted: int
    done: int
    rows: list[Row] = field(default_factory=list)
    size: int = 0

    def take(self, row: Row) -> None:
        self.rows.append(row)
        self.size += len(row.body)

    @property
    def full(self) -> bool:
        return len(self.rows) >= ROWS_AT_ONCE or self.size >= BYTES_AT_ONCE


class Publisher:
    """Publishes from the table of windows to the dataset that the writer reaches."""

    def __init__(
        self, table: WindowTable, writer: Writer, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._table = table
        self._writer = writer
        self._now = now
        self._definitions: dict[tuple[str, str], Definition | None] = {}

    def publish(self, deadline: Deadline, report: Report | None = None) -> Report:
        """Publish all that is committed, and enter it in the report: also what was done before an error.

        A lane that fails does not hold up the others.

        Raises:
            DeliveryError: BigQuery does not take it before the deadline, or a part cannot be read; what was
                published until then is noted, and the next attempt goes on from there.
            ContractError: a later version of Sluice wrote a part.
        """
        report = Report() if report is None else report
        self._definitions = {key: known for key, known in self._definitions.items() if known is not None}
        # The watermark before the lanes: then all that it covers is among them.
        watermark = self._table.watermark()
        published = self._table.published()
        failures: list[DeliveryError | ContractError] = []
        for name, lane in sorted(self._table.lanes().items()):
            start = published.numbers.get(name, 0)
            if lane.number > start and (deadline.remaining() or not failures):
                try:
                    self._lane(name, start, lane.number, deadline, report)
                except (DeliveryError, ContractError) as error:
                    failures.append(error)
        if failures:
            raise failures[0]
        if watermark is not None and (published.through is None or published.through < watermark.through):
            self._watermark(watermark, deadline, report)
        return report

    def _lane(self, lane: str, start: int, stop: int, deadline: Deadline, report: Report) -> None:
        waiting = _Waiting(noted=start, done=start)
        for header in self._table.headers(lane, start, stop):
            report.segments += 1
            report.oldest = min(report.oldest or header.committed_at, header.committed_at)
            for part in self._table.read_parts(header.keys()):
                definition = self._definition(part.key.metric, part.key.version)
                for row in part_rows(part, definition, self._text(self._now())):
                    waiting.take(row)
                    if waiting.full:
                        waiting = self._flush(lane, waiting, deadline, report)
            waiting.done = header.number + 1
        # Numbers without a header are of segments that have expired.
        waiting.done = stop
        self._flush(lane, waiting, deadline, report)

    def _flush(self, lane: str, waiting: _Waiting, deadline: Deadline, report: Report) -> _Waiting:
        """Write what waits; then note the segments that are written whole."""
        self._write(waiting.rows, deadline, report)
        if waiting.done > waiting.noted:
            self._table.publish(lane, waiting.done)
        return _Waiting(noted=waiting.done, done=waiting.done)

    def _write(self, rows: list[Row], deadline: Deadline, report: Report) -> None:
        outcomes = self._writer.write(rows, deadline)
        again = [outcome for outcome in outcomes if isinstance(outcome, Retry)]
        if again:
            raise DeliveryError(
                f"BigQuery did not take {len(again)} of {len(rows)} rows of windows ({again[0].reason}): "
                "the publisher tries again; check the dataset and the function's rights on it if it goes on"
            )
        refused = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
        report.rows += len(rows) - len(refused)
        report.refused += len(refused)
        report.reason = report.reason or (refused[0].reason if refused else "")

    def _watermark(self, watermark: Watermark, deadline: Deadline, report: Report) -> None:
        moment = _EPOCH + timedelta(milliseconds=watermark.through)
        outcome = self._writer.write([watermark_row(self._text(moment), self._text(self._now()))], deadline)[
            0
        ]
        if isinstance(outcome, Retry | Rejected):
            raise DeliveryError(
                f"BigQuery did not take the watermark ({outcome.reason}): the publisher tries again; check "
                "the dataset and the function's rights on it if it goes on"
            )
        self._table.publish_watermark(watermark.through)
        report.watermark = moment

    def _definition(self, metric: str, version: str) -> Definition | None:
        if (metric, version) not in self._definitions:
            known = {(each.name, each.version): each for each in self._table.definitions()}
            self._definitions = {(metric, version): None, **self._definitions, **known}
        return self._definitions[metric, version]

    @staticmethod
    def _text(moment: datetime) -> str:
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
