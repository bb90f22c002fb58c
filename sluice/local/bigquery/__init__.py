"""A BigQuery that runs on the laptop: Google's REST interface over DuckDB, with BigQuery's own rules.

What it cannot answer as BigQuery would, it refuses by name. See docs/local-bigquery.md.
"""
