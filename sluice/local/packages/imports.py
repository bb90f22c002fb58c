"""A handler imported as Lambda does it: nothing in reach but its package and what Lambda brings."""

import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

BROUGHT: Final = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""boto3 and what it needs, as Lambda's Python runtimes have them."""

LONGEST_SECONDS: Final = 600.0
"""An emulated processor is some twenty times slower than this one."""

YARDSTICK_MS: Final = 61.0
"""What compiling a fixed text takes on one core of a common cloud machine (the fastest of 60 times on one
with two). A core that takes longer is slower, or busy, and its imports count that much less."""

FEWEST_ROUNDS: Final = 3
MOST_ROUNDS: Final = 12
"""How often an import is measured: what made others slower than the fastest was not theirs."""

_PROGRAM: Final = """\
import json, sys, time
sys.path[:0] = sys.argv[1:]
def measured(work):
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000
text = "def f(a, b=1):\\n    return {a: [b, a + b] for _ in range(3)}\\n\\n\\n" * 100
yardstick = measured(lambda: [compile(text, "yardstick", "exec") for _ in range(20)])
taken = measured(lambda: __import__("handler"))
import handler
tops = sorted({name.partition(".")[0] for name in sys.modules})
is_function = callable(handler.handler)
print(json.dumps({"ms": taken, "yardstick": yardstick, "modules": tops, "callable": is_function}))
"""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """How an import went: milliseconds of processor time and the modules it loaded, or what went wrong."""

    ms: float = 0.0
    yardstick_ms: float = YARDSTICK_MS
    modules: frozenset[str] = frozenset()
    fault: str | None = None

    @property
    def fair_ms(self) -> float:
        """The milliseconds that it would have taken on a machine at rest, were this one too busy or slow."""
        return self.ms * min(1.0, YARDSTICK_MS / self.yardstick_ms)


def fastest(rounds: Sequence[Imported]) -> Imported:
    """Take the fastest import and the fastest yardstick; apart, since a slow yardstick flatters an import."""
    failed = next((each for each in rounds if each.fault), None)
    return failed or replace(
        rounds[0],
        ms=min(each.ms for each in rounds),
        yardstick_ms=min(each.yardstick_ms for each in rounds),
    )


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A bare Python: its command, and a folder for bytecode of its own, if it may keep any."""

    command: tuple[str, ...]
    kept: Path | None = None

    def measuring(
        self, package: Path, brought: Path, variables: Mapping[str, str], enough_ms: float = math.inf
    ) -> Imported:
        """Import a package's handler again and again, while it takes more than is enough, and not forever."""
        rounds: list[Imported] = []
        while len(rounds) < MOST_ROUNDS:
            rounds.append(self.importing(package, brought, variables))
            best = fastest(rounds)
            if best.fault or (len(rounds) >= FEWEST_ROUNDS and best.fair_ms <= enough_ms):
                break
        return best

    def importing(self, package: Path, brought: Path, variables: Mapping[str, str]) -> Imported:
        """Import a package's handler once. Neither site-packages nor the environment here are in reach.

        Without `kept` the package is compiled as it is imported, as on Lambda, whose /var/task is read-only.
        """
        bytecode = ("-X", f"pycache_prefix={self.kept}") if self.kept else ("-B",)
        command = [*self.command, "-I", "-S", *bytecode, "-c", _PROGRAM, str(package), str(brought)]
        try:
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                cwd=package,
                env={"PATH": os.environ.get("PATH", os.defpath), **AMBIENT, **variables},
                timeout=LONGEST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return Imported(fault=f"the import took longer than {LONGEST_SECONDS:.0f} s")
        except OSError as error:
            return Imported(fault=f"{command[0]} cannot be started: {error.strerror}")
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            return Imported(fault=f"the handler cannot be imported: {lines[-1]}")
        said = json.loads(done.stdout.splitlines()[-1])
        if not said["callable"]:
            return Imported(fault="handler.handler is no function")
        return Imported(ms=said["ms"], yardstick_ms=said["yardstick"], modules=frozenset(said["modules"]))


HOST: Final = Interpreter(command=(getattr(sys, "_base_executable", sys.executable),))
"""The interpreter that runs, without its virtual environment."""

AMBIENT: Final = {
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_LAMBDA_FUNCTION_NAME": "none",
}
"""What Lambda sets, as far as an import looks at it; nothing is asked of anybody."""


@contextmanager
def brought() -> Iterator[Path]:
    """Make a folder with what Lambda's runtime brings, as it is installed here, and nothing else.

    Its bytecode counts as compiled, as what comes with a runtime usually is.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in BROUGHT:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:  # pragma: no cover - boto3 requires each
                continue
            origin = Path(spec.origin)
            source = origin.parent if origin.name == "__init__.py" else origin
            Path(folder, source.name).symlink_to(source)
        yield Path(folder)
