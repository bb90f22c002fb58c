"""Runs functions: a pool of worker processes per function, as many as there are invocations at once."""

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import replace

from sluice.local.control_faults import LambdaFaults
from sluice.local.identities import Credentials, Issuer
from sluice.local.mapping_types import Invocation, Verdict
from sluice.local.runtime_worker import Function, Worker, WorkerEndedError
from sluice.local.versions import Versions
from sluice.local.watch.meters import InvocationMeter, Meter, Unmeasured

MAX_WORKERS = 8
"""Per function; a further invocation is throttled, as Lambda does at its reserved concurrency."""

IDLE_SECONDS = 60.0
CREDENTIALS_SECONDS = 6 * 3600.0
"""How long a worker's credentials are good. Lambda's are renewed before they end; how long is not said."""

LOG_BYTES = 2 * 1024 * 1024


class FunctionLog:
    """The newest output of a function, bounded whatever it prints."""

    def __init__(self, echo: Callable[[bytes], None] | None = None) -> None:
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self._echo = echo

    def add(self, line: bytes) -> None:
        """Keep a line, and forget the oldest ones beyond the bound."""
        with self._lock:
            self._lines.append(line)
            self._size += len(line)
            while self._size > LOG_BYTES:
                self._size -= len(self._lines.popleft())
        if self._echo is not None:
            self._echo(line)

    def text(self) -> str:
        """Everything that is kept."""
        with self._lock:
            return b"".join(self._lines).decode(errors="replace")


class _Pool:
    """The workers of one function."""

    def __init__(self, function: Function, log: FunctionLog) -> None:
        self.function = function
        self.log = log
        self.idle: deque[Worker] = deque()
        self.running = 0
        self.workers: set[Worker] = set()
        self.warming: Future[Worker | None] | None = None
        """A worker that starts ahead of its time, until an invocation claims it."""


class Runtime:
    """Invokes functions in worker processes. Safe for several threads."""

    def __init__(
        self,
        functions: Iterable[Function],
        echo: Callable[[bytes], None] | None = None,
        *,
        issuer: Issuer | None = None,
        credentials_seconds: float = CREDENTIALS_SECONDS,
        meter: Meter | None = None,
        faults: LambdaFaults | None = None,
    ) -> None:
        self._meter = InvocationMeter(meter or Unmeasured())
        self._faults = faults or LambdaFaults()
        self._echo = echo
        self._issuer, self._credentials_seconds = issuer, credentials_seconds
        self.versions = Versions()
        self._logs: dict[str, FunctionLog] = {}
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._lock = threading.Lock()
        self._closed = False
        for function in functions:
            self.replace(function)

    @property
    def functions(self) -> list[str]:
        """Names of the functions."""
        return list(self._logs)

    def log(self, function: str) -> str:
        """What a function printed lately."""
        return self._logs[function].text()

    def worker_pids(self) -> list[int]:
        """Processes of all functions."""
        with self._lock:
            return [worker.pid for pool in self._pools.values() for worker in pool.workers]

    def warm(self, but: Collection[str] = ()) -> None:
        """Start one worker per function ahead of its first invocation, in threads of their own.

        Those in `but` wait for it: they are invoked late, if at all.
        """
        with self._lock:
            unused = [pool for pool in self._pools.values() if pool.idle and not self._used(pool)]
            put_aside = [worker for pool in unused for worker in pool.idle]
            for pool in unused:
                pool.workers.difference_update(pool.idle)
                pool.idle.clear()
            cold = [
                pool
                for (name, _), pool in self._pools.items()
                if not pool.workers and pool.warming is None and name not in but and self._used(pool)
            ]
            for pool in cold:
                pool.warming = Future()
        for worker in put_aside:
            worker.kill()
        for pool in cold:
            threading.Thread(target=self._warm, args=(pool, pool.warming), name="warm", daemon=True).start()

    def replace(self, function: Function) -> None:
        """Run a function's next invocations as it is now, or a new one; those under way end as they began.

        Another version of it runs beside those that are there.
        """
        self.versions.publish(function.name, function.version)
        with self._lock:
            log = self._logs.setdefault(function.name, FunctionLog(self._echo))
            pool = self._pools.get((function.name, function.version))
            if pool is None:
                self._pools[function.name, function.version] = _Pool(function, log)
                return
            if function == pool.function:
                return
            pool.function = function
            idle = list(pool.idle)
            pool.idle.clear()
            pool.workers.difference_update(idle)
        for worker in idle:
            worker.kill()

    def invoke(self, function: str, payload: bytes) -> Invocation:
        """Run a function to its end, its time-out or its death. Does not raise for what the function does.

        A version or an alias may follow its name, after a colon; raises KeyError where it has none such.
        """
        function, _, qualifier = function.partition(":")
        pool = self._pools[function, self.versions.chosen(function, qualifier) or qualifier]
        request_id = str(uuid.uuid4())
        ill = self._faults.take("throttle", function)
        with self._lock:
            running = pool.running + 1
            throttled = ill or self._closed or running > MAX_WORKERS
            if not throttled:
                pool.running = running
        if throttled:
            self._meter.throttled(function)
            return Invocation(Verdict.THROTTLED, error="Rate Exceeded.", request_id=request_id)
        self._meter.running(function, running)
        return self._invoke(pool, payload, request_id)

    def close(self) -> None:
        """Kill all workers and take no more invocations."""
        with self._lock:
            self._closed = True
            workers = [worker for pool in self._pools.values() for worker in pool.workers]
        for worker in workers:
            worker.kill()

    def _invoke(self, pool: _Pool, payload: bytes, request_id: str) -> Invocation:
        worker: Worker | None = None
        began = time.monotonic()
        try:
            worker = self._take(pool)
            began = time.monotonic()  # what it took to start is no part of an invocation's duration
            result = worker.invoke(payload, request_id)
        except WorkerEndedError as ended:
            pool.log.add(f"{ended}\n".encode())
            result = Invocation(Verdict.FAILED, _error_document(str(ended)), str(ended), request_id)
        finally:
            self._give_back(pool, worker)
        self._meter.ended(pool.function.name, time.monotonic() - began, result.verdict)
        return replace(result, version=pool.function.version)

    def _used(self, pool: _Pool) -> bool:
        """Whether an invocation may still come to it: nothing leads to a version that was put aside."""
        return pool.function.version in self.versions.used(pool.function.name)

    def _take(self, pool: _Pool) -> Worker:
        with self._lock:
            while pool.idle:
                worker = pool.idle.pop()
                if worker.good:
                    return worker
                pool.workers.discard(worker)
                worker.kill()
            warming, pool.warming = pool.warming, None
        claimed = warming.result() if warming is not None else None
        if claimed is not None and claimed.function is pool.function and claimed.good:
            return claimed
        if claimed is not None:  # the function was replaced meanwhile, or it waited for too long
            with self._lock:
                pool.workers.discard(claimed)
            claimed.kill()
        return self._start(pool)

    def _start(self, pool: _Pool) -> Worker:
        def printed(line: bytes) -> None:
            pool.log.add(line)
            self._meter.printed(line)

        worker = Worker(pool.function, printed, self._credentials(pool.function))
        with self._lock:
            pool.workers.add(worker)
            closed = self._closed
        if closed:
            worker.kill()
            raise WorkerEndedError("the local cloud stops")
        return worker

    def _credentials(self, function: Function) -> Credentials | None:
        if self._issuer is None or function.identity is None:
            return None
        return self._issuer.issue(function.identity, time.time() + self._credentials_seconds)

    def _give_back(self, pool: _Pool, worker: Worker | None) -> None:
        surplus: list[Worker] = []
        with self._lock:
            pool.running -= 1
            if worker is not None:
                if worker.alive and worker.function is pool.function and self._used(pool):
                    pool.idle.append(worker)
                else:
                    pool.workers.discard(worker)
                    surplus.append(worker)
            while len(pool.idle) > 1 and time.monotonic() - pool.idle[0].used_at > IDLE_SECONDS:
                surplus.append(pool.idle.popleft())
                pool.workers.discard(surplus[-1])
        for old in surplus:
            old.kill()

    def _warm(self, pool: _Pool, promised: "Future[Worker | None]") -> None:
        worker: Worker | None = None
        try:
            worker = self._start(pool)
        except Exception as error:  # noqa: BLE001 - whatever it is, an invocation may wait for this worker
            pool.log.add(f"{error}\n".encode())
        with self._lock:
            if pool.warming is promised:  # no invocation waits for it
                pool.warming = None
                if worker is not None and worker.function is pool.function:
                    pool.idle.append(worker)
                    return
                if worker is not None:
                    pool.workers.discard(worker)
                    worker.kill()
                    return
        promised.set_result(worker)


def _error_document(message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": "Runtime.ExitError"}).encode()
