"""Invokes a Firehose's function through the local Lambda, as often as it is allowed to."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import urllib3

from sluice.local.clock import Clock
from sluice.local.lake.declared import Firehose
from sluice.local.lake.event import (
    FUNCTION_ERROR,
    PAYLOAD_BYTES,
    AnswerError,
    Entry,
    Failed,
    Row,
    event,
    failure,
    read_answer,
)
from sluice.local.lake.faults import Faults
from sluice.local.source import authorization

RETRY_SECONDS = 1.0
"""How long Firehose waits between attempts is not documented."""

CALL_SECONDS = 330.0
"""Firehose waits five minutes for a function at most (developer guide, "Quota", read 2026-11)."""


@dataclass(frozen=True, slots=True)
class Transformed:
    """What came of an invocation; entries that are in neither list were dropped. `problem`: the last one."""

    rows: list[Row]
    failed: list[Failed]
    problem: str = ""


class Transform:
    """A Firehose's function. Safe for several threads."""

    def __init__(
        self,
        firehose: Firehose,
        lambda_url: str,
        faults: Faults,
        clock: Clock,
        told: Callable[[bool, float], None] = lambda _success, _seconds: None,
    ) -> None:
        """Invoke; `told` hears of each invocation whether it brought an answer, and how long it took."""
        self._told = told
        self._firehose, self._faults, self._clock = firehose, faults, clock
        self._url = f"{lambda_url}/2015-03-31/functions/{firehose.function}/invocations"
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(CALL_SECONDS), retries=False)
        self._headers = authorization(firehose.region, "lambda")
        self._stop = threading.Event()

    def __call__(self, entries: Sequence[Entry]) -> Transformed:
        """Rows and failures of some records; never raises for what the function does."""
        problem = ""
        told = event(self._firehose, entries)
        if len(told) > PAYLOAD_BYTES:  # one record that no invocation holds
            failed = [failure(entry, FUNCTION_ERROR, 1) for entry in entries]
            return Transformed([], failed, f"an event of {len(told)} bytes cannot be given to a function")
        for attempt in range(1, self._firehose.attempts + 1):
            if attempt > 1 and self._clock.wait(self._stop, RETRY_SECONDS):
                break
            began = self._clock.now()
            payload, said = self._invoke(event(self._firehose, entries))
            self._told(payload is not None, self._clock.now() - began)
            problem = said or problem
            if payload is not None:
                try:
                    rows, failed = read_answer(payload, entries, attempt)
                except AnswerError as error:
                    problem = str(error)
                else:
                    return Transformed(rows, failed, problem)
        failed = [failure(entry, FUNCTION_ERROR, self._firehose.attempts) for entry in entries]
        return Transformed([], failed, problem)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._stop.set()

    def _invoke(self, payload: bytes) -> tuple[bytes | None, str]:
        """The function's answer, or why there is none."""
        name = self._firehose.name
        for kind in ("transform_fails", "transform_times_out"):
            if self._faults.take(kind, name, "before"):
                return None, f"{kind}, as it was asked to"
        slow = self._faults.take("transform_slow", name)
        if slow:
            self._clock.wait(self._stop, slow.seconds)
        try:
            answer = self._pool.request("POST", self._url, body=payload, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            return None, f"{self._firehose.function} cannot be invoked: {error}"
        for kind in ("transform_fails", "transform_times_out"):
            if self._faults.take(kind, name, "after"):
                return None, f"{kind}, as it was asked to"
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            return None, f"{self._firehose.function}: {answer.data[:300].decode(errors='replace')}"
        if "x-amz-function-error" in answer.headers:
            return None, f"{self._firehose.function}: {_message(answer.data)}"
        return answer.data, ""


def _message(document: bytes) -> str:
    try:
        return str(msgspec.json.decode(document)["errorMessage"])[:300]
    except (msgspec.MsgspecError, KeyError, TypeError):
        return "it failed without saying why"
