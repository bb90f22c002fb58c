"""The BigQuery sink's Lambda, put together from its environment."""

import os
from collections.abc import Mapping

from sluice.contract import Contract
from sluice.delivery.function import Handler, handler_of
from sluice.sinks.bigquery.sink import BigQuerySink
from sluice.sinks.bigquery.transport import connect


def bigquery_sink(contract: Contract, environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of the BigQuery sink.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    name = environ.get("SLUICE_SINK", "bigquery")
    transport = connect(environ)
    return handler_of(contract, BigQuerySink(contract, transport, name), environ, transport.tallies)
