"""A whole run: all cases side by side, as far as they do not share a mapping's shard, and then tidied up."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from threading import Event, Lock
from typing import Final

from sluice.errors import EnvironmentProblem
from sluice.probe import batch_cases, failure_cases, filter_cases, window_cases
from sluice.probe.assumptions import ASSUMPTIONS
from sluice.probe.case import Case
from sluice.probe.findings import Finding, unclear
from sluice.probe.given_up import GivenUp
from sluice.probe.ground import Clients, Ground, Patience
from sluice.probe.journal import Journal
from sluice.probe.mappings import BY_NAME, STREAMS
from sluice.probe.rows import TABLE_ABOUT, RowTrial
from sluice.probe.tables import Tables
from sluice.probe.trial import Shard, Silence, Trial

CASES: Final = (*window_cases.CASES, *failure_cases.CASES, *batch_cases.CASES, *filter_cases.CASES)
"""The longest first."""

_ROWS: Final = "rows"
_AT_ONCE: Final = 16
_MOST_SAID: Final = 300

Progress = Callable[[str, Sequence[Finding]], None]
"""Told a case's name and its findings, as it ends."""


def abouts(*, slow: bool) -> dict[str, tuple[str, ...]]:
    """Return the assumptions that each case tells about."""
    return {
        **{case.name: case.about for case in CASES if slow or not case.slow},
        _ROWS: TABLE_ABOUT,
    }


class Run:
    """One run of the probe; use `findings` within `prepared`."""

    def __init__(self, clients: Clients, ground: Ground, patience: Patience) -> None:
        self._clients, self._ground, self._patience = clients, ground, patience
        self.name = secrets.token_hex(4)
        self._journal = Journal(clients.dynamodb, ground.journal, self.name)
        self._queue = GivenUp(clients.sqs, ground.queue_url, patience.queue_seconds)
        self._tables = Tables(clients, ground, self.name, patience, sleep=self._pause)
        self._shards: dict[str, list[Shard]] = {}
        self._busy: dict[tuple[str, str], Lock] = {}
        self._stopped = Event()
        self.left: list[str] = []
        """What could not be taken away at the end, and why: it goes by itself within a day."""

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Make sure that nobody else probes and that the function answers; at the end nothing is left.

        Raises:
            EnvironmentProblem: another run is at work, or the function does not answer.
        """
        since = self._journal.lock()
        if since is not None:
            began = datetime.fromtimestamp(int(since), UTC).strftime("%H:%M")
            raise EnvironmentProblem(
                f"another probe is at work here since {began} UTC: wait until it ends; one that was cut off "
                "lets go after 30 minutes"
            )
        with ExitStack() as tidying:
            tidying.callback(self._tidy, "its notes and its lock", self._journal.erase)
            self._tables.ask({"ask": "ready"})
            self._shards = {each: self._open_shards(self._ground.streams[each]) for each in STREAMS}
            self._queue.drain()
            tidying.callback(self._tidy, "what Lambda gave up", self._queue.drain)
            tidying.callback(self._tidy, f"table {self._tables.name}", self._tables.drop)
            yield

    def _tidy(self, what: str, take_away: Callable[[], None]) -> None:
        """Take something away; a cloud that does not let it has no say in what was found."""
        try:
            take_away()
        except Exception as error:  # noqa: BLE001 - whatever it is, the findings are told
            said = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_SAID]
            self.left.append(f"{what} could not be taken away, and goes by itself within a day: {said}")

    def findings(self, *, slow: bool, progress: Progress) -> list[Finding]:
        """Try everything, and return one finding per assumption, in the list's order."""
        found: list[Finding] = []
        cases = [case for case in CASES if slow or not case.slow]
        threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="probe")
        try:
            under_way = {threads.submit(self._play_rows): _ROWS}
            placed: dict[str, int] = {}
            for case in cases:
                place = placed[case.mapping] = placed.get(case.mapping, -1) + 1
                under_way[threads.submit(self._play, case, place)] = case.name
            for each in as_completed(under_way):
                found += each.result()
                progress(under_way[each], each.result())
        finally:  # also when Ctrl-C ends it: what waits wakes, and nothing begins any more
            self._stopped.set()
            threads.shutdown(cancel_futures=True)
        order = {assumption.id: place for place, assumption in enumerate(ASSUMPTIONS)}
        return sorted(found, key=lambda finding: order[finding.assumption])

    def _play(self, case: Case, place: int) -> list[Finding]:
        stream = BY_NAME[case.mapping].stream
        shards = self._shards[stream]
        shard = shards[place % len(shards)]
        trial = Trial(
            case=case.name,
            mapping=case.mapping,
            run=self.name,
            stream=self._ground.streams[stream],
            shard=shard,
            kinesis=self._clients.kinesis,
            journal=self._journal,
            queue=self._queue,
            ground=self._ground,
            patience=self._patience,
            sleep=self._pause,
        )
        with self._busy.setdefault((case.mapping, shard.id), Lock()):
            return _told(case.about, case.play(trial))

    def _play_rows(self) -> list[Finding]:
        def play() -> Iterator[Finding]:
            self._tables.make()
            yield from RowTrial(self._tables).play()

        return _told(TABLE_ABOUT, play())

    def _pause(self, seconds: float) -> None:
        """Wait; raises Silence when the run is stopped meanwhile."""
        if self._stopped.wait(seconds):
            raise Silence("the run was stopped")

    def _open_shards(self, stream: str) -> list[Shard]:
        answer = self._clients.kinesis.list_shards(StreamName=stream)
        return [
            Shard(shard["ShardId"], shard["HashKeyRange"]["StartingHashKey"])
            for shard in answer["Shards"]
            if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
        ]


def _told(about: Sequence[str], findings: Iterable[Finding]) -> list[Finding]:
    """Take what a case finds; of what it did not come to, say why."""
    found: list[Finding] = []
    reason = "the case ended before it came to this"
    try:
        found.extend(findings)
    except Silence as silence:
        reason = str(silence)
    except Exception as error:  # noqa: BLE001 - one case that cannot be tried must not hide the others
        reason = f"the case failed: {type(error).__name__}: {error}"
    told = {each.assumption for each in found}
    return [*found, *(unclear(each, reason) for each in about if each not in told)]
