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


def days(environ: Mapping[str, str], name: str, default: int) -> int:
    """Return a variable that holds a count of days; raises SettingsError when it is something else."""
    text = environ.get(name, str(default))
    if not text.isdecimal():
        raise SettingsError(
            f"{name} is {text!r}, not a whole number of days: deploy again with the settings' days"
        )
    return int(text)
