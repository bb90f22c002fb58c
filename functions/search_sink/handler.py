"""The Lambda of the search sink: the pipeline that lies beside it in the package, in an index."""

from pipeline import pipeline
from sluice.sinks.opensearch.function import search_sink

handler = search_sink(pipeline.contract)
