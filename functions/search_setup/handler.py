"""The Lambda that sets OpenSearch up for the search sink, once per change of what it must hold."""

from sluice.sinks.opensearch.setup_function import search_setup

handler = search_setup()
