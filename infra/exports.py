"""The stack's outputs: what the command line and the local cloud find their way by."""

from collections.abc import Mapping

import pulumi

from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.ledger import Ledger
from infra.sink_function import SinkFunction
from infra.stream import Stream
from infra.warehouse import Warehouse


def export(
    *,
    env: Environment,
    stream: Stream,
    dead_letters: DeadLetters,
    ledger: Ledger,
    warehouse: Warehouse,
    sinks: Mapping[str, SinkFunction],
) -> None:
    """Export names and addresses; these keys are an interface, renaming one breaks `sluice --env`."""
    pulumi.export("environment", env.stack)
    pulumi.export("region", env.settings.aws_region)
    pulumi.export("stream_name", stream.name)
    pulumi.export("dead_letter_queue_url", dead_letters.queue_url)
    pulumi.export("dead_letter_bucket", dead_letters.bucket)
    pulumi.export("ledger_table", ledger.table)
    pulumi.export("bigquery_project", env.settings.google_project)
    pulumi.export("bigquery_dataset", warehouse.dataset)
    pulumi.export("bigquery_views_dataset", warehouse.views_dataset)
    pulumi.export("sinks", {name: sink.outputs for name, sink in sinks.items()})
