"""Tells from the mappings' status when all that was put is dealt with, or that nothing moves any more."""

from collections.abc import Mapping, Sequence
from typing import Any

POLL_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 0.3
"""Looking takes milliseconds of each server that has other work: less often the longer it takes."""

Status = Mapping[str, Any]
"""One mapping as the local Lambda's `/status` has it, or one Firehose as the lake's has it."""


def behind(mappings: Sequence[Status], totals: Mapping[str, int]) -> int:
    """How many records of a stream the slowest mapping has still to settle; `totals` by stream ARN."""
    most = 0
    for mapping in (each for each in mappings if not _paused(each)):
        arn = str(mapping.get("source")).partition("/consumer/")[0]
        if arn in totals:
            most = max(most, totals[arn] - int(mapping.get("settled", 0)))
    return most


class Drain:
    """One wait: first for the streams, then for the tables' streams that those functions wrote to.

    Where several streams are read, a route's function may have put into one of them until the last moment: so
    they are waited for once more.

    All that was put before the first look counts; for tables, and for Firehoses that are put to, all that was
    written before the streams were done. Paused mappings are not waited for.
    """

    def __init__(self, stuck_seconds: float) -> None:
        self._patience = max(stuck_seconds, 2 * POLL_SECONDS)
        self._waits_for_windows = stuck_seconds > 0
        self._since: float | None = None
        self._first_round = True
        self._streams_done: float | None = None
        self._most = -1
        self._moved = 0.0

    def done(self, mappings: Sequence[Status], now: float) -> bool | None:
        """Look once (`now` in epoch seconds): done, stuck (False), or not yet (None)."""
        if self._since is None:
            self._since = self._moved = now
        mappings = [mapping for mapping in mappings if not _paused(mapping)]
        tables = [mapping for mapping in mappings if _comes_second(mapping)]
        streams = [mapping for mapping in mappings if not _comes_second(mapping)]
        if self._streams_done is None and _caught_up(streams, self._since):
            self._moved = now
            if self._first_round and _several(streams):
                self._first_round, self._since = False, now
            else:
                self._streams_done = now
        if self._streams_done is not None and _caught_up(tables, self._streams_done):
            return True
        settled = sum(mapping.get("settled", 0) for mapping in mappings)
        ending = self._waits_for_windows and any(_window_open(mapping, now) for mapping in mappings)
        if settled > self._most or ending:
            self._most, self._moved = max(settled, self._most), now
        return False if now - self._moved > self._patience else None


def _paused(mapping: Status) -> bool:
    """Whether nothing is to be waited for: it takes nothing until it is enabled again."""
    return mapping.get("state") in ("Disabling", "Disabled")


def _several(mappings: Sequence[Status]) -> bool:
    return len({str(mapping.get("source")).partition("/consumer/")[0] for mapping in mappings}) > 1


def _comes_second(mapping: Status) -> bool:
    """Whether functions that read a stream write to what it reads."""
    return ":dynamodb:" in str(mapping.get("source")) or mapping.get("source") == "direct"


def _caught_up(mappings: Sequence[Status], since: float) -> bool:
    return all((mapping.get("caught_up_at") or 0) >= since for mapping in mappings)


def _window_open(mapping: Status, now: float) -> bool:
    """Whether a tumbling window is still to end, so that there is nothing to settle meanwhile."""
    windows = (shard.get("window") for shard in mapping.get("shards", []))
    return any(window and window["end"] > now for window in windows)
