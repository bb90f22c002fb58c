"""The Lambda of a sink that a Firehose feeds: it makes the rows that Firehose delivers."""

from pipeline import pipeline
from sluice.sinks.firehose.function import firehose_sink

handler = firehose_sink(pipeline.contract)
