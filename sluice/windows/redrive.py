"""Redriven records: each a segment of its own, that counts at most once, and only if no other counted it."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sluice.delivery import Delivered, Ledger, Retry
from sluice.delivery.calls import call
from sluice.delivery.caution import Caution
from sluice.delivery.naming import naming
from sluice.delivery.times import Times
from sluice.delivery.verdicts import STATES, Verdict, Verdicts
from sluice.errors import DeliveryError
from sluice.records import Record, records_of
from sluice.windows.aggregates import Aggregates
from sluice.windows.commit import Committer, Extra, NotCommitted
from sluice.windows.gathered import Gathered
from sluice.windows.items import Header, Lane
from sluice.windows.keys import redriven_key, redriven_lane
from sluice.windows.reports import WindowReport
from sluice.windows.store import WindowTable
from sluice.windows.taking import Taker, count

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MOST_RACES = 5
"""Times that another redrive of the same shard may get in between."""

IN_HAND = Retry("its batch is still in hand: redrive it again when the shard's window is over")


class _CountedBefore(DeliveryError):  # noqa: N818 - what happened
    """Another redrive has counted this record."""


class Redriver:
    """Answers for each redriven record by itself, as `sluice dlq redrive` reads it.

    A record inside a committed segment counts only if that segment refused it. Needs `dynamodb:GetItem` on
    the table `windows`, and what Committer and Ledger need.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        taker: Taker,
        committer: Committer,
        ledger: Ledger,
        *,
        keep: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._windows = WindowTable(client, table)
        self._taker = taker
        self._committer = committer
        self._ledger = ledger
        self._keep = keep
        self._now = now

    def redrive(
        self, event: Mapping[str, Any], times: Times, tell: Callable[[WindowReport], None]
    ) -> dict[str, Any]:
        """Settle every record that can be settled; the others are in `batchItemFailures`.

        Raises DeliveryError when a table does not answer: then some may be settled, and a repetition is safe.
        """
        records = sorted(records_of(event), key=lambda record: (record.shard, *record.order))
        answer: dict[str, Any] = {"batchItemFailures": []}
        for shard, group in groupby(records, key=lambda record: record.shard):
            report = self._shard(shard, list(group), times, answer)
            tell(report)
        return answer

    def _shard(self, shard: str, records: list[Record], times: Times, answer: dict[str, Any]) -> WindowReport:
        verdicts, trouble = self._taker.judge(
            records, Caution(), lambda _suspect, _deadline: None, times, single=True
        )
        lane = self._read(self._windows.lane, times, lane=shard)
        settled: list[tuple[Record, str]] = []
        for index, record in enumerate(records):
            verdict = verdicts.each[index]
            if isinstance(verdict, Retry):
                continue
            if isinstance(verdict, Delivered):
                found = self._settle(shard, record, verdict, lane, times)
                if isinstance(found, Retry):
                    verdicts.each[index] = found
                    continue
                state = found
            else:
                state = STATES[type(verdict)]
            settled.append((record, state))
        self._ledger.redriven(settled, times.books)
        outcomes = answer.setdefault("outcomes", {})
        outcomes.update({record.identity: state for record, state in settled})
        left = [record for record in records if record.identity not in outcomes]
        answer["batchItemFailures"] += [{"itemIdentifier": record.sequence} for record in left]
        return WindowReport(
            shard,
            states=Counter(state for _, state in settled),
            refusals=Counter(refused.kind for _, refused in verdicts.refused(len(records))),
            named=naming(self._taker.contract, verdicts),
            unsent=verdicts.unsent,
            redriven=True,
            trouble=trouble or _first_reason(verdicts),
        )

    def _settle(
        self, shard: str, record: Record, verdict: Verdict, lane: Lane | None, times: Times
    ) -> str | Retry:
        """Count the record if nothing has counted it; return its state, or why that cannot be now."""
        sequence = int(record.sequence)
        try:
            state = count(Aggregates(self._taker.plan), record, verdict)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this record must not keep back the others
            return Retry(f"counting it failed with {type(error).__name__}")
        if state != "delivered":
            return state
        if lane is not None:
            if lane.mark is None or sequence > lane.mark:
                return IN_HAND
            header = self._segment_of(lane, sequence, times)
            if header is None or record.position not in header.refused:
                return state
        self._commit(redriven_lane(shard), record, verdict, times)
        return state

    def _segment_of(self, lane: Lane, sequence: int, times: Times) -> Header | None:
        """Find the segment that took a record in; None if it is so old that its header has expired."""
        low, high = 0, lane.number
        found: Header | None = None
        while low < high:
            middle = (low + high) // 2
            header = self._read(self._windows.header, times, lane=lane.lane, number=middle)
            if header is None or header.last < sequence:
                low = middle + 1
            else:
                found, high = header, middle
        return found

    def _commit(self, lane: str, record: Record, verdict: Verdict, times: Times) -> None:
        for _ in range(MOST_RACES):
            known = self._read(self._windows.lane, times, lane=lane) or Lane(lane)
            gathered = Gathered(base=known.number, prior=-1, aggregates=Aggregates(self._taker.plan))
            gathered.note([record], [count(gathered.aggregates, record, verdict)])
            try:
                self._committer.record(lane, gathered, self._once(record), times.books)
            except NotCommitted:
                continue
            except _CountedBefore:
                pass
            return
        raise DeliveryError(
            f"{lane}: other redrives keep getting in between; redrive again when they are done"
        )

    def _once(self, record: Record) -> Extra:
        """Return the write by which a record counts once, however often it is redriven."""
        expires = int((self._now() + self._keep).timestamp())
        item = {**redriven_key(record.identity), "expires_at": {"N": str(expires)}}
        put = {
            "TableName": self._windows.name,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return Extra({"Put": put}, _CountedBefore("counted before"))

    def _read(self, operation: Callable[..., Any], times: Times, **request: Any) -> Any:
        return call(operation, times.sink, what=f"the table {self._windows.name}", **request)


def _first_reason(verdicts: Verdicts) -> str | None:
    return next((verdict.reason for verdict in verdicts.each if isinstance(verdict, Retry)), None)
