"""`Aggregates`: the windows that an aggregator has open, folded from events and carried from batch to batch.

As state they are msgpack: `[format, [[metric, version, signatures, window_start, {group: partials}], ...]]`.
What is packed stays packed until an event touches its group again, and only touched rows are packed anew: so
a batch costs by its own events, and hardly by the number of groups.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from sluice.contract import Event
from sluice.errors import DeliveryError
from sluice.windows.parts import encode_packed, pack_group, unpack_partials
from sluice.windows.plan import Plan

FORMAT = 1

Key: TypeAlias = tuple[Any, ...]
"""The window's start in epoch seconds, then the group's values."""
PackedWindow: TypeAlias = dict[bytes, msgspec.Raw]
"""Partials by group, both as msgpack."""


class StateUnreadable(DeliveryError):  # noqa: N818 - a state, not an error
    """A state that this version of Sluice did not write: what it held is to be read from the stream again."""


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes one stored item."""

    metric: str
    version: str
    window_start: int
    """Epoch seconds."""
    index: int
    """From 0 within the metric's version and window."""
    data: bytes
    groups: int


class _Window(msgspec.Struct, array_like=True):
    metric: str
    version: str
    signatures: tuple[str, ...]
    start: int
    rows: PackedWindow


class _State(msgspec.Struct, array_like=True):
    format: int
    windows: list[_Window]


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(_State)


class Aggregates:
    """Partial aggregates of all metrics of a plan, by window and group.

    Windows of metrics that the plan does not know, or knows with other measures, came in the state of another
    deployment: they are carried along as they are and come out as parts.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._touched: list[list[list[Any]]] = [[] for _ in plan.metrics]
        self._rows: list[dict[Key, list[Any]]] = [{} for _ in plan.metrics]
        self._packed: list[dict[int, PackedWindow]] = [{} for _ in plan.metrics]
        self._foreign: list[_Window] = []
        self._data: bytes | None = None

    def add(self, event: Event, arrived_at: float, *, winner: bool = True) -> bool:
        """Count an event in every metric that it belongs to, and tell whether there is one.

        `arrived_at` is in epoch seconds. Metrics with `dedupe` count only the `winner` of a claim.
        """
        fold = self._plan.folds.get(event.__class__)
        return fold is not None and fold(event, arrived_at, winner, self._rows, self._touched, self._open)

    @property
    def size(self) -> int:
        """Bytes of the state. It is packed to know them, so ask once per batch, not once per event."""
        return len(self.pack())

    @property
    def windows(self) -> int:
        """How many windows are open, over all metrics; as dear as `size`."""
        self._settle()
        return sum(map(len, self._packed)) + len(self._foreign)

    def pack(self) -> bytes:
        """All of it as bytes; the object stays usable, and packs only what is touched in between anew."""
        if self._data is None or any(self._touched):
            self._settle()
            self._data = _encode(_State(FORMAT, list(self._all())))
        return self._data

    @classmethod
    def unpack(cls, plan: Plan, data: bytes) -> "Aggregates":
        """What `pack` was called on, under this plan.

        Raises:
            StateUnreadable: it is not of this version's format.
        """
        try:
            state = _decoder.decode(data)
        except msgspec.DecodeError as error:
            raise StateUnreadable(f"the state cannot be read: {error}") from error
        if state.format != FORMAT:
            raise StateUnreadable(f"the state has the format {state.format}, not {FORMAT}")
        made = cls(plan)
        places = {(one.name, one.version, one.signatures): at for at, one in enumerate(plan.metrics)}
        for window in state.windows:
            at = places.get((window.metric, window.version, window.signatures))
            if at is None:
                made._foreign.append(window)
            else:
                made._packed[at][window.start] = window.rows
        made._data = data
        return made

    def parts(self, limit_bytes: int) -> list[Part]:
        """All of it as items of at most `limit_bytes`, in a fixed order of metrics, windows and groups."""
        self._settle()
        found: list[Part] = []
        indexes: dict[tuple[str, str, int], int] = {}
        for window in self._all():
            rows = sorted(window.rows.items(), key=lambda row: row[0])
            for data, groups in encode_packed(window.signatures, rows, limit_bytes):
                key = (window.metric, window.version, window.start)
                index = indexes[key] = indexes.get(key, -1) + 1
                found.append(Part(*key, index, data, groups))
        return found

    def _all(self) -> Iterator[_Window]:
        for metric, windows in zip(self._plan.metrics, self._packed, strict=True):
            for start, rows in sorted(windows.items()):
                yield _Window(metric.name, metric.version, metric.signatures, start, rows)
        yield from self._foreign

    def _open(self, at: int, key: Key) -> list[Any]:
        """The row of a group that was not met since the state was unpacked; see `sluice.windows.plan`."""
        metric = self._plan.metrics[at]
        group, window = pack_group(key[1:]), self._packed[at].setdefault(key[0], {})
        packed = window.get(group)
        if packed is None:
            partials = [one.new() for one in metric.accumulators]
        else:
            partials = unpack_partials(metric.accumulators, packed)
        row = self._rows[at][key] = [True, window, group, *partials]
        return row

    def _settle(self) -> None:
        """Pack what was touched."""
        for at, metric in enumerate(self._plan.metrics):
            for row in self._touched[at]:
                row[0] = True
                row[1][row[2]] = msgspec.Raw(_encode(metric.pack(row)))
                self._data = None
            self._touched[at].clear()
