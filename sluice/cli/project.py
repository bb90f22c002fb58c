"""Where the project is that a command works on."""

from pathlib import Path

from sluice.errors import UsageError

MARKER = "Pulumi.yaml"


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder upwards that holds a Pulumi.yaml, else the checkout that Sluice runs from."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / MARKER).is_file():
            return folder
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / MARKER).is_file():
        return checkout
    raise UsageError(f"{start}: no {MARKER} here or above; run this inside a Sluice project")
