"""The Lambda that adds new columns to the lake's tables, once per change of the contract."""

from sluice.sinks.firehose.tables_function import lake_setup

handler = lake_setup()
"""What the deployment invokes."""
