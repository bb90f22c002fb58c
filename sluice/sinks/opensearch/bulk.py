"""Events into indices by the bulk API: cut into requests, some at once, each seen through.

Several of one id within a delivery: without versions the first one stays, as in BigQuery's view, so the
others wait until its fate is known. With versions OpenSearch keeps the highest, whatever the order.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from sluice.deadline import Deadline
from sluice.delivery import Delivered, Outcome, Rejected, Retry
from sluice.observing.figures import Tally
from sluice.sinks.answers import Fate, Later, NoAnswer, Whole
from sluice.sinks.opensearch.answers import read
from sluice.sinks.opensearch.connection import Cluster
from sluice.sinks.requests import Request, Results, see_through

SERVICE = "OpenSearch"


class Operation(msgspec.Struct, frozen=True, gc=False):
    """An event on its way to an index: the action's line and the document's, each without its end."""

    index: str
    id: str
    action: bytes
    document: bytes
    versioned: bool = False

    @property
    def place(self) -> str:
        """The index, by which events share their luck."""
        return self.index

    @property
    def size(self) -> int:
        """Bytes within a request."""
        return len(self.action) + len(self.document) + 2


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How events are cut into requests: `bytes` of a request, unless a single event is larger."""

    concurrency: int = 4
    documents: int = 1000
    bytes: int = 2_000_000


class Bulk(Request[Operation]):
    """The events of one request."""

    service = SERVICE

    def __init__(
        self,
        cluster: Cluster,
        items: Sequence[tuple[int, Operation]],
        results: Results,
        deadline: Deadline,
    ) -> None:
        super().__init__(items, results, deadline)
        self._cluster = cluster

    def ask(
        self, items: Sequence[Operation], deadline: Deadline, attempt: int
    ) -> Sequence[Fate] | Whole | Later:
        """Send these events once. Their joined body exists for as long as the request is under way."""
        lines = [line for item in items for line in (item.action, item.document)]
        try:
            return read(self._cluster.bulk(b"\n".join([*lines, b""]), deadline, attempt), len(items))
        except NoAnswer as error:
            return Later(str(error))


class BulkWriter:
    """Writes events to the cluster."""

    def __init__(self, cluster: Cluster, limits: Limits) -> None:
        self._cluster = cluster
        self._limits = limits
        self.tally = Tally()
        self._workers = ThreadPoolExecutor(limits.concurrency, thread_name_prefix="opensearch")

    def write(self, operations: Sequence[Operation], deadline: Deadline) -> list[Outcome]:
        """Index all events, at most `concurrency` requests at once, until the deadline."""
        results = Results(len(operations), SERVICE, self.tally)
        outcomes: list[Outcome | None] = [None] * len(operations)
        waiting = list(enumerate(operations))
        while waiting:
            first: dict[tuple[str, str], int] = {}
            leading = [
                item
                for item in waiting
                if item[1].versioned or first.setdefault((item[1].index, item[1].id), item[0]) == item[0]
            ]
            requests = [
                Bulk(self._cluster, items, results, deadline) for items in _cut(leading, self._limits)
            ]
            see_through(requests, self._workers, deadline)
            for index, operation in leading:
                outcomes[index] = results.outcome(index, operation.place)
            waiting = _follow(waiting, first, outcomes)
        return [outcome or Retry("an earlier record has to come again first") for outcome in outcomes]


def _follow(
    waiting: Sequence[tuple[int, Operation]],
    first: dict[tuple[str, str], int],
    outcomes: list[Outcome | None],
) -> list[tuple[int, Operation]]:
    """Settle those that waited for the first of their id; return those for which that one was refused."""
    rest = []
    for index, operation in waiting:
        if outcomes[index] is not None:
            continue
        leader = outcomes[first[operation.index, operation.id]]
        if isinstance(leader, Delivered):
            outcomes[index] = leader
        elif isinstance(leader, Rejected):
            rest.append((index, operation))
    return rest


def _cut(items: Sequence[tuple[int, Operation]], limits: Limits) -> list[list[tuple[int, Operation]]]:
    """Cut events into requests, in their order; one that is larger than a request may be goes alone."""
    requests: list[list[tuple[int, Operation]]] = []
    size = 0
    for item in items:
        more = item[1].size
        if not requests or len(requests[-1]) == limits.documents or size + more > limits.bytes:
            requests.append([])
            size = 0
        requests[-1].append(item)
        size += more
    return requests
