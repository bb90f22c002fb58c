"""Seeing one request's rows through: sent again while there is time, cut when refused as a whole."""

from collections.abc import Sequence

import msgspec

from sluice.deadline import Again, Deadline, attempts
from sluice.delivery import Delivered, Outcome, Rejected, Retry
from sluice.sinks.bigquery.answers import Doubtful, Fate, Later, Stopped, Whole, read
from sluice.sinks.bigquery.transport import NoAnswer, Transport

HEAD = b'{"kind":"bigquery#tableDataInsertAllRequest","skipInvalidRows":true,"rows":['
TAIL = b"]}"

DOUBTFUL_TRIES = 3
"""How often a row is sent that BigQuery refuses for a reason that Sluice does not know."""

DOUBTS = 10
"""So many rows refused one by one for an unknown reason, and none taken: then it is the table's fault."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row on its way to a table: its JSON as it stands in a request's list of rows."""

    table: str
    body: bytes


Item = tuple[int, Row]
"""A row and its place in the delivery."""


class Results:
    """What is known of each row; written by several threads, each its own rows."""

    def __init__(self, rows: int) -> None:
        self._fates: list[Fate | None] = [None] * rows
        self._taking: set[str] = set()
        self._failed_at = rows

    def settle(self, item: Item, fate: Delivered | Rejected | Doubtful) -> None:
        """Enter a row's fate."""
        index, row = item
        self._fates[index] = fate
        if isinstance(fate, Delivered):
            self._taking.add(row.table)

    def give_up(self, items: Sequence[Item], reason: str) -> None:
        """Enter that these rows have to come again."""
        for index, _ in items:
            self._fates[index] = Retry(reason)
            self._failed_at = min(self._failed_at, index)

    def takes_rows(self, table: str) -> bool:
        """Whether the table has taken any row of this delivery."""
        return table in self._taking

    def in_vain(self, item: Item) -> bool:
        """Whether a row before this one has to come again: then this one comes again too."""
        return self._failed_at < item[0]

    def outcome(self, index: int, table: str) -> Outcome:
        """Return the row's outcome; a doubtful one is the row's fault if the table takes others."""
        fate = self._fates[index]
        if isinstance(fate, Doubtful):
            return Rejected(fate.reason) if self.takes_rows(table) else Retry(fate.reason)
        if fate is None or isinstance(fate, Stopped):
            return Retry("BigQuery did not answer in time")
        return fate


class Insert:
    """The rows of one request."""

    def __init__(
        self, transport: Transport, table: str, items: Sequence[Item], results: Results, deadline: Deadline
    ) -> None:
        self._transport = transport
        self._table = table
        self._items = items
        self._results = results
        self._deadline = deadline
        self._doubts = 0

    def run(self) -> None:
        """Send until every row's fate is known, or time is up."""
        if self._results.in_vain(self._items[0]):
            self._results.give_up(self._items, "an earlier record has to come again first")
        else:
            self._send(self._items)

    def _send(self, items: Sequence[Item]) -> None:
        waiting = list(items)
        try:
            for attempt in attempts(self._deadline):
                with attempt:
                    self._send_once(waiting, attempt.retry_state.attempt_number)
        except Again as error:
            self._results.give_up(waiting, error.reason)

    def _send_once(self, waiting: list[Item], attempt: int) -> None:
        """Settle what an answer settles, keep the rest in `waiting`; raises Again when that is for later."""
        while waiting:
            answer = self._ask(waiting, attempt)
            if isinstance(answer, Later):
                raise Again(answer.reason, answer.after)
            if isinstance(answer, Whole):
                self._cut(waiting, answer)
                return
            waiting[:], again = self._sort(waiting, answer, attempt)
            if again is not None:
                raise again

    def _ask(self, items: Sequence[Item], attempt: int) -> Sequence[Fate] | Whole | Later:
        body = HEAD + b",".join([row.body for _, row in items]) + TAIL
        try:
            answer = read(self._transport.insert_all(self._table, body, self._deadline, attempt), len(items))
        except NoAnswer as error:
            return Later(str(error))
        if isinstance(answer, Later) and answer.unauthorised:
            self._transport.forget_token()
        return answer

    def _sort(
        self, items: Sequence[Item], fates: Sequence[Fate], attempt: int
    ) -> tuple[list[Item], Again | None]:
        """Settle what is certain; return the rest, and why it should wait.

        Rows that were only stopped need not wait: they go in as soon as the bad row is gone.
        """
        rest: list[Item] = []
        again: Again | None = None
        refused = False
        for item, fate in zip(items, fates, strict=True):
            if isinstance(fate, Stopped):
                rest.append(item)
            elif isinstance(fate, Retry) or (isinstance(fate, Doubtful) and attempt < DOUBTFUL_TRIES):
                rest.append(item)
                again = again or Again(fate.reason)
            else:
                refused = refused or not isinstance(fate, Delivered)
                self._results.settle(item, fate)
        if rest and again is None and not refused:
            again = Again("BigQuery stopped the request and does not say because of which row")
        return rest, again

    def _cut(self, items: Sequence[Item], whole: Whole) -> None:
        """Find the row that the request was refused for."""
        if len(items) == 1:
            if whole.about_a_row:
                self._results.settle(items[0], Rejected(whole.reason))
            else:
                self._doubts += 1
                self._results.settle(items[0], Doubtful(whole.reason))
            return
        middle = len(items) // 2
        for half in (items[:middle], items[middle:]):
            if self._doubts >= DOUBTS and not self._results.takes_rows(self._table):
                self._results.give_up(half, whole.reason)
            elif not self._deadline.remaining():
                self._results.give_up(
                    half, "BigQuery refused the request, and there was no time to find the row"
                )
            else:
                self._send(half)
