"""The search sink: OpenSearch in bulk, an index per event type and period."""
