"""A server process of the local cloud as its parent sees it: started, announced, watched, ended."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sluice import errors
from sluice.errors import EnvironmentProblem, SluiceError

TAIL_LINES = 40
LINE_BYTES = 8192
END_SECONDS = 5.0
WATCH_SECONDS = 1.0
_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    # Children import this Sluice, and nothing from the directory that a command happens to run in.
    "PYTHONSAFEPATH": "1",
    "PYTHONPATH": str(Path(__file__).parents[2]),
    # The user's AWS profiles and proxies have no business with 127.0.0.1.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


class ChildProcess:
    """`python -m MODULE`, in a session of its own so that Ctrl-C reaches only the parent.

    It ends when its stdin closes, which the operating system does however the parent ends.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        name: str,
        echo: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._echo = echo
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._unread = bytearray()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, **_ENVIRONMENT, **(variables or {})},
            )
        except OSError as error:
            raise EnvironmentProblem(f"{name} cannot be started: {error.strerror}") from None
        self._reader = threading.Thread(target=self._read_stderr, name=f"stderr-{name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def tell(self, **facts: Any) -> None:
        """Send it one line of JSON."""
        stdin = self._process.stdin
        if stdin is not None:
            try:
                stdin.write(json.dumps(facts).encode() + b"\n")
            except OSError:
                raise self.problem("ended before it was told what to do") from None

    def hear(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """The next line of JSON that it prints; `meanwhile` is called while it is silent, and may raise.

        Raises:
            EnvironmentProblem: it ended, was silent for too long or printed something else.
        """
        deadline = time.monotonic() + seconds
        stdout = self._process.stdout
        if stdout is None:
            raise self.problem("has no output")
        while b"\n" not in self._unread:
            pause = deadline - time.monotonic()
            if pause <= 0:
                raise self.problem(f"said nothing for {seconds:.0f} s")
            meanwhile()
            if select.select([stdout], [], [], min(pause, WATCH_SECONDS))[0]:
                piece = os.read(stdout.fileno(), 65536)
                if not piece:
                    raise self.problem("ended instead of answering")
                self._unread += piece
        line, _, rest = bytes(self._unread).partition(b"\n")
        self._unread = bytearray(rest)
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise self.problem(f"printed what nobody expected: {line[:200].decode(errors='replace')!r}")
        return said

    def answer(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """The next line, as `hear` has it; raises the SluiceError that it tells of."""
        said = self.hear(seconds, meanwhile)
        if "error" in said:
            raise refusal(said)
        return said

    def url(self, seconds: float) -> str:
        """Where it listens, once it says so."""
        return f"http://127.0.0.1:{self.hear(seconds)['port']}"

    def end(self) -> str:
        """How it ended, in words, with the last line of its stderr."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        code = self._process.returncode or 0
        how = f"has ended, killed by {_signal(-code)}" if code < 0 else f"has ended with status {code}"
        said = self._last_line()
        return f"{how}, after saying: {said}" if said else how

    def problem(self, what: str) -> EnvironmentProblem:
        """An error about this process that ends with the last line of its stderr."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        last = self._last_line()
        return EnvironmentProblem(f"{self.name} {what}" + (f": {last}" if last else ""))

    def close(self) -> None:
        """Ask it to end, without waiting."""
        stdin = self._process.stdin
        if stdin is not None:
            with contextlib.suppress(OSError):
                stdin.close()

    def wait(self) -> None:
        """Wait until it has ended; kill it when it does not."""
        try:
            self._process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=END_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _last_line(self) -> str:
        self._reader.join(timeout=1)
        return next((line.strip() for line in reversed(self._tail) if line.strip()), "")

    def _read_stderr(self) -> None:
        stderr = self._process.stderr
        if stderr is None:
            return
        with stderr:
            while line := stderr.readline(LINE_BYTES):
                self._tail.append(line.decode(errors="replace"))
                if self._echo:
                    sys.stderr.write(line.decode(errors="replace"))


def refusal(said: dict[str, Any]) -> SluiceError:
    """The error that a server tells of: its class and text."""
    kind = getattr(errors, str(said.get("kind")), SluiceError)
    text = str(said["error"])
    return kind(text) if isinstance(kind, type) and issubclass(kind, SluiceError) else SluiceError(text)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
