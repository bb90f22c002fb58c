"""Starting what bench/search.py measures: the model cluster, a real node, and clients on a Lambda's share."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sluice.local.opensearch.node import Node, absent

HERE = Path(__file__).parent
VCPU_MB = 1769
"""Memory at which a function has a whole processor: Lambda's developer guide, "configure memory" (2026)."""

ACCOUNT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
PERIOD = 0.02
"""Seconds over which a share of a processor is kept."""


@contextmanager
def certificate() -> Iterator[Path]:
    """Make a certificate for 127.0.0.1; its key lies beside it, in the file `both`."""
    with TemporaryDirectory() as folder:
        key, own, both = (Path(folder) / name for name in ("key", "own", "both"))
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=127.0.0.1",
                ),
                *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(own)),
            ],
            check=True,
            capture_output=True,
        )
        both.write_bytes(key.read_bytes() + own.read_bytes())
        yield own


@contextmanager
def model(own: Path, **options: float) -> Iterator[str]:
    """Run the model cluster and yield its URL."""
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    certified = ["--certificate", str(own.with_name("both"))]
    command = [sys.executable, str(HERE / "_search_cluster.py"), *certified, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"https://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


@contextmanager
def real() -> Iterator[str | None]:
    """Run a real node and yield its URL, or None where there is none."""
    if absent():
        yield None
        return
    with TemporaryDirectory() as folder, Node(Path(folder), heap_mb=1024) as node:
        yield node.url


def client(job: dict[str, Any], *, trust: Path | None = None, memory_mb: int = VCPU_MB) -> Any:
    """Run one batch in a process of its own, on the share of a processor that a function of that size has."""
    environment = {**os.environ, **ACCOUNT, "PYTHONPATH": str(HERE.parent)}
    if trust:
        environment["SSL_CERT_FILE"] = str(trust)
    command = [sys.executable, str(HERE / "_search_client.py")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        over = threading.Event()
        throttle = threading.Thread(target=_throttle, args=(process, memory_mb / VCPU_MB, over))
        process.stdin.write("go\n")
        process.stdin.flush()
        throttle.start()
        found = json.loads(process.stdout.readline())
        over.set()
        throttle.join()
        process.wait()
        return found


def _throttle(process: subprocess.Popen[str], share: float, over: threading.Event) -> None:
    """Stop the process whenever it has used more than its share, as Lambda's host does, and let it go on."""
    if share >= 1:
        return
    base, since, stopped = _used(process.pid), time.perf_counter(), False
    while not over.is_set():
        used, passed = _used(process.pid) - base, time.perf_counter() - since
        if used < share * (passed - PERIOD):  # a share that was not used is not saved up
            base, since = base + used, since + passed
        elif used > share * (passed + PERIOD) and not stopped:
            os.kill(process.pid, 19)  # SIGSTOP
            stopped = True
        elif stopped and used <= share * passed:
            os.kill(process.pid, 18)  # SIGCONT
            stopped = False
        time.sleep(0.001)
    if stopped:
        os.kill(process.pid, 18)


def _used(pid: int) -> float:
    """Return the processor time of all threads, in seconds."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except OSError:
            continue  # it has just ended
    return total / 1e9
