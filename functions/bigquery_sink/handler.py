"""The Lambda of the BigQuery sink: the pipeline that lies beside it in the package, delivered."""

from pipeline import pipeline
from sluice.sinks.bigquery.function import bigquery_sink

handler = bigquery_sink(pipeline.contract)
