"""The page's sources over a pipeline that runs: its windows, its ledger and its dead letters."""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sluice.delivery import LedgerReader
from sluice.metrics import Definition
from sluice.report.flow import LedgerFlow
from sluice.report.letters import QueuedLetters
from sluice.report.sources import Sources
from sluice.windows.reader import Follower, WindowReader
from sluice.windows.rows import WindowRow

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_sqs import SQSClient

REFRESH_SECONDS = 1.0
"""How old the windows may be: every tab asks several questions, and one look answers them all."""

FARTHEST = timedelta(hours=6)
"""How far back the ledger of a deployed stack is read: an item a second and shard adds up."""

METRIC_LAG = timedelta(minutes=5)
"""CloudWatch shows Kinesis' metrics within a minute or two, and does not promise it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkPlace:
    """One sink: its function's name, and how many batches of a shard run at once.

    `whole` says whether it is fed all of the pipeline's stream: throughput and balance are of those alone.
    """

    function: str
    parallelization: int = 1
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a pipeline keeps what the page shows. A local cloud's metrics are never late."""

    name: str
    environment: str
    stream: str
    windows_table: str
    window_days: int
    ledger_table: str
    queue_url: str
    sinks: Mapping[str, SinkPlace]
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """AWS, read only."""

    dynamodb: "DynamoDBClient"
    kinesis: "KinesisClient"
    cloudwatch: "CloudWatchClient"
    sqs: "SQSClient"


def live_sources(
    places: Places,
    clients: Clients,
    *,
    current: Callable[[], Sequence[Definition] | None] = lambda: None,
    **more: Any,
) -> Sources:
    """Return the sources; `current` knows the pipeline's metrics, where the program does that asks."""
    windows = LiveWindows(WindowReader(clients.dynamodb, places.windows_table, days=places.window_days))
    flow = LedgerFlow(
        kinesis=clients.kinesis,
        cloudwatch=clients.cloudwatch,
        ledger=LedgerReader(clients.dynamodb, places.ledger_table),
        stream=places.stream,
        sinks={name: sink.parallelization for name, sink in places.sinks.items() if sink.whole},
        longest=None if places.local else FARTHEST,
        metric_lag=timedelta() if places.local else METRIC_LAG,
    )
    letters = QueuedLetters(
        sqs=clients.sqs,
        queue_url=places.queue_url,
        functions={sink.function: name for name, sink in places.sinks.items()},
        patience_seconds=0 if places.local else 1,
    )
    return Sources(
        name=places.name,
        environment=places.environment,
        windows=windows,
        flow=flow,
        letters=letters,
        current=lambda: current() or windows.current() or None,
        **more,
    )


@dataclass(slots=True)
class LiveWindows:
    """The windows of a table, looked at anew when they are asked for and a second has passed."""

    reader: WindowReader
    clock: Callable[[], float] = time.monotonic
    _follower: Follower = field(init=False)
    _due: float = field(default=float("-inf"), init=False)
    _changes: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self._follower = self.reader.follow()

    def definitions(self) -> Sequence[Definition]:
        """Return every version of every metric that ever ran, the newest of a name first."""
        self._look()
        return [known.definition for known in reversed(self._follower.metrics())]

    def current(self) -> list[Definition]:
        """Return the metrics that the running pipeline counts, as its aggregator has written them down."""
        self._look()
        return [known.definition for known in self._follower.metrics() if known.current]

    def changes(self) -> int:
        """Return how many looks found something new."""
        self._look()
        return self._changes

    def watermark(self) -> datetime | None:
        """Return the moment up to which windows are complete."""
        self._look()
        return self._follower.watermark

    def read(
        self,
        metric: str,
        *,
        version: str,
        since: datetime | None,
        until: datetime | None,
        group: Mapping[str, Any] | None = None,
        by: Sequence[str] | None = None,
        step: int | Literal["all"] | None = None,
        only: Collection[tuple[Any, ...]] | None = None,
    ) -> Sequence[WindowRow]:
        """Return merged rows; none of a metric that is declared and has not seen an event yet."""
        self._look()
        known = {(each.definition.name, each.definition.version) for each in self._follower.metrics()}
        if (metric, version) not in known:
            return []
        return self._follower.read(
            metric, version=version, since=since, until=until, group=group, by=by, step=step, only=only
        )

    def _look(self) -> None:
        with self._lock:
            if self.clock() >= self._due:
                self._changes += self._follower.refresh()
                self._due = self.clock() + REFRESH_SECONDS
