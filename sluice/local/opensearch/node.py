"""A real OpenSearch node as a child process, where `make opensearch` has fetched it and Java is installed.

It listens on 127.0.0.1 only, keeps what it holds in one folder, so that a killed node goes on where it was,
and ends when its parent does.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sluice.errors import EnvironmentProblem

ARCHIVES: Final = Path(__file__).parents[3] / ".sluice" / "opensearch"
"""Where `make opensearch` puts the node's archives."""

OURS: Final = ARCHIVES / "sluice-node.jar"
CLASSES: Final = ARCHIVES / "classes.jsa"
"""The node's classes as one Java run left them: with it a node starts in 2.6 s instead of 4.1 (2 cores)."""

READY: Final = b"ready "
READY_AT: Final = re.compile(READY + rb"(\d+)\n")
"""What a node prints once it answers, with its port."""

START_SECONDS: Final = 90.0
END_SECONDS: Final = 5.0
HEAP_MB: Final = 512
TAIL_LINES: Final = 30


def absent() -> str | None:
    """Why there is no real node here, and what to do about it; None where there is one."""
    if not shutil.which("java"):
        return "no Java: install Java 17 or newer (on Debian: apt-get install default-jdk-headless)"
    if not OURS.is_file():
        return f"no node in {ARCHIVES}: run `make opensearch` (Maven fetches it)"
    return None


class Node:
    """One node that can be killed and started again over what it holds. A context manager.

    Args:
        folder: What it holds; an empty or new folder is an empty node.
        port: Where it listens; 0 takes a free port once it starts, the same one again after a restart.
        heap_mb: Its Java heap in MiB.
        discard: Whether it deletes the folder when it ends because its parent did, or was closed.
    """

    def __init__(self, folder: Path, *, port: int = 0, heap_mb: int = HEAP_MB, discard: bool = False) -> None:
        self._folder = folder
        self._heap = heap_mb
        self._discard = discard
        self._process: subprocess.Popen[bytes] | None = None
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._reader: threading.Thread | None = None
        self.port = port

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        try:
            self.start()
            self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process, over what the folder holds.

        Raises:
            EnvironmentProblem: there is no node on this machine, or its process cannot be started.
        """
        why = absent()
        if why is not None:
            raise EnvironmentProblem(f"OpenSearch: {why}")
        self._folder.mkdir(parents=True, exist_ok=True)
        options = [f"-Xms{self._heap // 2}m", f"-Xmx{self._heap}m"]
        self._process = launch(self._folder, self.port, options, discard=self._discard)
        self._reader = threading.Thread(
            target=self._read, args=(self._process,), name="opensearch", daemon=True
        )
        self._reader.start()

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until it answers.

        Raises:
            EnvironmentProblem: it ended, or did not start in time.
        """
        process = self._process
        if process is None or process.stdout is None:
            raise EnvironmentProblem("OpenSearch: the node has not been started")
        deadline = time.monotonic() + seconds
        said = b""
        while not (found := READY_AT.search(said)):
            if time.monotonic() >= deadline:
                raise EnvironmentProblem(f"OpenSearch: the node said nothing for {seconds:.0f} s")
            if select.select([process.stdout], [], [], 0.2)[0]:
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    raise EnvironmentProblem(f"OpenSearch: the node ended: {self._last_words()}")
                said += piece
        self.port = int(found[1])

    def kill(self) -> None:
        """Kill it as a power cut would; `start` brings it back."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process = None

    def close(self) -> None:
        """End it; may be called again."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
        self.kill()

    def _last_words(self) -> str:
        if self._reader is not None:
            self._reader.join(END_SECONDS)  # what it said last may still be on its way
        return self._tail[-1] if self._tail else "it said nothing"

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        if process.stderr is None:  # pragma: no cover - it was asked for
            return
        with process.stderr:
            for line in process.stderr:
                text = line.decode(errors="replace").strip()
                if text and not text.startswith("at "):
                    self._tail.append(text[:500])


def launch(folder: Path, port: int, options: list[str], *, discard: bool = False) -> subprocess.Popen[bytes]:
    """Start a node's process with these options of Java.

    Raises:
        EnvironmentProblem: the process cannot be started.
    """
    shared = [f"-XX:SharedArchiveFile={CLASSES}"] if CLASSES.is_file() and not _archives(options) else []
    command = [
        shutil.which("java") or "java",
        *options,
        *shared,
        "-Xshare:auto",
        "-Xlog:disable",  # an archive of classes that another Java made is no use, and no matter
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",  # half the processor time of a node that lives for seconds
        "-Djava.awt.headless=true",
        "-cp",
        f"{ARCHIVES}/*",
        "Node",
        str(folder),
        str(port),
        "sluice-0",
        *(["discard"] if discard else []),
    ]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise EnvironmentProblem(f"OpenSearch: Java cannot be started: {error.strerror}") from None


def _archives(options: list[str]) -> bool:
    """Whether Java is told to write the archive of classes, which it cannot read at the same time."""
    return any(option.startswith("-XX:ArchiveClassesAtExit") for option in options)
