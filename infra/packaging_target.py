"""What a package is built for: a version of Python and a processor, on Lambda or on this machine."""

import platform
import sys
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Python = Literal["3.12", "3.13"]
"""Lambda's runtimes that there are wheels of everything for. Python 3.11 runs on Amazon Linux 2, whose glibc
2.26 is too old for NumPy's (Lambda developer guide, runtimes); datasketches 5.2 has none for 3.14."""

Architecture = Literal["arm64", "x86_64"]

PYTHONS: Final = ("3.11", "3.12", "3.13")
"""What the locks hold for: Lambda's, and what Sluice itself may run on, where handlers are tried."""
ARCHITECTURES: Final[tuple[Architecture, ...]] = ("arm64", "x86_64")

_MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Lambda runtime."""

    python: str = "3.13"
    architecture: str = "arm64"

    @property
    def runtime(self) -> str:
        """What Lambda calls it."""
        return f"python{self.python}"

    @property
    def platform(self) -> str:
        """What uv calls it."""
        return f"{_MACHINES[self.architecture]}-manylinux_2_28"

    @property
    def chosen(self) -> tuple[str, ...]:
        """Tell uv to install for it, whatever this machine is."""
        return ("--python-version", self.python, "--python-platform", self.platform)

    @property
    def salt(self) -> str:
        """What of it decides about the files that are installed."""
        return f"{self.python} {self.platform}"

    @property
    def markers(self) -> dict[str, str]:
        """What decides about conditional dependencies there."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": _MACHINES[self.architecture],
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
            "extra": "",
        }


@dataclass(frozen=True, kw_only=True)
class Host:
    """This machine, with the interpreter that runs: a build to try, never to upload."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """Tell uv to install for it."""
        return ("--python", sys.executable)

    @property
    def salt(self) -> str:
        """What of it decides about the files that are installed."""
        return _host()


@cache
def _host() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"host {version} {platform.system()} {platform.machine()}"
