"""What the page reads from, as it needs it: the real ones are put together in `live`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from sluice.metrics import Definition
from sluice.windows.rows import WindowRow


class Windows(Protocol):
    """The windows of all metrics. Every call may let botocore's errors pass."""

    def definitions(self) -> Sequence[Definition]:
        """Return every metric that was ever stored, in all of its versions, the newest of a name first."""

    def changes(self) -> object:
        """Return something that is equal to what it was as long as no window, metric or mark has changed."""

    def watermark(self) -> datetime | None:
        """Return the moment up to which windows are complete; None before there is one."""

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
        """Return merged rows, by time and group.

        `group` filters by values; `by` keeps these fields and merges over the others (None: keeps all);
        `step` merges windows to as many seconds, or to one row; `only` keeps these groups.
        """


class Flow(Protocol):
    """What went through the pipeline."""

    def answer(self, since: datetime | None, now: datetime) -> dict[str, Any]:
        """Return throughput, latency and balance since then, or for as long as is told of."""


class Letters(Protocol):
    """The newest dead letters."""

    def answer(self) -> dict[str, Any]:
        """Return them, without their payloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """One pipeline as the page sees it.

    `current` returns the metrics that the pipeline computes now, None when that is not known. `login` is what
    a browser needs to know to sign in: nothing where the page itself is behind no login of its own.
    """

    name: str
    environment: str
    windows: Windows
    flow: Flow
    letters: Letters
    current: Callable[[], Sequence[Definition] | None] = lambda: None
    login: Mapping[str, str] = field(default_factory=dict)
    poll_seconds: float = 2.0
    most_bytes: int | None = None
    """Of one answer, where what carries it has a limit."""
