"""The sinks that a Firehose feeds: the lake, Redshift, OpenSearch, Splunk and Snowflake."""
