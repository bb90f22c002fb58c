"""The threads of a producer: they send what `Work` says, while others put."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from sluice.errors import BacklogFull, EnvironmentProblem, Undelivered, Unsendable, UsageError
from sluice.producer.failures import Failure, Why
from sluice.producer.receipts import REMEMBERED, Receipt
from sluice.producer.trouble import Trouble
from sluice.producer.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from sluice.producer.destinations import Answer, Destination
    from sluice.producer.receipts import OnFailure, Parcel
    from sluice.producer.settings import Report, Settings
    from sluice.producer.shards import Shards

_LOG = logging.getLogger("sluice.producer")
_CLOSED = Failure(Why.PASSING, "", "the producer was closed before the event was confirmed")


class Engine:
    """Takes events from any thread and sends them from threads of its own.

    `prepare` is called before the first event, `read_shards` for the map of shards when aggregating. A
    sending thread tells `on_progress` of every answered request, and `on_settled` which receipts it settled.
    """

    def __init__(
        self,
        destination: Destination,
        settings: Settings,
        *,
        prepare: Callable[[], None] = lambda: None,
        read_shards: Callable[[int], Shards] | None = None,
        on_failure: OnFailure | None = None,
        on_progress: Callable[[Report], None] | None = None,
        on_settled: Callable[[list[Receipt]], None] | None = None,
    ) -> None:
        self._destination = destination
        self._settings = settings
        self._prepare = prepare
        self._read_shards = read_shards
        self._on_failure = on_failure
        self._on_progress = on_progress
        self._on_settled = on_settled
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._settled = threading.Condition(self._lock)
        self._reading = threading.Lock()
        self._work: Work | None = None
        self._threads: list[threading.Thread] = []
        self._flushing = 0
        self._closed = False
        self._process = os.getpid()
        self._undelivered: list[Receipt] = []
        self._trouble = Trouble(destination.name)

    def put(self, key: str, data: bytes, hash_key: str | None = None) -> Receipt:
        """Take an event in, and wait for room if the settings say so.

        Raises:
            Unsendable: no request could carry it.
            BacklogFull: there is no room, and the settings say not to wait.
            Undelivered: as many events as may be pending were given up, and nobody has taken them.
            EnvironmentProblem: the destination takes nothing at all.
        """
        row = (key, data, hash_key)
        size = self._destination.size(row)
        refusal = self._destination.refusal(row, size)
        if refusal is not None:
            raise Unsendable(f"the event {key[:64]!r} cannot be sent: {refusal.reason}")
        work = self._started()
        size += REMEMBERED
        receipt = Receipt(key, data, hash_key, size, self._settled)
        with self._lock:
            self._wait_for_room(work, size)
            if work.add(receipt, time.monotonic()):
                self._wake.notify()
        return receipt

    def start(self) -> None:
        """Make ready what the first put would: the map of shards, the threads."""
        self._started()

    def flush(self, timeout: float | None = None) -> bool:
        """Send all that was put before without waiting for company; returns whether it is settled in time."""
        self._check_process()
        self._refuse_callback("flush")
        work = self._work
        if work is None:
            return True
        with self._lock:
            epoch = work.next_epoch()
            self._flushing += 1
            self._wake.notify_all()
            try:
                return self._settled.wait_for(lambda: work.through(epoch), timeout)
            finally:
                self._flushing -= 1

    def close(self, timeout: float | None = None) -> None:
        """Send what is pending, at most `timeout` seconds long, and end the threads. Again does nothing.

        Raises:
            Undelivered: events had to be given up that `on_failure` has not taken.
        """
        if self._process != os.getpid():
            return  # the process that this one was forked from does it
        self._refuse_callback("close")
        with self._lock:
            self._closed = True
            self._room.notify_all()
        work = self._work
        if work is not None:
            if not self.flush(timeout):
                with self._lock:
                    work.hasty = True
                    given_up = work.abandon(_CLOSED)
                self._tell(given_up)
            with self._lock:
                self._wake.notify_all()
            for thread in self._threads:
                thread.join()
        atexit.unregister(self._at_exit)
        undelivered = self.take_undelivered()
        if undelivered:
            raise Undelivered(_given_up(self._destination.name, undelivered), undelivered)

    def give_up(self, reason: str) -> None:
        """Give up all that waits and take nothing more, for a reason that only the caller knows."""
        work = self._work
        if work is None:
            return
        failure = Failure(Why.DESTINATION, "", reason)
        with self._lock:
            work.broken = work.broken or failure
            work.hasty = True
            given_up = work.abandon(failure)
            self._room.notify_all()
        self._tell(given_up)

    def report(self) -> Report:
        """Return the figures of this moment."""
        self._check_process()
        with self._lock:
            return (self._work or Work(self._settings)).report()

    def take_undelivered(self) -> list[Receipt]:
        """Return the events that were given up and not told otherwise; from now on they are the caller's."""
        self._check_process()
        with self._lock:
            found, self._undelivered = self._undelivered, []
            return [receipt for receipt in found if not receipt.told]

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise UsageError(
                f"this producer was made in process {self._process}, and a fork has no threads to send with: "
                "make one in each process"
            )

    def _refuse_callback(self, what: str) -> None:
        """Refuse to wait in a sending thread for what the sending threads do."""
        if threading.current_thread() in self._threads:
            raise UsageError(
                f"{what} cannot be called in a callback, which holds up the sending that it waits for: "
                "call it in a thread of yours, or give_up here"
            )

    def _started(self) -> Work:
        """Return the work, with threads that do it."""
        self._check_process()
        if self._closed:
            raise UsageError("this producer is closed: make another one")
        if self._work is not None:
            return self._work
        with self._reading:
            if self._work is None:
                self._prepare()
                work = Work(self._settings, self._read_shards(1) if self._read_shards else None)
                # Daemons, since Python joins others before it runs what is registered for the exit.
                self._threads = [
                    threading.Thread(target=self._run, args=(work,), name=f"producer-{number}", daemon=True)
                    for number in range(self._settings.in_flight)
                ]
                atexit.register(self._at_exit)
                for thread in self._threads:
                    thread.start()
                self._work = work
            return self._work

    def _wait_for_room(self, work: Work, size: int) -> None:
        settings = self._settings
        while True:
            if work.broken is not None:
                raise EnvironmentProblem(f"{self._destination.name}: {work.broken.reason}")
            if self._closed:
                raise UsageError("this producer is closed: make another one")
            if self._undelivered and self._holds_too_much():
                raise Undelivered(_given_up(self._destination.name, self._undelivered), ())
            if work.has_room(size):
                return
            if settings.when_full == "raise" or threading.current_thread() in self._threads:
                raise BacklogFull(
                    f"{self._destination.name}: {work.pending:,} events of {work.pending_bytes:,} bytes wait "
                    "to be confirmed; put more later, or raise max_pending_records and max_pending_bytes"
                )
            self._room.wait()

    def _holds_too_much(self) -> bool:
        """Whether what was given up, and nobody was told of, is as much as may be pending."""
        held = self._undelivered
        most, most_bytes = self._settings.max_pending_records, self._settings.max_pending_bytes
        if len(held) < most and sum(receipt.size for receipt in held) < most_bytes:
            return False
        held[:] = [receipt for receipt in held if not receipt.told]
        return len(held) >= most or sum(receipt.size for receipt in held) >= most_bytes

    def _run(self, work: Work) -> None:
        """Send until the producer is closed and nothing is left."""
        while (parcels := self._next(work)) is not None:
            try:
                answers = self._destination.put([parcel.row for parcel in parcels])
            except Exception as error:  # noqa: BLE001 - whoever waits for these events must be told, not hang
                broken = Failure(Why.DESTINATION, type(error).__name__, str(error))
                answers = [broken for _ in parcels]
            self._settle(work, parcels, answers)

    def _next(self, work: Work) -> list[Parcel] | None:
        with self._lock:
            while True:
                urgent = bool(self._flushing or self._closed)
                found = work.take(time.monotonic(), all_at_once=urgent)
                if isinstance(found, list):
                    self._wake.notify()  # there may be more than one request's worth
                    return found
                if self._closed and (work.hasty or not work.pending):
                    return None
                self._wake.wait(found)

    def _settle(self, work: Work, parcels: list[Parcel], answers: list[Answer]) -> None:
        version = work.outdated(parcels, answers)
        if version is not None:
            self._renew(work, version)
        now = time.monotonic()
        with self._lock:
            self._trouble.note(answers, now)
            settled = work.settle(parcels, answers, now)
            if settled:
                self._room.notify_all()
            report = work.report()
        self._tell(settled)
        _call("on_progress", self._on_progress, report)

    def _renew(self, work: Work, version: int) -> None:
        """Read the map of shards again, once for all threads that found it wrong."""
        if self._read_shards is None:
            return
        with self._reading:
            if work.shards_version() != version:
                return
            try:
                shards = self._read_shards(version + 1)
            except Exception as problem:  # noqa: BLE001 - the older map does, and a sending thread must not end
                _LOG.warning("records are packed by the older map of shards meanwhile: %s", problem)
                return
            with self._lock:
                work.renew(shards, time.monotonic())

    def _tell(self, settled: list[Receipt]) -> None:
        """Let everybody know: callbacks first, so that what they took is not told by `close` again."""
        failed = [receipt for receipt in settled if receipt.failure is not None]
        if failed and _call("on_failure", self._on_failure, failed):
            failed = []
        with self._lock:
            self._undelivered += failed
            if settled:
                self._settled.notify_all()
        if settled:
            _call("on_settled", self._on_settled, settled)

    def _at_exit(self) -> None:
        """Flush when the program ends without `close`; what cannot be sent is said in one line."""
        try:
            self.close()
        except Undelivered as undelivered:
            sys.stderr.write(f"error: {undelivered}\n")


def _call(name: str, callback: Callable[[Any], None] | None, value: object) -> bool:
    """Call what the caller gave, if anything; returns whether it took the value.

    What it raises, an exit included, ends with it: a sending thread that ended would leave others to wait
    forever.
    """
    if callback is None:
        return False
    try:
        callback(value)
    except BaseException:  # noqa: BLE001 - said above
        _LOG.exception("%s raised; sending goes on, and `close` tells of events that were given up", name)
        return False
    return True


def _given_up(name: str, receipts: list[Receipt]) -> str:
    reason = receipts[0].failure.reason if receipts[0].failure else "unknown"
    events = "1 event was" if len(receipts) == 1 else f"{len(receipts):,} events were"
    return (
        f"{name}: {events} not delivered, the first because of {reason}; "
        "`take_undelivered` and this error's `receipts` have them, to be put again"
    )
