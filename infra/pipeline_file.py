"""Which pipeline file this run is about."""

import os
from pathlib import Path

from sluice.pipeline import Pipeline, load_pipeline

VARIABLE = "SLUICE_PIPELINE"
_DEFAULT = Path(__file__).resolve().parent.parent / "pipeline.py"


def chosen_pipeline() -> tuple[str, Pipeline]:
    """Load the file that SLUICE_PIPELINE names, or pipeline.py beside the program."""
    path = Path(os.environ.get(VARIABLE) or _DEFAULT).resolve()
    return str(path), load_pipeline(path)
