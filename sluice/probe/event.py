"""Lambda's event, taken apart by the cases that its records belong to, and what they order."""

import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from sluice.probe.orders import OLDEST_SECONDS, OTHER, Order, Record, Seen, Window
from sluice.records.aggregate import AggregateError, is_aggregate, unpack

_ORDER: Final = msgspec.json.Decoder(Order)
_OTHER_WORDS: Final = 4

State = dict[str, Any]
"""What a window's state holds of one case: the numbers `seen`, `at_end` (how often its final call is to
fail), and `pad`, which only fills it."""


@dataclass(kw_only=True)
class Batch:
    """What an event has of one case: its orders by number, and what there is to note.

    `state` is what the event's window held of it; None where there is no window.
    """

    run: str
    case: str
    seen: Seen
    orders: dict[int, Order] = field(default_factory=dict)
    state: State | None = None

    @property
    def key(self) -> str:
        """Where its part of a window's state stands."""
        return f"{self.run}/{self.case}"


@dataclass(frozen=True, kw_only=True)
class Todo:
    """What to do: to wait first, to raise, else to answer; `words` says so in the journal.

    With `stateless` the whole answer has no state, whatever else is in it.
    """

    answer: dict[str, Any]
    words: str
    hold: bool = False
    fails: bool = False
    stateless: bool = False


def batches(event: Mapping[str, Any], request: str, now: float) -> list[Batch]:
    """Return the event's part of each case; what is no case's is passed over.

    `now` is in epoch seconds.
    """
    entries = event.get("Records") or []
    first = entries[0] if entries else {}
    size = sum(len(entry["kinesis"]["data"]) + len(entry["kinesis"]["partitionKey"]) for entry in entries)
    states: Mapping[str, State] = event.get("state") or {} if "window" in event else {}
    found: dict[tuple[str, str], Batch] = {}

    def of(run: str, case: str) -> Batch:
        if (run, case) not in found:
            state = states.get(f"{run}/{case}", {}) if "window" in event else None
            seen = Seen(
                at=now,
                request=request,
                source=str(first.get("eventSourceARN") or event.get("eventSourceARN") or ""),
                shard=str(first.get("eventID") or event.get("shardId") or "").partition(":")[0],
                records=[],
                batch=len(entries),
                size=size,
                shape=sorted([*first, *(f"kinesis.{key}" for key in first.get("kinesis", ()))]),
                window=_window(event, state),
            )
            found[run, case] = Batch(run=run, case=case, seen=seen, state=state)
        return found[run, case]

    for entry in entries:
        for record, order in _taken(entry, now):
            batch = of(order.run, order.case)
            batch.orders[order.n] = order
            batch.seen.records.append(record)
    for key in states if event.get("isFinalInvokeForWindow") else ():
        run, _, case = key.partition("/")
        of(run, case)
    return list(found.values())


def plan(batch: Batch, earlier: Sequence[Seen]) -> Todo:
    """Say what a case's records order, given what was seen of it before."""
    due = [
        (order, record)
        for record in batch.seen.records
        if (order := batch.orders[record.n]).act
        and sum(record.n in seen.numbers for seen in earlier) < order.times
    ]
    acts = {order.act for order, _ in due}
    fails = "raise" in acts or _fails_at_end(batch, earlier)
    answer: dict[str, Any] = {}
    if failed := [record.sequence for order, record in due if order.act == "fail"]:
        answer["batchItemFailures"] = [{"itemIdentifier": sequence} for sequence in failed]
    for order, _ in due:
        if order.act == "answer":
            answer = order.say
    if batch.state is not None:
        answer["state"] = {batch.key: _next_state(batch, due)}
    words = "raise" if fails else ", ".join(sorted(acts - {"hold"})) or "taken"
    return Todo(answer=answer, words=words, hold="hold" in acts, fails=fails, stateless="stateless" in acts)


def _fails_at_end(batch: Batch, earlier: Sequence[Seen]) -> bool:
    window = batch.seen.window
    if batch.state is None or window is None or not window.final:
        return False
    before = sum(
        seen.window is not None and seen.window.final and seen.window.start == window.start
        for seen in earlier
    )
    return before < int(batch.state.get("at_end", 0))


def _next_state(batch: Batch, due: Sequence[tuple[Order, Record]]) -> State:
    before = batch.state or {}
    state: State = {**before, "seen": [*before.get("seen", []), *batch.seen.numbers]}
    for order, _ in due:
        if order.act == "grow":
            state["pad"] = "x" * order.size
        if order.act == "raise-at-end":
            state["at_end"] = order.times
    return state


def _window(event: Mapping[str, Any], state: State | None) -> Window | None:
    if state is None:
        return None
    window = event["window"]
    return Window(
        start=str(window["start"]),
        end=str(window["end"]),
        final=bool(event.get("isFinalInvokeForWindow")),
        early=bool(event.get("isWindowTerminatedEarly")),
        state={key: value for key, value in state.items() if key != "pad"},
        state_bytes=len(msgspec.json.encode(event.get("state"))),
    )


def _taken(entry: Mapping[str, Any], now: float) -> Iterator[tuple[Record, Order]]:
    """Read one entry of the event; nothing where it is none of the probe's, or of a run that is long over."""
    kinesis = entry["kinesis"]
    data = binascii.a2b_base64(kinesis["data"])
    record = Record(
        n=0,
        sequence=str(kinesis["sequenceNumber"]),
        arrived=kinesis["approximateArrivalTimestamp"],
        key=str(kinesis["partitionKey"]),
        data=len(kinesis["data"]),
    )
    try:
        if float(record.arrived) < now - OLDEST_SECONDS:
            return
        if data.startswith(OTHER):
            order = _of_no_json(data)
            record.kind = "other"
        elif is_aggregate(data):
            inside = [_ORDER.decode(each.data) for each in unpack(data)]
            order, record.kind = inside[0], "aggregate"
            record.inside = [each.n for each in inside]
        else:
            order = _ORDER.decode(data)
    except (AggregateError, msgspec.MsgspecError, LookupError, ValueError):
        return
    record.n = order.n
    yield record, order


def _of_no_json(data: bytes) -> Order:
    _, run, case, n = data.split(b" ", _OTHER_WORDS)[:_OTHER_WORDS]
    return Order(to="", run=run.decode(), case=case.decode(), n=int(n))
