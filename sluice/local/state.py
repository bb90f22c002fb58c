"""The file by which other commands find the local cloud of a project: `.sluice/local.json`.

Its owner holds a lock on it, which the operating system releases however the owner ends, so a file that a
killed `sluice local` left behind is told from a live one.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sluice.errors import AlreadyRunning, EnvironmentProblem

FOLDER = ".sluice"
NAME = "local.json"
STARTING_SECONDS = 180.0
"""How long a local cloud that is starting is waited for."""

LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A running local cloud: its process, its servers, the program's outputs, the pipeline file.

    `problem` says why a later version than that of `pipeline_hash` could not be deployed.
    """

    pid: int
    started_at: float
    aws_url: str
    lambda_url: str
    bigquery_url: str
    search_url: str | None = None
    lake_url: str | None = None
    report_url: str | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    pipeline: str | None = None
    pipeline_hash: str | None = None
    problem: str | None = None


class Claim:
    """The right to run the local cloud of one project."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._started_at = time.time()
        self._write({"pid": os.getpid(), "started_at": self._started_at})

    def announce(
        self,
        *,
        aws_url: str,
        lambda_url: str,
        bigquery_url: str,
        outputs: Mapping[str, Any],
        search_url: str | None = None,
        lake_url: str | None = None,
        report_url: str | None = None,
        pipeline: Path | None = None,
        pipeline_hash: str | None = None,
        problem: str | None = None,
    ) -> None:
        """Let other commands find it, as often as something changes."""
        state = State(
            pid=os.getpid(),
            started_at=self._started_at,
            aws_url=aws_url,
            lambda_url=lambda_url,
            bigquery_url=bigquery_url,
            search_url=search_url,
            lake_url=lake_url,
            report_url=report_url,
            outputs=dict(outputs),
            pipeline=str(pipeline) if pipeline else None,
            pipeline_hash=pipeline_hash,
            problem=problem,
        )
        self._write(asdict(state))

    def _write(self, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))


@contextmanager
def claim(root: Path) -> Iterator[Claim]:
    """Run the local cloud of a project; the file goes when the block is left.

    Raises:
        AlreadyRunning: another process runs it.
    """
    path = root / FOLDER / NAME
    descriptor = _lock(path)
    try:
        yield Claim(descriptor)
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def file_hash(path: Path) -> str | None:
    """Tell versions of a file apart; None when it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def read_state(root: Path) -> State | None:
    """The local cloud that runs for a project; a file that nobody holds any more is removed."""
    return _look(root)[1]


def await_state(root: Path, seconds: float = STARTING_SECONDS) -> State | None:
    """The local cloud that runs for a project; one that is starting is waited for.

    Raises:
        EnvironmentProblem: it has not started in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        held, state = _look(root)
        if state is not None or not held:
            return state
        if time.monotonic() >= deadline:
            raise EnvironmentProblem(
                f"the local cloud of this project is still starting after {seconds:.0f} s; "
                "`sluice local --verbose` shows what it does"
            )
        time.sleep(LOOK_SECONDS)


def _look(root: Path) -> tuple[bool, State | None]:
    """Whether a process runs a local cloud or is about to, and what it has announced."""
    path = root / FOLDER / NAME
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False, None
    try:
        if _try_lock(descriptor):
            if _is_at(descriptor, path):
                path.unlink()
            return False, None
        return True, _parse(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(f"{path.parent} cannot be created: {error.strerror}") from None
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EnvironmentProblem(f"{path} cannot be written: {error.strerror}") from None
        if not _try_lock(descriptor):
            pid = _pid(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
            os.close(descriptor)
            raise AlreadyRunning(
                f"a local cloud already runs for this project (process {pid}): "
                "use it, or stop it with Ctrl-C first"
            )
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # its owner removed it between our opening and locking it


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _parse(data: bytes) -> State | None:
    try:
        return State(**json.loads(data))
    except (ValueError, TypeError):
        return None  # it is still starting


def _pid(data: bytes) -> str:
    try:
        return str(json.loads(data)["pid"])
    except (ValueError, TypeError, KeyError):
        return "unknown"
