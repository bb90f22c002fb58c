"""The alarms at work: evaluated every minute, or what counts for one here, and told of to their topics.

Composite alarms follow their children at once. A state changes, its history grows, its actions are done:
always in this order, and once per change.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sluice.local.watch.alarm import AlarmError, MetricAlarm, Verdict
from sluice.local.watch.collector import pause_of
from sluice.local.watch.evaluation import State
from sluice.local.watch.notices import Change, Notice
from sluice.local.watch.rule import Rule, RuleError
from sluice.local.watch.store import MetricStore

logger = logging.getLogger(__name__)

MOST_HISTORY: Final = 10_000
UNCHECKED: Final = "Unchecked: Initial alarm creation"
GRACE: Final = 2
"""An evaluation waits until what was measured in its minute has been sent: so many sendings."""

_ACTIONS: Final = {
    State.ALARM: "AlarmActions",
    State.OK: "OKActions",
    State.INSUFFICIENT_DATA: "InsufficientDataActions",
}


@dataclass(slots=True)
class Watched:
    """An alarm with its state; `given` are the parameters that declared it, moments are epoch seconds."""

    name: str
    arn: str
    given: dict[str, Any]
    rule: MetricAlarm | Rule
    configured: float
    since: float
    updated: float
    state: State = State.INSUFFICIENT_DATA
    reason: str = UNCHECKED
    data: str = ""

    @property
    def composite(self) -> bool:
        """Whether it follows other alarms instead of a metric."""
        return isinstance(self.rule, Rule)


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of an alarm's history: `kind` is StateUpdate, ConfigurationUpdate or Action."""

    alarm: str
    composite: bool
    moment: float
    kind: str
    summary: str
    data: str = "{}"


class Watch:
    """All alarms. Safe for several threads.

    `publish` does an action: told the ARN and a notice, it says whether anybody could be told.
    """

    def __init__(
        self,
        store: MetricStore,
        publish: Callable[[str, Notice], bool],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.history: deque[Event] = deque(maxlen=MOST_HISTORY)
        self.samplers: list[Callable[[float], None]] = []
        """Called at the end of each minute with a moment within it, to measure what is a level."""
        self._publish = publish
        self._now = now
        self._alarms: dict[str, Watched] = {}
        self._lock = threading.RLock()

    def put_metric_alarm(self, given: dict[str, Any], arn: str) -> None:
        """Declare an alarm, or what an alarm is to be from now on; raises AlarmError."""
        self._put(given, arn, MetricAlarm.parse(given))

    def put_composite_alarm(self, given: dict[str, Any], arn: str) -> None:
        """Declare a composite alarm; raises AlarmError."""
        name = str(given["AlarmName"])
        try:
            rule = Rule.parse(str(given["AlarmRule"]))
        except RuleError as error:
            raise AlarmError(f"alarm {name}: {error}") from None
        if given.get("ActionsSuppressor"):
            raise AlarmError(f"alarm {name}: an actions suppressor is not imitated here")
        with self._lock:
            unknown = [each for each in rule.alarms if each not in self._alarms]
            if unknown:
                raise AlarmError(f"alarm {name}: its rule names {', '.join(unknown)}, which does not exist")
            if name in self._above(rule.alarms):
                raise AlarmError(f"alarm {name}: its rule depends on itself")
            self._put(given, arn, rule)
            self._follow(self._now())

    def delete(self, names: Iterable[str]) -> None:
        """Forget alarms; raises AlarmError where another one's rule names one."""
        gone = set(names)
        with self._lock:
            for each in self._composites():
                needed = gone.intersection(each[1].alarms)
                if needed and each[0].name not in gone:
                    raise AlarmError(
                        f"Cannot delete {', '.join(sorted(needed))} as there are composite alarm(s) "
                        f"depending on it: {each[0].name}"
                    )
            for name in gone:
                self._alarms.pop(name, None)

    def alarms(self) -> list[Watched]:
        """All alarms, in the order in which they were made."""
        with self._lock:
            return list(self._alarms.values())

    def find(self, name: str) -> Watched | None:
        """An alarm by its name."""
        return self._alarms.get(name)

    def set_state(self, alarm: Watched, state: State, reason: str, data: str) -> None:
        """Put an alarm into a state until its next evaluation."""
        with self._lock:
            self._change(alarm, state, reason, data, self._now())
            self._follow(self._now())

    def tick(self, end: int) -> None:
        """Evaluate everything: the minutes before `end` are over."""
        within = (end - 0.5) * self.store.minute_seconds
        for sample in self.samplers:
            sample(within)
        with self._lock:
            now = self._now()
            for alarm in list(self._alarms.values()):
                if isinstance(alarm.rule, MetricAlarm):
                    self._take(alarm, alarm.rule.judge(self.store, end), now)
            self._follow(now)

    def run(self, stopped: threading.Event) -> None:
        """Evaluate at the end of each minute until it is stopped."""
        minute = self.store.minute_seconds
        grace = min(GRACE * pause_of(minute), minute / 2)
        end = self.store.minute(self._now()) + 1
        while not stopped.wait(max(0.0, end * minute + grace - self._now())):
            try:
                self.tick(end)
            except Exception:  # alarms that fall silent for good would look like a healthy cloud
                logger.exception("alarms of one minute could not be evaluated")
            end = max(end + 1, self.store.minute(self._now() - grace))

    def _put(self, given: dict[str, Any], arn: str, rule: MetricAlarm | Rule) -> None:
        name, now = str(given["AlarmName"]), self._now()
        for action in (one for key in _ACTIONS.values() for one in given.get(key) or []):
            if action.split(":")[2:3] != ["sns"]:
                raise AlarmError(f"alarm {name}: action {action}: here an alarm tells SNS topics only")
        with self._lock:
            before = self._alarms.get(name)
            if before is None:
                self._alarms[name] = Watched(name, arn, given, rule, now, now, now)
            elif before.composite != isinstance(rule, Rule):
                raise AlarmError(f"alarm {name}: there is another kind of alarm of that name")
            else:
                before.given, before.rule, before.configured = given, rule, now
            what = "created" if before is None else "updated"
            self._note(self._alarms[name], now, "ConfigurationUpdate", f'Alarm "{name}" {what}')

    def _take(self, alarm: Watched, verdict: Verdict, now: float) -> None:
        """Go where an evaluation leads; what stays in its state keeps the reason that led there."""
        if verdict.state is None or verdict.state == alarm.state:
            return
        data = {
            "version": "1.0",
            "queryDate": _iso(now),
            "recentDatapoints": [point for point in verdict.points if point is not None],
            "threshold": alarm.given.get("Threshold"),
        }
        self._change(alarm, verdict.state, verdict.reason, msgspec.json.encode(data).decode(), now)

    def _follow(self, now: float) -> None:
        """Bring composite alarms in line with their children, and those above them."""
        changed = True
        while changed:
            changed = False
            states = {alarm.name: alarm.state for alarm in self._alarms.values()}
            for alarm, rule in self._composites():
                state = State.ALARM if rule.holds(states) else State.OK
                if state != alarm.state:
                    children = [name for name in rule.alarms if states.get(name) == State.ALARM]
                    ringing = f": {', '.join(children)} in ALARM" if children else ""
                    reason = f"{alarm.arn} transitioned to {state} as its rule is {state == State.ALARM}"
                    self._change(alarm, state, f"{reason}{ringing}", "{}", now)
                    changed = True

    def _change(self, alarm: Watched, state: State, reason: str, data: str, now: float) -> None:
        before = alarm.state
        alarm.state, alarm.reason, alarm.data, alarm.updated = state, reason, data, now
        if before == state:
            return
        alarm.since = now
        told = {"oldState": {"stateValue": before}, "newState": {"stateValue": state, "stateReason": reason}}
        summary = f"Alarm updated from {before} to {state}"
        self._note(alarm, now, "StateUpdate", summary, msgspec.json.encode(told).decode())
        if alarm.given.get("ActionsEnabled") is False:
            return
        for action in alarm.given.get(_ACTIONS[state]) or []:
            notice = Notice.of(alarm.given, alarm.arn, Change(before, state, reason, now))
            done = "Successfully executed" if self._publish(action, notice) else "Failed to execute"
            self._note(alarm, now, "Action", f"{done} action {action}")

    def _note(self, alarm: Watched, now: float, kind: str, summary: str, data: str = "{}") -> None:
        self.history.append(Event(alarm.name, alarm.composite, now, kind, summary, data))

    def _composites(self) -> Iterator[tuple[Watched, Rule]]:
        for alarm in self._alarms.values():
            if isinstance(alarm.rule, Rule):
                yield alarm, alarm.rule

    def _above(self, names: Iterable[str]) -> set[str]:
        """Alarms that lie below these, and they themselves."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            alarm = self._alarms.get(name)
            if name not in found and alarm is not None and isinstance(alarm.rule, Rule):
                todo += alarm.rule.alarms
            found.add(name)
        return found


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(moment))
