"""The local Google beside BigQuery: identity pools, the token service, service accounts and custom roles."""
