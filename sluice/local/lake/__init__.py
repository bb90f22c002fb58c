"""The local Firehose: reads a stream, has a function transform it, and commits rows to Iceberg tables."""
