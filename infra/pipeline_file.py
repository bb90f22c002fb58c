"""Which pipeline file this run is about."""

import os
from pathlib import Path

import pulumi

from sluice.patterns import check_routes
from sluice.pipeline import DEFAULT_FILE, FILE_VARIABLE, Pipeline, load_pipeline
from sluice.predicate import check_metrics

_DEFAULT = Path(__file__).resolve().parent.parent / DEFAULT_FILE


def chosen_pipeline() -> tuple[str, Pipeline]:
    """Load the file that SLUICE_PIPELINE names, or pipeline.py beside the program; its SQL is checked.

    Raises:
        ContractError: the file is not usable, or a metric's filter or a route's condition is not.
    """
    path = Path(os.environ.get(FILE_VARIABLE) or _DEFAULT).resolve()
    pipeline = load_pipeline(path)
    check_metrics(pipeline)
    for warning in check_routes(pipeline):
        pulumi.log.warn(warning)
    return str(path), pipeline
