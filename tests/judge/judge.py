"""AWS's own matcher of patterns, event-ruler, as the judge of ours.

It runs where a JDK is and `make judge` has fetched its archives; elsewhere tests that need it are skipped,
with the reason. With SLUICE_REQUIRE_JDK=1, as in continuous integration, they fail instead.
"""

import atexit
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pytest

ARCHIVES = Path(__file__).parents[2] / ".sluice" / "judge"
SOURCE = Path(__file__).with_name("Judge.java")
REQUIRED = "SLUICE_REQUIRE_JDK"
_ENOUGH = 2
"""Archives at least: the ruler and the JSON parser that it needs."""


class Refused(Exception):  # noqa: N818 - an answer, not an error of the harness
    """The judge takes no such pattern; its text says why."""


class Judge:
    """One JVM, asked over its standard input."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["java", "-XX:TieredStopAtLevel=1", "-Xmx128m", "-cp", f"{ARCHIVES}/*", str(SOURCE)],  # noqa: S607 - whichever JDK the machine has
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        atexit.register(self.close)

    def matches(self, pattern: str, events: Sequence[str]) -> list[bool]:
        """Which of the events, each a JSON text, match the pattern.

        Raises:
            Refused: it is no pattern.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"pattern": pattern, "events": list(events)}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "refused" in answer:
            raise Refused(answer["refused"])
        found: list[bool] = answer["matches"]
        return found

    def close(self) -> None:
        """End the JVM."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(timeout=10)
        atexit.unregister(self.close)


def absent() -> str | None:
    """Why there is no judge here; None where there is one."""
    if not shutil.which("java") or not shutil.which("javac"):
        return "no JDK: install Java 17 or newer"
    if len(list(ARCHIVES.glob("*.jar"))) < _ENOUGH:
        return f"no archives in {ARCHIVES}: run `make judge` (Maven fetches them)"
    return None


@lru_cache(maxsize=1)
def the_judge() -> Judge:
    """The judge of this test process; skips the test where there is none."""
    why = absent()
    if why is None:
        return Judge()
    if os.environ.get(REQUIRED):
        pytest.fail(why)
    pytest.skip(why)
