"""Whole local clouds, and the command line against them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from sluice.audit.books import Books, SinkBooks
from sluice.audit.reading import read_books
from sluice.cli.audit import sources_of
from sluice.cli.demonstration import target_of
from sluice.cli.target import Target
from sluice.local.cloud import LocalCloud
from sluice.local.state import read_state
from sluice.producer import Producer

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "web_requests.ndjson.gz"
WEB_REQUESTS = ROOT / "tests" / "pipelines" / "web_requests.py"
SLUICE = Path(sys.executable).with_name("sluice")
START_SECONDS = 120
POLL_SECONDS = 0.2
OFF: Mapping[str, Any] = {
    "lake": {"enabled": False},
    "search_sink": {"mode": "none"},
    "alarms": {"enabled": False},
}
"""What has tests of its own, and the others do without: sinks switched per environment, and alarms."""


@dataclass(frozen=True)
class Running:
    """A local cloud in this process, and what the tests ask of it."""

    cloud: LocalCloud
    target: Target

    def send(self, records: Sequence[bytes]) -> int:
        with Producer(self.target.outputs.stream_name, client=self.target.producing) as producer:
            for place, record in enumerate(records):
                producer.put_record(record, str(place))
        return producer.report.accepted

    def books(self, stuck_seconds: float = 90) -> Books:
        """Wait until all is settled, then read the books."""
        assert self.cloud.wait_drained(stuck_seconds), self.cloud.status()
        return read_books(sources_of(self.target))

    def rows(self, sql: str) -> list[dict[str, Any]]:
        views = f"{self.target.outputs.bigquery_project}.{self.target.outputs.bigquery_views_dataset}"
        from google.cloud import bigquery  # noqa: PLC0415 a second to import, and few tests ask

        job = bigquery.QueryJobConfig(default_dataset=views)
        return [dict(row) for row in self.target.bigquery.query_and_wait(sql, job_config=job)]


@contextmanager
def running(pipeline: Path, overrides: Mapping[str, Any] = OFF, **options: Any) -> Iterator[Running]:
    with LocalCloud(ROOT, pipeline, overrides={**OFF, **overrides}, **options) as cloud:
        yield Running(cloud, target_of(cloud, pipeline))


def of_sink(books: Books, name: str) -> SinkBooks:
    (found,) = (sink for sink in books.sinks if sink.sink == name)
    return found


def sluice(
    *arguments: str, cwd: Path = ROOT, stdin: str | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SLUICE), *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
    )


def document(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON document on stdout."""
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def gone(processes: Sequence[psutil.Process], seconds: float = 15) -> bool:
    """Whether all of them end by themselves."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the project of this worker's own: as many local clouds as there are workers."""
    clone = tmp_path_factory.mktemp("project")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],  # noqa: S607 git is where it is
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if not name.startswith("tests/") or name.startswith(("tests/pipelines/", "tests/data/")):
            source, target = ROOT / name, clone / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
    settings = clone / "Pulumi.dev.yaml"
    config = yaml.safe_load(settings.read_text())
    config["config"] |= {f"sluice:{name}": value for name, value in OFF.items()}
    settings.write_text(yaml.safe_dump(config))
    return clone


@contextmanager
def settings_as_they_come(project: Path) -> Iterator[None]:
    """With search and the lake on: the other tests of a worker's project do without them."""
    settings = project / "Pulumi.dev.yaml"
    without = settings.read_text()
    settings.write_text((ROOT / "Pulumi.dev.yaml").read_text())
    try:
        yield
    finally:
        settings.write_text(without)


@contextmanager
def local(project: Path, *arguments: str, command: str = "local") -> Iterator[subprocess.Popen[str]]:
    """`sluice local`, or a demo that goes on, in a terminal of its own, ended with Ctrl-C."""
    process = subprocess.Popen(
        [str(SLUICE), command, *arguments],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"},
    )
    try:
        for _ in range(START_SECONDS * 10):
            if read_state(project) is not None or process.poll() is not None:
                break
            try:
                process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
        assert process.poll() is None, process.communicate()
        assert read_state(project) is not None, "sluice local did not announce itself"
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def wait_until_settled(project: Path, *, produced: int, seconds: float = 120) -> Any:
    """Wait until nothing is in flight any more, then ask for the balance as people do."""
    target = Target.find(project, None)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        books = read_books(sources_of(target))
        if books.produced == produced and not sum(sink.in_flight for sink in books.sinks):
            return document(sluice("audit", "--json", cwd=project))
        time.sleep(POLL_SECONDS)
    raise AssertionError(books)
