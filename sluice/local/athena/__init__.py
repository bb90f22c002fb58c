"""A local Athena: its API, and its SQL on DuckDB over the lake's Iceberg tables."""
