"""What is tried of tumbling windows: state that is handed on, final calls, windows that end early."""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sluice.probe.case import Case
from sluice.probe.findings import Finding, agrees_if, unclear
from sluice.probe.orders import Seen
from sluice.probe.trial import Trial, having

_MEGABYTE: Final = 1_000_000
_TOO_MUCH: Final = 1_100_000
_ATTEMPTS: Final = 3
_SETTLED_SECONDS: Final = 0.3
"""Into a window, so that clocks which differ a little agree on which it is."""


def handed_on(trial: Trial) -> Iterator[Finding]:
    """Two batches of one window, and its end; once more where the second came too late for the first's."""
    sent: list[int] = []
    for first in range(0, _ATTEMPTS * 3, 3):
        _await_start(trial)
        trial.send(trial.order(first), trial.order(first + 1))
        trial.until_seen(first, first + 1)
        trial.send(trial.order(first + 2))
        sent += (first, first + 1, first + 2)
        if _start(trial.until_seen(*sent), first + 1) == _start(trial.seen(), first + 2):
            break
    seen = trial.until(lambda seen: all(_ended(seen, n) for n in sent), _until_end(trial))
    yield _bounds(trial, seen)
    yield _state(seen, first + 1, first + 2)
    yield _final(seen, sent)


def early(trial: Trial) -> Iterator[Finding]:
    """State of more than a megabyte, and a record after it."""
    trial.send(trial.order(0, act="grow", size=_TOO_MUCH))
    seen = trial.until(lambda seen: _ended(seen, 0), _until_end(trial))
    final = next((each for each in seen if each.window and each.window.final), None)
    if final is None or final.window is None:
        yield agrees_if(holds=False, assumption="window-early", saw="no final call came")
        return
    trial.send(trial.order(1))
    seen = trial.until(lambda seen: _ended(seen, 1), _until_end(trial))
    after = having(seen, 1)
    fresh = bool(after) and not _held(after[0])
    size = final.window.state_bytes
    words = "marked early" if final.window.early else "not marked early"
    saw = (
        f"a final call with {size:,} bytes came, {words}; the next batch had {'no' if fresh else 'its'} state"
    )
    yield agrees_if(final.window.early and size > _MEGABYTE and fresh, "window-early", saw)


def final_again(trial: Trial) -> Iterator[Finding]:
    """A final call that fails once."""
    trial.send(trial.order(0, act="raise-at-end", times=1))
    seen = trial.until(lambda seen: len(_finals(seen, 0)) > 1, _until_end(trial))
    finals = _finals(seen, 0)
    states = [_held(each) for each in finals]
    same = len(finals) > 1 and states[0] == states[1] == [0]
    words = (
        "always with its state" if same else f"with {', '.join(f'{len(each)}' for each in states)} records"
    )
    yield agrees_if(same, "window-final-again", f"the final call came {len(finals)} times, {words}")


def stateless(trial: Trial) -> Iterator[Finding]:
    """An answer without a state, once."""
    trial.send(trial.order(0, act="stateless"))
    seen = trial.until(lambda seen: len(having(seen, 0)) > 1 or _ended(seen, 0), _until_end(trial))
    tries = len(having(seen, 0))
    trial.until(lambda seen: _ended(seen, 0), _until_end(trial))
    saw = "the batch came again" if tries > 1 else "the batch did not come again"
    yield agrees_if(tries > 1, "window-needs-state", saw)


def _bounds(trial: Trial, seen: list[Seen]) -> Finding:
    length = trial.ground.tumbling_window_seconds
    outside = 0
    for each in seen:
        if each.window is None:
            return agrees_if(holds=False, assumption="window-bounds", saw="the event had no window")
        start, end = (_moment(text) for text in (each.window.start, each.window.end))
        if end - start != length or start % length:
            saw = f"a window from {each.window.start} to {each.window.end}, with {length} s set"
            return agrees_if(holds=False, assumption="window-bounds", saw=saw)
        outside += sum(not start <= float(record.arrived) < end for record in each.records)
    saw = f"{outside} records arrived outside their window" if outside else f"{length} s, on the {length} s"
    return agrees_if(not outside, "window-bounds", saw)


def _state(seen: list[Seen], before: int, after: int) -> Finding:
    if _start(seen, after) is None:
        return unclear("window-state", "the second batch did not come")
    if _start(seen, before) != _start(seen, after):
        saw = f"{_ATTEMPTS} times the second batch came too late for the window: set a longer one"
        return unclear("window-state", saw)
    held = _held(having(seen, after)[0])
    saw = f"the second batch came with a state of {len(held)} records"
    return agrees_if({before - 1, before} <= set(held), "window-state", saw)


def _final(seen: list[Seen], sent: list[int]) -> Finding:
    finals = [each for each in seen if each.window and each.window.final]
    if not finals:
        return agrees_if(holds=False, assumption="window-final", saw="no final call came")
    covered = {n for each in finals for n in (*_held(each), *each.numbers)} & set(sent)
    carried = sum(len(each.records) for each in finals)
    early = any(each.window and each.window.early for each in finals)
    once = len({each.window.start for each in finals if each.window}) == len(finals)
    saw = f"it had {len(covered)} of {len(sent)} records"
    saw += f", of which it brought {carried} with it" if carried else " in its state, and brought none"
    return agrees_if(len(covered) == len(sent) and not early and once, "window-final", saw)


def _start(seen: list[Seen], n: int) -> str | None:
    """Return the start of the window in which a record came first; None where it did not come."""
    windows = [each.window for each in having(seen, n)]
    return windows[0].start if windows and windows[0] else None


def _held(seen: Seen) -> list[int]:
    """Return the records that the state of an invocation covers."""
    return list(seen.window.state.get("seen", [])) if seen.window else []


def _finals(seen: list[Seen], n: int) -> list[Seen]:
    return [
        each for each in seen if each.window and each.window.final and (n in _held(each) or n in each.numbers)
    ]


def _ended(seen: list[Seen], n: int) -> bool:
    """Whether the window that has a record has come to its end without a failure."""
    return any(each.answer != "raise" for each in _finals(seen, n))


def _await_start(trial: Trial) -> None:
    """Wait for the beginning of a window."""
    length = trial.ground.tumbling_window_seconds
    now = trial.clock()
    trial.sleep(math.ceil(now / length) * length - now + _SETTLED_SECONDS)


def _until_end(trial: Trial) -> float:
    return trial.ground.tumbling_window_seconds + trial.patience.window_seconds


def _moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


CASES: Final = (
    Case(
        name="window",
        mapping="windows",
        about=("window-bounds", "window-state", "window-final"),
        play=handed_on,
    ),
    Case(name="window-early", mapping="windows", about=("window-early",), play=early),
    Case(name="window-again", mapping="windows", about=("window-final-again",), play=final_again),
    Case(name="window-stateless", mapping="windows", about=("window-needs-state",), play=stateless),
)
