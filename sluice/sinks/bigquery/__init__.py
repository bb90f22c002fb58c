"""The BigQuery sink: streaming inserts, a table per event type."""
