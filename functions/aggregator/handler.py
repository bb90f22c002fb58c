"""The Lambda that counts: the metrics of the pipeline that lies beside it in the package, by window."""

from pipeline import pipeline
from sluice.windows.function import aggregator

handler = aggregator(pipeline)
