"""Metrics: what `pipeline.py` says about live figures, and what readers of old figures need to know.

    from sluice.metrics import Count, CountDistinct, Max, Mean, Metric, Min, Quantiles, Sum, TopK, Variance

Importing this needs msgspec and the standard library alone, because every function loads `pipeline.py`.
"""

from sluice.metrics.binding import BoundMeasure, GroupField
from sluice.metrics.definition import Definition, GroupDefinition, MeasureDefinition
from sluice.metrics.measures import (
    Count,
    CountDistinct,
    Max,
    Mean,
    Measure,
    Min,
    Quantiles,
    Sum,
    TopK,
    Variance,
)
from sluice.metrics.metric import Metric

__all__ = [
    "BoundMeasure",
    "Count",
    "CountDistinct",
    "Definition",
    "GroupDefinition",
    "GroupField",
    "Max",
    "Mean",
    "Measure",
    "MeasureDefinition",
    "Metric",
    "Min",
    "Quantiles",
    "Sum",
    "TopK",
    "Variance",
]
