"""A Python for what the packages run on: this machine's own, a native one, or an emulated one."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Final

from sluice.errors import UsageError
from sluice.local.packages.built import Place
from sluice.local.packages.imports import LONGEST_SECONDS, Interpreter

VARIABLE: Final = "SLUICE_TARGET_PYTHON"
"""A command that starts a Python of the target: `qemu-aarch64 -L /arm64 /arm64/usr/bin/python3.13`."""

FETCHED: Final = Path(".sluice", "arm64", "python")
"""Where `make emulation` puts one."""

_BYTECODE: Final = Path(".sluice", "arm64", "bytecode")
_MACHINES: Final = {"arm64": {"aarch64", "arm64"}, "x86_64": {"x86_64", "AMD64"}}
_PROGRAM: Final = (
    "import json, platform, sys; print(json.dumps(['%d.%d' % sys.version_info[:2], platform.machine(),"
    " platform.system()]))"
)


def target_interpreter(root: Path, place: Place) -> Interpreter | str:
    """Return a Python for a place, or why there is none.

    It keeps bytecode, of its own library and of packages: an emulated one would compile for minutes.

    Raises:
        UsageError: the command that the variable names starts no Python, or one for something else.
    """
    given = os.environ.get(VARIABLE)
    if not given and not (root / FETCHED).is_file():
        missing = f"no Python for Linux on {place.architecture} is here"
        return f"{missing}: `make emulation` fetches one, or name it in {VARIABLE}"
    command = tuple(shlex.split(given)) if given else (str(root / FETCHED),)
    named = f"{VARIABLE} ({given})" if given else str(FETCHED)
    try:
        done = subprocess.run(
            [*command, "-I", "-S", "-c", _PROGRAM],
            check=True,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
        )
        version, machine, system = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UsageError(
            f"{named} starts no Python ({type(error).__name__}): give a command such as"
            " `qemu-aarch64 -L /arm64 /arm64/usr/bin/python3.13`"
        ) from None
    if (version, system) != (place.python, "Linux") or machine not in _MACHINES.get(
        place.architecture or "", set()
    ):
        found = f"Python {version} for {system} on {machine}"
        wanted = f"{place.python} for Linux on {place.architecture}"
        if given:
            raise UsageError(f"{named} is {found}: the functions run on {wanted}; name such a one, or none")
        return f"{named} is {found}, the functions run on {wanted}: name one in {VARIABLE}"
    return Interpreter(command=command, kept=root / _BYTECODE)
