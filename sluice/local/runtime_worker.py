"""The parent's side of one worker process: start it, give it events, kill it at time-out or memory limit."""

import io
import json
import math
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sluice.local.identities import Credentials, Identity
from sluice.local.mapping_types import Invocation, Verdict

INIT_SECONDS = 30.0
"""Lambda allows an import 10 s; a busy laptop gets more."""

WATCH_SECONDS = 0.1
LINE_BYTES = 1024 * 1024
"""Of one log event (CloudWatch Logs quotas); metrics in it must not be cut."""

SCRIPT = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function as declared; `variables` includes the endpoints of the local cloud.

    `identity` is its role's, in whose name it works.
    """

    name: str
    arn: str
    code: Path
    handler: str
    timeout_seconds: float = 3.0
    memory_mb: int = 128
    variables: dict[str, str] = field(default_factory=dict)
    identity: Identity | None = None
    version: str = "$LATEST"

    def environment(self, credentials: Credentials | None = None) -> dict[str, str]:
        """The worker's whole environment: nothing of the user's own gets in, credentials least of all."""
        region = self.arn.split(":")[3]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": credentials.access_key if credentials else "local",
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key if credentials else "local",
            **({"AWS_SESSION_TOKEN": credentials.token} if credentials else {}),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": self.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(self.code),
            "_HANDLER": self.handler,
            **self.variables,
        }


class WorkerEndedError(Exception):
    """The worker is gone or had to be killed; its text is what Lambda would report."""


class Worker:
    """One process of one function, good until its credentials end. Not safe for several threads."""

    def __init__(
        self, function: Function, log: Callable[[bytes], None], credentials: Credentials | None = None
    ) -> None:
        self.function = function
        self._expires_at = credentials.expires_at if credentials else math.inf
        self._log = log
        self._buffer = bytearray()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT)],
            cwd=function.code,
            env=function.environment(credentials),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.used_at = time.monotonic()
        threading.Thread(target=self._read_log, name=f"log-{self.pid}", daemon=True).start()
        self._watched = psutil.Process(self.pid)
        kind, payload = self._receive(
            time.monotonic() + INIT_SECONDS, f"Init timed out after {INIT_SECONDS:.0f} s"
        )
        if kind != "ready":
            self.kill()
            raise WorkerEndedError(payload.decode(errors="replace"))

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def good(self) -> bool:
        """Whether it runs, and its credentials outlast an invocation of any length."""
        return self.alive and time.time() + self.function.timeout_seconds < self._expires_at

    def invoke(self, payload: bytes, request_id: str) -> Invocation:
        """Run the handler; raises `WorkerEndedError` when the process did not survive it."""
        limit = self.function.timeout_seconds
        head = {
            "size": len(payload),
            "request_id": request_id,
            "timeout": limit,
            "arn": self.function.arn,
        }
        deadline = time.monotonic() + limit
        self._send(json.dumps(head).encode() + b"\n" + payload, deadline)
        kind, answer = self._receive(deadline, f"{request_id} Task timed out after {limit:.2f} seconds")
        self.used_at = time.monotonic()
        if kind == "result":
            return Invocation(Verdict.ANSWERED, answer, request_id=request_id)
        return Invocation(Verdict.FAILED, answer, _summary(answer), request_id)

    def kill(self) -> None:
        """End the process at once, with everything that it holds."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, message: bytes, deadline: float) -> None:
        stdin = self._process.stdin
        if stdin is None:  # pragma: no cover - it was asked for
            raise AssertionError
        view = memoryview(message)
        os.set_blocking(stdin.fileno(), False)
        while view:
            if time.monotonic() > deadline:
                self._end("the worker does not read its event")
            if select.select([], [stdin], [], WATCH_SECONDS)[1]:
                try:
                    view = view[os.write(stdin.fileno(), view) :]
                except BrokenPipeError:
                    self._end(self._exit_reason())

    def _receive(self, deadline: float, on_timeout: str) -> tuple[str, bytes]:
        while b"\n" not in self._buffer:
            self._fill(deadline, on_timeout)
        line, _, rest = bytes(self._buffer).partition(b"\n")
        head = json.loads(line)
        self._buffer = bytearray(rest)
        while len(self._buffer) < head["size"]:
            self._fill(deadline, on_timeout)
        payload = bytes(self._buffer[: head["size"]])
        del self._buffer[: head["size"]]
        return str(head["kind"]), payload

    def _fill(self, deadline: float, on_timeout: str) -> None:
        stdout = self._process.stdout
        if stdout is None:  # pragma: no cover - it was asked for
            raise AssertionError
        pause = min(WATCH_SECONDS, deadline - time.monotonic())
        if pause <= 0:
            self._end(on_timeout)
        if select.select([stdout], [], [], pause)[0]:
            piece = os.read(stdout.fileno(), 1 << 20)
            if not piece:
                self._end(self._exit_reason())
            self._buffer += piece
        else:
            self._check_memory()

    def _check_memory(self) -> None:
        try:
            resident = self._watched.memory_info().rss
        except psutil.Error:
            return
        if resident > self.function.memory_mb * 1024 * 1024:
            self._end(
                f"Runtime exited with error: signal: killed (used more than {self.function.memory_mb} MB)"
            )

    def _exit_reason(self) -> str:
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "Runtime closed its pipe"
        return f"Runtime exited with error: {f'signal {-code}' if code < 0 else f'exit status {code}'}"

    def _end(self, reason: str) -> None:
        self.kill()
        raise WorkerEndedError(reason)

    def _read_log(self) -> None:
        stderr = self._process.stderr
        if stderr is None:  # pragma: no cover - it was asked for
            return
        with io.BufferedReader(stderr) as lines:  # type: ignore[type-var]  # unbuffered, as it was opened: raw
            while line := lines.readline(LINE_BYTES):
                self._log(line)


def _summary(answer: bytes) -> str:
    try:
        error = json.loads(answer)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return answer[:500].decode(errors="replace")
