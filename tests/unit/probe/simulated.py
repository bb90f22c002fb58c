"""The probe's cases against the local cloud's own mappings, in simulated time: no server, no waiting."""

import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sluice.deadline import Deadline
from sluice.local.clock import FakeClock
from sluice.local.mapping import Mapping
from sluice.local.mapping_event import event
from sluice.local.mapping_simulation import MemoryStream, Timeline
from sluice.local.mapping_types import (
    Invocation,
    Invoke,
    MappingConfig,
    Read,
    ShardInfo,
    StreamRecord,
    Verdict,
)
from sluice.probe.case import Case
from sluice.probe.event import batches
from sluice.probe.findings import Finding
from sluice.probe.function import OrderedFailure, carried_out, merged
from sluice.probe.ground import Ground, Patience
from sluice.probe.mappings import BY_NAME, Fed
from sluice.probe.orders import MOST_HOLD_SECONDS, Seen
from sluice.probe.trial import Shard, Trial

SHARD = "shardId-000000000000"
HOLD_SECONDS = MOST_HOLD_SECONDS
GROUND = Ground(
    streams={"cases": "cases", "plain": "plain"},
    function="probe",
    journal="journal",
    queue_url="queue",
    dataset="probe",
    tumbling_window_seconds=10,
)

Tampered = Callable[[bytes], bytes]


class MemoryJournal:
    """A journal as the function and the command use it."""

    def __init__(self) -> None:
        self.noted: dict[str, list[Seen]] = {}
        self.freed: set[str] = set()

    def note(self, case: str, seen: Seen) -> None:
        self.noted.setdefault(case, []).append(seen)

    def read(self, case: str) -> list[Seen]:
        return list(self.noted.get(case, ()))

    def release(self, case: str) -> None:
        self.freed.add(case)

    def released(self, _: str) -> bool:
        """A held batch is away for as long as the simulation says: the function itself waits for nothing."""
        return True


class MemoryKinesis:
    """A stream of one shard, to put records to."""

    class exceptions:  # noqa: N801 - botocore's name
        """Those that a producer meets."""

        class ProvisionedThroughputExceededException(Exception):  # noqa: N818 - botocore's name
            """Too much at once."""

    def __init__(self, stream: MemoryStream, clock: FakeClock) -> None:
        self._stream, self._clock = stream, clock
        self._next = 10**55
        self.throttles = 0

    def put_record(self, *, Data: bytes, PartitionKey: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if self.throttles:
            self.throttles -= 1
            raise self.exceptions.ProvisionedThroughputExceededException
        self._next += 7
        record = StreamRecord(
            str(self._next), round(self._clock.now(), 3), b64encode(Data).decode(), PartitionKey
        )
        self._stream.put(SHARD, [record])
        return {"SequenceNumber": record.sequence}


class Reports:
    """What the simulated mapping gave up."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def about(self, sequences: Any) -> list[dict[str, Any]]:
        wanted = set(sequences)
        return [each for each in self._timeline.reports if wanted & set(_bounds(each))]


def _bounds(report: dict[str, Any]) -> tuple[int, int]:
    info = report["KinesisBatchInfo"]
    return int(info["startSequenceNumber"]), int(info["endSequenceNumber"])


class World:
    """One mapping of the probe's, its function and a trial on it.

    `config` changes the mapping, `answers` what the function says before Lambda reads it: so a service that
    behaves otherwise is had.
    """

    def __init__(
        self,
        case: Case,
        *,
        config: Callable[[MappingConfig], MappingConfig] = lambda config: config,
        answers: Tampered = lambda answer: answer,
        events: Tampered = lambda event: event,
    ) -> None:
        self.clock = FakeClock()
        self.timeline = Timeline(self.clock)
        self.stream = MemoryStream([ShardInfo(SHARD)])
        self.journal = MemoryJournal()
        self.machine = Mapping(config(config_of(BY_NAME[case.mapping])))
        self._answers, self._events = answers, events
        self.timeline.join(self.machine, self._read, self._invoke)
        self.kinesis = MemoryKinesis(self.stream, self.clock)
        self._case = case
        self.trial = Trial(
            case=case.name,
            mapping=case.mapping,
            run="run",
            stream=GROUND.streams[BY_NAME[case.mapping].stream],
            shard=Shard(SHARD, "0"),
            kinesis=self.kinesis,  # type: ignore[arg-type]  # it puts records, which is all that a trial does
            journal=self.journal,  # type: ignore[arg-type]  # it keeps what it is told, which is all it is for
            queue=Reports(self.timeline),  # type: ignore[arg-type]  # same
            ground=GROUND,
            patience=Patience(),
            sleep=self.sleep,
            clock=self.clock.now,
        )

    def findings(self) -> dict[str, Finding]:
        return {each.assumption: each for each in self._case.play(self.trial)}

    def sleep(self, seconds: float) -> None:
        self.timeline.run(self.clock.now() + seconds)

    def _read(self, work: Any) -> tuple[Any, float]:
        return self.stream.answer(work), 0.1 if isinstance(work, Read) else 0.0

    def _invoke(self, work: Invoke) -> tuple[Invocation, float]:
        asked = json.loads(self._events(event(self.machine.config, work)))
        held = any(
            order.act == "hold" and not self.journal.read(batch.case)
            for batch in batches(asked, "", self.clock.now())
            for order in batch.orders.values()
        )
        try:
            answer = self._answers(json.dumps(self._answered(asked)).encode())
        except OrderedFailure as failure:
            return Invocation(Verdict.FAILED, error=str(failure)), 0.1
        return Invocation(Verdict.ANSWERED, answer), HOLD_SECONDS if held else 0.1

    def _answered(self, asked: dict[str, Any]) -> dict[str, Any]:
        """As the handler answers, with a journal in memory."""
        answer: dict[str, Any] = {"state": asked.get("state") or {}} if "window" in asked else {}
        for batch in batches(asked, "request", self.clock.now()):
            journal: Any = self.journal
            todo = carried_out(batch, journal, Deadline.after(60))
            answer = merged(answer, todo.answer)
            if todo.stateless:
                del answer["state"]
        return answer


def config_of(fed: Fed) -> MappingConfig:
    """The mapping as the program declares it."""
    stream = f"arn:aws:kinesis:eu-central-1:123456789012:stream/{GROUND.streams[fed.stream]}"
    return MappingConfig(
        uuid=fed.name,
        function="probe",
        source_arn=f"{stream}/consumer/{fed.name}:1" if fed.enhanced else stream,
        stream_arn=stream,
        filters=fed.patterns,
        batch_size=fed.batch_size,
        window_seconds=fed.batching_seconds,
        retry_attempts=fed.retries,
        max_age_seconds=fed.oldest_seconds,
        parallelization=fed.parallelization,
        bisect=fed.bisect,
        report_failures=fed.parts,
        tumbling_seconds=GROUND.tumbling_window_seconds if fed.windowed else 0,
        on_failure_arn="arn:aws:sqs:eu-central-1:123456789012:probe",
    )


def verdicts(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.verdict for name, finding in found.items()}


def changed(**settings: Any) -> Callable[[MappingConfig], MappingConfig]:
    return lambda config: replace(config, **settings)


def names(cases: Sequence[Case]) -> list[str]:
    return [case.name for case in cases]
