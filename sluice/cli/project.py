"""Where the project is that a command works on."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sluice.errors import UsageError

if TYPE_CHECKING:
    from sluice.pipeline import Pipeline

MARKER = "Pulumi.yaml"

_BESIDE = "bootstrap"
"""The folder of a Pulumi program that deploys no pipeline: its project is the one around it."""


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder upwards that holds a Pulumi.yaml, else the checkout that Sluice runs from."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if folder.name != _BESIDE and (folder / MARKER).is_file():
            return folder
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / MARKER).is_file():
        return checkout
    raise UsageError(f"{start}: no {MARKER} here or above; run this inside a Sluice project")


def pipeline_file(root: Path, given: Path | None) -> Path:
    """Return the pipeline meant: the file given, else $SLUICE_PIPELINE, else the project's pipeline.py.

    Raises:
        UsageError: there is no such file.
    """
    path = (given or Path(os.environ.get("SLUICE_PIPELINE") or root / "pipeline.py")).absolute()
    if path.is_dir():
        raise UsageError(f"{path}: this is a folder; name a pipeline file with --pipeline FILE")
    if not path.is_file():
        raise UsageError(f"{path}: no such pipeline file; name one with --pipeline FILE")
    return path


def checked_pipeline(file: Path) -> "Pipeline":
    """Load a pipeline file and check its SQL, so that a mistake is one line before anything starts.

    Raises:
        ContractError: the file is not usable, or a metric's filter or a route's condition is not.
    """
    import sys

    from sluice.patterns import check_routes
    from sluice.pipeline import load_pipeline
    from sluice.predicate import check_metrics

    pipeline = load_pipeline(file)
    check_metrics(pipeline)
    for warning in check_routes(pipeline):
        sys.stderr.write(f"warning: {warning}\n")
    return pipeline
