"""What each function ships, and what a cold start of it costs: packages as they are uploaded, and imports.

    python bench/packages.py [--rounds 5]

The functions are those of the development environment. Sizes are of what `pulumi up` uploads, with
its dependencies for Lambda's platform: zipped, and unpacked (Lambda takes 50 and 250 MB). An import is what
the function does before its first event, in a fresh interpreter of this machine that finds everything
compiled: processor time, the best of some rounds. Floor: an interpreter that imports botocore, which comes
with Lambda's runtime and signs each function's requests; and one that imports nothing.
"""

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sluice.local.deploy_result import function
from sluice.local.program import run_program
from sluice.local.runtime_worker import Function

ROOT = Path(__file__).parents[1]
MB = 1_000_000
NOWHERE = "http://127.0.0.1:9"
ENDPOINTS = {
    "AWS_ENDPOINT_URL": NOWHERE,
    "BIGQUERY_EMULATOR_HOST": NOWHERE,
    "SLUICE_SEARCH_ENDPOINT": NOWHERE,
}
"""Nothing is asked of anybody while a handler is imported."""


def declared(*, dependencies: bool) -> dict[str, Function]:
    """Functions by name, each package built."""
    program = run_program(ROOT, "dev", overrides={"package_dependencies": dependencies})
    inputs: list[dict[str, Any]] = [
        {**each.inputs, "arn": f"arn:aws:lambda:eu-central-1:111111111111:function:{each.inputs['name']}"}
        for each in program.resources
        if each.type == "aws:lambda/function:Function"
    ]
    return {one["name"]: function(one, ENDPOINTS) for one in inputs}


def sizes(package: Path) -> tuple[int, int]:
    """Bytes of a package, zipped and unpacked."""
    zipped, unpacked = io.BytesIO(), 0
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(package))
                unpacked += path.stat().st_size
    return zipped.tell(), unpacked


def seconds(code: str, folder: Path, environment: dict[str, str], rounds: int) -> float:
    """Processor time of an interpreter that runs some code in a folder."""
    found = []
    for _ in range(rounds + 1):  # the first one compiles
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-P", "-c", code], cwd=folder, env=environment, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    table = Table()
    for head in ("function", "zipped MB", "unpacked MB", "import s"):
        table.add_column(head, justify="left" if head == "function" else "right")
    uploaded, local = declared(dependencies=True), declared(dependencies=False)
    with tempfile.TemporaryDirectory() as compiled:
        kept = {"PYTHONPYCACHEPREFIX": compiled}
        for name, one in sorted(local.items()):
            environment = {**one.environment(), **kept}
            del environment["PYTHONDONTWRITEBYTECODE"]
            taken = seconds(
                "import sys; sys.path.insert(0, '.'); import handler", one.code, environment, rounds
            )
            zipped, unpacked = sizes(uploaded[name].code)
            table.add_row(name, f"{zipped / MB:.1f}", f"{unpacked / MB:.1f}", f"{taken:.2f}")
        bare = {"PATH": os.environ.get("PATH", os.defpath), **kept}
        for label, code in (("floor: botocore", "import botocore.session"), ("floor: nothing", "")):
            table.add_row(label, "", "", f"{seconds(code, ROOT, bare, rounds):.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
