"""Seeing requests of many items through: sent again while there is time, cut when refused as a whole."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, Generic, Protocol, TypeVar

from sluice.deadline import Again, Deadline, attempts, results_in_time
from sluice.delivery import Delivered, Outcome, Rejected, Retry
from sluice.observing.figures import Tally
from sluice.sinks.answers import Doubtful, Fate, Later, Stopped, Whole

DOUBTFUL_TRIES = 3
"""How often an item is sent that the service refuses for a reason that Sluice does not know."""

DOUBTS = 10
"""So many items refused one by one for an unknown reason, and none taken: then it is their place's fault."""


class Placed(Protocol):
    """What has a place to go to: a table, an index."""

    @property
    def place(self) -> str:
        """The name of that place."""


I = TypeVar("I", bound=Placed)  # noqa: E741 - an item


class Results:
    """What is known of each item; written by several threads, each its own items."""

    def __init__(self, items: int, service: str, tally: Tally | None = None) -> None:
        self._fates: list[Fate | None] = [None] * items
        self._taking: set[str] = set()
        self._failed_at = items
        self._service = service
        self.tally = tally or Tally()

    def settle(self, index: int, place: str, fate: Delivered | Rejected | Doubtful) -> None:
        """Enter an item's fate."""
        self._fates[index] = fate
        if isinstance(fate, Delivered):
            self._taking.add(place)

    def give_up(self, indices: Sequence[int], reason: str) -> None:
        """Enter that these items have to come again."""
        for index in indices:
            self._fates[index] = Retry(reason)
            self._failed_at = min(self._failed_at, index)

    def takes(self, place: str) -> bool:
        """Whether the place has taken any item of this delivery."""
        return place in self._taking

    def in_vain(self, index: int) -> bool:
        """Whether an item before this one has to come again: then this one comes again too."""
        return self._failed_at < index

    def outcome(self, index: int, place: str) -> Outcome:
        """Return the item's outcome; a doubtful one is the item's fault if its place takes others."""
        fate = self._fates[index]
        if isinstance(fate, Doubtful):
            return Rejected(fate.reason) if self.takes(place) else Retry(fate.reason)
        if fate is None or isinstance(fate, Stopped):
            return Retry(f"{self._service} did not answer in time")
        return fate


class Request(ABC, Generic[I]):
    """The items of one request, each with its index in the delivery."""

    service: ClassVar[str]

    def __init__(self, items: Sequence[tuple[int, I]], results: Results, deadline: Deadline) -> None:
        self._items = items
        self._results = results
        self._deadline = deadline
        self._doubts = 0

    @abstractmethod
    def ask(self, items: Sequence[I], deadline: Deadline, attempt: int) -> Sequence[Fate] | Whole | Later:
        """Send these items once and return what the answer means."""

    def run(self) -> None:
        """Send until every item's fate is known, or time is up."""
        if self._results.in_vain(self._items[0][0]):
            self._give_up(self._items, "an earlier record has to come again first")
        else:
            self._send(self._items)

    def _send(self, items: Sequence[tuple[int, I]]) -> None:
        waiting = list(items)
        try:
            for attempt in attempts(self._deadline):
                with attempt:
                    self._send_once(waiting, attempt.retry_state.attempt_number)
        except Again as error:
            self._give_up(waiting, error.reason)

    def _send_once(self, waiting: list[tuple[int, I]], attempt: int) -> None:
        """Settle what an answer settles, keep the rest in `waiting`; raises Again when that is for later."""
        while waiting:
            answer = self.ask([item for _, item in waiting], self._deadline, attempt)
            if isinstance(answer, Later):
                self._results.tally.add(**{"Throttled" if answer.throttled else "Unanswered": 1})
                raise Again(answer.reason, answer.after)
            if isinstance(answer, Whole):
                self._cut(waiting, answer)
                return
            waiting[:], again = self._sort(waiting, answer, attempt)
            if again is not None:
                raise again

    def _sort(
        self, items: Sequence[tuple[int, I]], fates: Sequence[Fate], attempt: int
    ) -> tuple[list[tuple[int, I]], Again | None]:
        """Settle what is certain; return the rest, and why it should wait.

        Items that were only stopped need not wait: they go in as soon as the bad one is gone.
        """
        rest: list[tuple[int, I]] = []
        again: Again | None = None
        refused = False
        self._note(fates)
        for (index, item), fate in zip(items, fates, strict=True):
            if isinstance(fate, Stopped):
                rest.append((index, item))
            elif isinstance(fate, Retry) or (isinstance(fate, Doubtful) and attempt < DOUBTFUL_TRIES):
                rest.append((index, item))
                again = again or Again(fate.reason)
            else:
                refused = refused or not isinstance(fate, Delivered)
                self._results.settle(index, item.place, fate)
        if rest and again is None and not refused:
            again = Again(f"{self.service} stopped the request and does not say because of which item")
        return rest, again

    def _note(self, fates: Sequence[Fate]) -> None:
        """Count an answer by which some items have to come again."""
        again = [fate for fate in fates if isinstance(fate, Retry)]
        if again:
            self._results.tally.add(
                **{"Throttled" if any(each.throttled for each in again) else "Unanswered": 1}
            )

    def _cut(self, items: Sequence[tuple[int, I]], whole: Whole) -> None:
        """Find the item that the request was refused for."""
        if len(items) == 1:
            ((index, item),) = items
            if whole.about_an_item:
                self._results.settle(index, item.place, Rejected(whole.reason))
            else:
                self._doubts += 1
                self._results.settle(index, item.place, Doubtful(whole.reason))
            return
        middle = len(items) // 2
        for half in (items[:middle], items[middle:]):
            if self._doubts >= DOUBTS and not any(self._results.takes(item.place) for _, item in half):
                self._give_up(half, whole.reason)
            elif not self._deadline.remaining():
                self._give_up(
                    half, f"{self.service} refused the request, and there was no time to find the item"
                )
            else:
                self._send(half)

    def _give_up(self, items: Sequence[tuple[int, I]], reason: str) -> None:
        self._results.give_up([index for index, _ in items], reason)


def see_through(requests: Sequence[Request[I]], workers: ThreadPoolExecutor, deadline: Deadline) -> None:
    """Run the requests on the workers until the deadline; one that hangs is left behind.

    The workers take them in order, so those that hold the earliest records come first.
    """
    results_in_time(workers, [request.run for request in requests], deadline)
