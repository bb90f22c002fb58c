"""`WindowReader`: the live aggregates, for any program.

    reader = WindowReader(boto3.client("dynamodb"), "activity-dev-windows")
    for row in reader.read("revenue_per_minute", since=datetime.now(UTC) - timedelta(hours=1)):
        print(row.window_start, row.group, row.values, row.provisional)

Whoever looks again and again holds on to `reader.follow()`, which reads only what is new.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from sluice.windows.cache import MOST_ROWS
from sluice.windows.follower import Follower
from sluice.windows.known import KnownMetric
from sluice.windows.rows import WindowRow
from sluice.windows.store import WindowTable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["Follower", "KnownMetric", "WindowReader", "WindowRow"]

DAYS = 400
"""How long windows are kept, unless the stack's settings say otherwise."""


class WindowReader:
    """Reads windows out of DynamoDB: committed segments only, merged, with as many pages as it takes.

    `days` is how long the deployment keeps windows (its export `window_days`). Needs `dynamodb:Query`,
    `GetItem` and `BatchGetItem` on the table. botocore's errors pass.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        days: int = DAYS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._table = WindowTable(client, table)
        self._days = days
        self._now = now

    def follow(self, *, most_rows: int = MOST_ROWS) -> Follower:
        """Return a reader that keeps what it has read, up to `most_rows` groups of windows."""
        return Follower(self._table, days=self._days, now=self._now, most_rows=most_rows)

    def metrics(self) -> list[KnownMetric]:
        """Return every metric that ever ran: by name, once per version, the current one last."""
        return self.follow().metrics()

    def watermark(self) -> datetime | None:
        """All that arrived in the stream before this moment is counted; None: nothing is certain yet."""
        return self.follow().watermark

    def read(
        self,
        metric: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        group: Mapping[str, Any] | None = None,
        by: Collection[str] | None = None,
        step: int | Literal["all"] | None = None,
        only: Collection[tuple[Any, ...]] | None = None,
        version: str | None = None,
    ) -> list[WindowRow]:
        """Return the metric's windows that overlap `since` to `until`; see `Follower.read`."""
        return self.follow().read(
            metric, since=since, until=until, group=group, by=by, step=step, only=only, version=version
        )
