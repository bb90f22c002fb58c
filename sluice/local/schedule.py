"""EventBridge's schedules: a rule invokes its functions every so often, with EventBridge's own event.

Documented (EventBridge user guide, "Rate expressions reference", read 2026-11): `rate(value
unit)` with minute, hour or day, singular for 1 and plural above; the function needs a permission for
events.amazonaws.com. Chosen: the first call comes one period after the start, a failed one is not repeated.
"""

import logging
import re
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from sluice.errors import SettingsError
from sluice.local.clock import Clock
from sluice.local.mapping_runner import Invoker
from sluice.local.mapping_types import Verdict
from sluice.local.watch.meters import Meter, RuleMeter, Unmeasured

logger = logging.getLogger(__name__)

PRINCIPAL = "events.amazonaws.com"
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_KNOWN = {"rule", "arn", "targetId", "input", "retryPolicy", "region", "forceDestroy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A function that a rule invokes every `seconds`; `payload` is a constant event in place of the usual."""

    rule_arn: str
    function: str
    seconds: int
    payload: str | None = None


def seconds_of(expression: str) -> int:
    """The period of a schedule expression.

    Raises:
        SettingsError: it is none, or one that the local cloud does not run.
    """
    found = _RATE.fullmatch(expression)
    if found is None or int(found[1]) < 1 or (int(found[1]) > 1) != bool(found[3]):
        raise SettingsError(
            f"schedule {expression!r}: the local cloud takes rate(1 minute), rate(5 minutes), hours, days, "
            "but no cron(...)"
        )
    return int(found[1]) * _SECONDS[found[2]]


def schedules(
    rules: Sequence[Mapping[str, Any]],
    targets: Sequence[Mapping[str, Any]],
    permissions: Sequence[Mapping[str, Any]],
) -> list[Schedule]:
    """The schedules of declared rules, their targets and the functions' permissions.

    Raises:
        SettingsError: a target that cannot be served, or that EventBridge could not invoke.
    """
    found: list[Schedule] = []
    by_name = {rule["name"]: rule for rule in rules}
    for target in targets:
        rule = by_name.get(target["rule"])
        unknown = sorted(key for key in target.keys() - _KNOWN if target[key])
        if rule is None or unknown or ":function:" not in target["arn"]:
            what = unknown or [target["rule"] if rule is None else target["arn"]]
            raise SettingsError(f"the local cloud runs no rule's target with {', '.join(what)}")
        if rule.get("isEnabled") is False or rule.get("state") == "DISABLED":
            continue
        function = target["arn"].partition(":function:")[2].partition(":")[0]
        if not any(_allows(one, function, rule["arn"]) for one in permissions):
            raise SettingsError(
                f"rule {rule['name']} cannot invoke {function}: declare a Permission of {PRINCIPAL} for it"
            )
        seconds = seconds_of(rule["scheduleExpression"])
        found.append(
            Schedule(rule_arn=rule["arn"], function=function, seconds=seconds, payload=target.get("input"))
        )
    return found


def _allows(permission: Mapping[str, Any], function: str, rule_arn: str) -> bool:
    named = str(permission["function"]).partition(":function:")[2] or permission["function"]
    source = permission.get("sourceArn")
    return (
        named.partition(":")[0] == function
        and permission["principal"] == PRINCIPAL
        and permission["action"] in ("lambda:InvokeFunction", "lambda:*")
        and source in (None, rule_arn)
    )


def scheduled_event(rule_arn: str, now: float) -> bytes:
    """The event that EventBridge sends on time."""
    region, account = rule_arn.split(":")[3:5]
    return msgspec.json.encode(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account,
            "time": datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [rule_arn],
            "detail": {},
        }
    )


class Ticker:
    """Runs one schedule in a thread of its own until it is stopped."""

    def __init__(
        self,
        schedule: Schedule,
        invoker: Invoker,
        clock: Clock,
        *,
        minute_seconds: float = 60.0,
        meter: Meter | None = None,
        refused: Callable[[str], bool] = lambda _function: False,
    ) -> None:
        """Run a schedule in which a minute lasts `minute_seconds`; `refused` says whether a call is."""
        self.schedule = schedule
        self._invoker = invoker
        self._clock = clock
        self._period = schedule.seconds * minute_seconds / 60
        self._meter = RuleMeter(meter or Unmeasured(), schedule.rule_arn)
        self._refused = refused
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"schedule-{schedule.function}", daemon=True)
        self.invoked = 0
        self.last_error = ""

    def start(self) -> None:
        """Begin to count the first period."""
        self._thread.start()

    def stop(self) -> None:
        """Invoke no more; a call under way is left to its end."""
        self._stopped.set()

    def join(self) -> None:
        """Wait until it has stopped."""
        self._thread.join()

    def status(self) -> dict[str, Any]:
        """What there is to tell of it."""
        return {
            "rule": self.schedule.rule_arn,
            "function": self.schedule.function,
            "seconds": self.schedule.seconds,
            "invoked": self.invoked,
            "last_error": self.last_error,
        }

    def _run(self) -> None:
        due = self._clock.now() + self._period
        while not self._clock.wait(self._stopped, due - self._clock.now()):
            due += self._period
            refused = self._refused(self.schedule.function)
            self._meter.fired(delivered=not refused)
            if refused:
                self.last_error = "the schedule may not invoke the function"
                continue
            payload = self.schedule.payload
            event = scheduled_event(self.schedule.rule_arn, self._clock.now())
            result = self._invoker.invoke(self.schedule.function, payload.encode() if payload else event)
            self.invoked += 1
            self.last_error = "" if result.verdict is Verdict.ANSWERED else result.error
