"""Takes committed windows from DynamoDB to BigQuery."""
