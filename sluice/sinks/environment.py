"""The function's environment, as the deployment sets it."""

from collections.abc import Mapping

from sluice.errors import SettingsError


def required(environ: Mapping[str, str], name: str) -> str:
    """Return a variable that the deployment sets; raises SettingsError when it is missing or empty."""
    value = environ.get(name)
    if not value:
        raise SettingsError(
            f"{name} is not set: the function runs with the environment that the deployment gives it"
        )
    return value
