"""Lambda's tumbling windows: what an invocation is told of its window, and what its answer does to it.

Documented (AWS Lambda developer guide, services-kinesis-windows, read 2026-11): windows are per shard and by
the records' arrival; the answer must contain `state`; state above 1 MB ends the window early; the end of a
shard ends its window; a final call that fails is retried and nothing else of the shard goes on meanwhile; the
mapping's retry limits apply. docs/local-cloud.md says what was chosen where the guide is silent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import msgspec

from sluice.local.mapping_event import lowest_failure
from sluice.local.mapping_types import Invocation, MappingConfig, StreamRecord, Verdict, WindowCall

STATE_BYTES = 1_000_000
"""Largest state of a shard as JSON ("a maximum of 1 MB per shard"; the smaller of both megabytes)."""


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A window that has state: `start` in epoch seconds, the records that the state covers."""

    start: int
    state: bytes
    first: StreamRecord
    last: StreamRecord
    count: int

    @property
    def too_large(self) -> bool:
        """Whether the window must end early."""
        return len(self.state) > STATE_BYTES

    def status(self, seconds: int) -> dict[str, int]:
        """What there is to tell of it, given its length."""
        return {
            "start": self.start,
            "end": self.start + seconds,
            "records": self.count,
            "state_bytes": len(self.state),
        }

    @classmethod
    def after(cls, before: Self | None, start: int, records: Sequence[StreamRecord], state: bytes) -> Self:
        """The window once the function has answered for further records."""
        if before is None:
            return cls(start, state, records[0], records[-1], len(records))
        return replace(before, state=state, last=records[-1], count=before.count + len(records))


def window_start(config: MappingConfig, arrived: float) -> int:
    """Start of the window (epoch seconds, a multiple of its length) that a record falls into."""
    return int(arrived // config.tumbling_seconds) * config.tumbling_seconds


def window_call(
    config: MappingConfig, start: int, window: OpenWindow | None, *, final: bool, early: bool
) -> WindowCall:
    """What the next invocation is told: `early` when the state or the end of the shard ends the window."""
    state = window.state if window else b"{}"
    return WindowCall(start, start + config.tumbling_seconds, state, final=final, early=early)


class _Answer(msgspec.Struct):
    state: msgspec.Raw = msgspec.Raw(b"")


def read_answer(
    result: Invocation, records: Sequence[StreamRecord], *, report_failures: bool
) -> tuple[bytes, int | None, str]:
    """The state of an answer, the index of the first record to retry (None: all is well), and what is wrong.

    An answer without a `state` that is an object fails the whole batch. Next to `batchItemFailures` the state
    counts for the records before the lowest failure.
    """
    if result.verdict is not Verdict.ANSWERED:
        return b"", 0, result.error
    try:
        state = bytes(msgspec.json.decode(result.payload, type=_Answer).state).strip()
    except msgspec.MsgspecError:
        state = b""
    if not state.startswith(b"{"):
        return b"", 0, "the answer of a function with a tumbling window must be an object with a state object"
    failed = lowest_failure(result.payload, records) if report_failures else None
    return state, failed, "" if failed is None else "batch item failure"
