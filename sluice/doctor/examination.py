"""Runs the checks side by side: a slow one holds up nobody, a failing one hides nothing."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sluice.doctor.case import Case
from sluice.doctor.finding import Finding, Level
from sluice.errors import SluiceError

SECONDS: Final = 90.0
"""How long all checks together may take."""

_OUTSIDE: Final = {"botocore": "AWS", "google": "Google Cloud", "requests": "HTTP", "urllib3": "HTTP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check: its name, what it looks at, and the checks without which it has nothing to look at."""

    name: str
    looks_at: str
    run: Callable[[Case], Iterable[Finding]]
    needs: tuple[str, ...] = ()


def examine(case: Case, checks: Sequence[Check], *, seconds: float = SECONDS) -> list[Finding]:
    """Run every check, and return what they found, in the order of the checks; some have nothing to tell.

    A check whose needs are not met is told as such, once, and not run. One that takes longer than `seconds`
    is given up: its thread ends with the process.
    """
    deadline = time.monotonic() + seconds
    found: dict[str, list[Finding]] = {}
    waiting = list(checks)
    while waiting:
        ready = [each for each in waiting if not set(each.needs) & {one.name for one in waiting}]
        able = [each for each in ready if not _in_the_way(each, found)]
        found |= {
            each.name: [_not_looked_at(each, _in_the_way(each, found))] for each in ready if each not in able
        }
        found |= _side_by_side(case, able, deadline)
        waiting = [each for each in waiting if each not in ready]
    return [finding for each in checks for finding in found[each.name]]


def _in_the_way(check: Check, found: Mapping[str, Sequence[Finding]]) -> list[str]:
    return [need for need in check.needs if any(one.level is Level.problem for one in found.get(need, ()))]


def _not_looked_at(check: Check, because: Sequence[str]) -> Finding:
    cause = f"not looked at: {check.looks_at}; there is a problem with {' and '.join(because)}"
    return Finding.unknown(check.name, cause, "mend that, and run this again")


def _side_by_side(case: Case, checks: Sequence[Check], deadline: float) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}

    def run(check: Check) -> None:
        found[check.name] = _guarded(case, check)

    threads = {
        each.name: threading.Thread(target=run, args=(each,), name=each.name, daemon=True) for each in checks
    }
    for thread in threads.values():
        thread.start()
    for thread in threads.values():
        thread.join(max(0.0, deadline - time.monotonic()))
    return {each.name: found.get(each.name, [_too_slow(each)]) for each in checks}


def _too_slow(check: Check) -> Finding:
    cause = f"no answer in time: {check.looks_at}"
    return Finding.unknown(check.name, cause, "look at the network and at proxies, and run this again")


def _guarded(case: Case, check: Check) -> list[Finding]:
    try:
        return list(check.run(case))
    except SluiceError as error:
        said = str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks' findings are told
        source = _OUTSIDE.get(type(error).__module__.partition(".")[0], type(error).__name__)
        said = f"{source}: {' '.join(str(error).split())}"
    cause = f"could not look at {check.looks_at}: {said}"
    return [Finding.unknown(check.name, cause, "mend what is said, and run this again")]
