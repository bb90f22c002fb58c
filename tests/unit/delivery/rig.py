"""A processor over moto and a sink in memory, of which any step can be made to fail or to kill."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sluice.contract import Event
from sluice.deadletters import DeadLetter, DeadLetterQueue, read_queue
from sluice.deadline import Deadline
from sluice.delivery import (
    DELIVERED,
    Accepted,
    Entry,
    Ledger,
    LedgerReader,
    Outcome,
    Processor,
    Rejected,
    Report,
    Skipped,
)
from sluice.sinks.memory import MemorySink
from tests.unit.delivery.aws import BUCKET, TABLE, Aws, Intercepted
from tests.unit.delivery.builders import CONTRACT, SHARD, Context, Killed, Time, sequence

Hook = Callable[[str, Any], None]
"""Called with a step's name and what it is about, before the step; may raise."""

NOW = datetime(2023, 11, 14, 23, 0, tzinfo=UTC)


class Watched(MemorySink):
    """A sink in memory whose steps are announced."""

    def __init__(self, hook: Hook, decide: Callable[[Accepted], Outcome]) -> None:
        super().__init__("bigquery", decide)
        self.hook = hook

    def prepare(self, accepted: Accepted) -> Accepted | Rejected | Skipped:
        self.hook("prepare", accepted)
        return super().prepare(accepted)

    def deliver(self, prepared: Sequence[Accepted], deadline: Deadline) -> Sequence[Outcome]:
        self.hook("deliver", prepared)
        outcomes = super().deliver(prepared, deadline)
        self.hook("delivered", prepared)
        return outcomes

    def note(self, letters: Sequence[DeadLetter], deadline: Deadline) -> Mapping[str, str]:
        self.hook("note", letters)
        return super().note(letters, deadline)


class WatchedContract:
    """The contract, announcing each record that it reads."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook
        self.type_of = CONTRACT.type_of

    def decode(self, data: bytes) -> Event:
        self.hook("decode", data)
        return CONTRACT.decode(data)


class Rig:
    """Everything around one processor. A new one over the same `aws` is a new runtime after a crash."""

    def __init__(
        self,
        aws: Aws,
        *,
        hook: Hook = lambda _step, _about: None,
        decide: Callable[[Accepted], Outcome] = lambda _accepted: DELIVERED,
        disjoint: bool = True,
        letterbox: Any = None,
        time: Time | None = None,
    ) -> None:
        self.aws = aws
        self.time = time or Time()
        self.reports: list[Report] = []
        self.steps: list[str] = []
        self.marks: list[str] = []
        self._hook = hook
        self.sink = Watched(self._step, decide)
        client = Intercepted(aws.dynamodb, self._ledger_call)
        ledger = Ledger(
            cast("Any", client),
            TABLE,
            "bigquery",
            keep=timedelta(days=7),
            disjoint=disjoint,
            now=lambda: NOW,
        )
        queue = DeadLetterQueue(
            lambda: cast("Any", Intercepted(aws.sqs, self._queue_call)), aws.queue_url, lambda: aws.s3, BUCKET
        )
        self.process = Processor(
            cast("Any", WatchedContract(self._step)),
            self.sink,
            ledger,
            letterbox or queue,
            report=self.reports.append,
            now=lambda: NOW,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    def invoke(self, event: Mapping[str, Any], seconds: float = 20.0) -> dict[str, Any]:
        return self.process(event, Context(seconds))

    def killed(self, event: Mapping[str, Any]) -> bool:
        """Invoke, and say whether the runtime died of it."""
        try:
            self.invoke(event)
        except Killed:
            return True
        return False

    def entries(self, shard: str = SHARD) -> list[Entry]:
        found = LedgerReader(self.aws.dynamodb, TABLE).read("bigquery", shards=[shard])
        return sorted(found, key=lambda entry: (entry.redriven, entry.first))

    def closed(self, shard: str = SHARD) -> list[Entry]:
        return [entry for entry in self.entries(shard) if entry.state == "closed"]

    def letters(self) -> dict[str, DeadLetter]:
        found = read_queue(self.aws.sqs, self.aws.queue_url, wait_seconds=0)
        return {letter.id: letter for letter in found if isinstance(letter, DeadLetter)}

    def _step(self, name: str, about: Any) -> None:
        self.steps.append(name)
        self._hook(name, about)

    def _ledger_call(self, name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
        suspect = request.get("ExpressionAttributeValues", {}).get(":suspect", {}).get("S")
        if suspect is not None:
            self.marks.append(suspect)
        self._step(name, request)
        answer = call()
        self._step(f"{name} done", request)
        return answer

    def _queue_call(self, name: str, call: Callable[[], Any], request: dict[str, Any]) -> Any:
        self._step(name, request)
        return call()


def failures(*numbers: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": sequence(number)} for number in numbers]}


def identity(number: int) -> str:
    return f"{SHARD}/{sequence(number)}"


def by_number(table: dict[int, Outcome]) -> Any:
    def decide(accepted: Accepted) -> Outcome:
        return next((table[n] for n in table if sequence(n) == accepted.record.sequence), DELIVERED)

    return decide


def counts(rig: Rig) -> list[tuple[int, int, int]]:
    return [(one.delivered, one.dead_lettered, one.skipped) for one in rig.closed()]
