"""Settings of the functions' packages: see infra/settings.py."""

from infra.packaging_target import Architecture, Python, Target
from infra.settings_functions import Section


class PackageSettings(Section):
    """What the functions run on, and so what their packages are built for."""

    python: Python = "3.13"
    architecture: Architecture = "arm64"

    @property
    def target(self) -> Target:
        """Where the packages run."""
        return Target(python=self.python, architecture=self.architecture)
