"""What each function ships and what a cold start of it costs, beside a naive zip of the same requirements.

    python bench/packages.py [--env dev] [FUNCTION ...]

Sizes are of what `pulumi up` uploads for Lambda: zipped, and unpacked (Lambda takes 50 and 250 MB). The
peer is what a plain `pip install -r` into a folder gives: the same lock and boto3, all that the wheels hold,
and all of Sluice's library. An import is processor time of a bare interpreter of this machine, until there is
a handler with its clients; the package is not compiled (docs/packages.md); the best of three. Floor:
botocore's client, made by an interpreter that has botocore compiled, as if from Lambda's runtime; and one
that imports nothing.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sluice.local.packages.archive import Sizes, sizes
from sluice.local.packages.imports import AMBIENT, FEWEST_ROUNDS, HOST, brought
from sluice.local.packages.looked import MB, look, wanted

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = ROOT / "pipeline.py"
CLIENT = (
    "import sys; sys.path.insert(0, sys.argv[1]); import botocore.session;"
    " botocore.session.get_session().create_client('dynamodb')"
)


def naive(function: str, platform: tuple[str, ...], directory: Path) -> Path:
    """Install a function's lock and boto3, and put all of the library beside them."""
    lock = ROOT / "functions" / function / "requirements.lock"
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "pip", "install", "--quiet", "--target", str(directory)]
    for what in (("--no-deps", "-r", str(lock)), ("boto3",)):
        subprocess.run([*command, *platform, "--only-binary", ":all:", *what], check=True, cwd=directory)
    library = ROOT / "sluice"
    shutil.copytree(library, directory / "sluice", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*(ROOT / "functions" / function).glob("*.py"), PIPELINE):
        shutil.copy(path, directory)
    return directory


def seconds(code: str, *arguments: str) -> float:
    """Processor time of a bare interpreter that runs some code, in milliseconds."""
    found = []
    for _ in range(FEWEST_ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [*HOST.command, "-I", "-S", "-B", "-c", code, *arguments]
        subprocess.run(command, env=AMBIENT, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found) * 1000


def shown(found: Sizes) -> tuple[str, str]:
    return f"{found.zipped / MB:.1f}", f"{found.unpacked / MB:.1f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("functions", nargs="*")
    parser.add_argument("--env", default="dev")
    asked = parser.parse_args()
    table = Table()
    figures = ("zipped MB", "unpacked MB", "import ms")
    for head in ("function", *figures, *(f"naive: {figure}" for figure in figures)):
        table.add_column(head, justify="left" if head == "function" else "right")
    functions = wanted(ROOT, asked.env, PIPELINE, asked.functions)
    platform = ("--python-version", "3.13", "--python-platform", "aarch64-manylinux_2_28")
    with brought() as runtime, tempfile.TemporaryDirectory() as nothing:
        for each, which in zip(look(ROOT, functions, PIPELINE, check=False), functions, strict=True):
            with tempfile.TemporaryDirectory() as there, tempfile.TemporaryDirectory() as here:
                uploaded = shown(sizes(naive(which.folder, platform, Path(there))))
                local = naive(which.folder, ("--python", sys.executable), Path(here))
                took = HOST.measuring(local, Path(nothing), which.variables)
            peer = (*uploaded, took.fault or f"{took.fair_ms:.0f}")
            table.add_row(each.function, *shown(each.sizes), f"{each.imported.fair_ms:.0f}", *peer)
        table.add_row("floor: botocore's client", "", "", f"{seconds(CLIENT, str(runtime)):.0f}")
        table.add_row("floor: nothing", "", "", f"{seconds(''):.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
