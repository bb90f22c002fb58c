"""Which pipeline file this run is about."""

import os
from pathlib import Path

from sluice.pipeline import DEFAULT_FILE, FILE_VARIABLE, Pipeline, load_pipeline

_DEFAULT = Path(__file__).resolve().parent.parent / DEFAULT_FILE


def chosen_pipeline() -> tuple[str, Pipeline]:
    """Load the file that SLUICE_PIPELINE names, or pipeline.py beside the program."""
    path = Path(os.environ.get(FILE_VARIABLE) or _DEFAULT).resolve()
    return str(path), load_pipeline(path)
