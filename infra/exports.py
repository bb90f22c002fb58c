"""The stack's outputs: what the command line and the local cloud find their way by."""

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.dead_letters import DeadLetters
from infra.environment import Environment
from infra.firehose_sink import FirehoseSink
from infra.ledger import Ledger
from infra.report import Report
from infra.sink_function import SinkFunction
from infra.stream import Stream
from infra.warehouse import Warehouse
from infra.windows import Windows


def export(
    *,
    env: Environment,
    stream: Stream,
    dead_letters: DeadLetters,
    ledger: Ledger,
    windows: Windows,
    warehouse: Warehouse,
    sinks: Mapping[str, SinkFunction | FirehoseSink],
    routes: Mapping[str, Mapping[str, pulumi.Input[Any]]],
    report: Report | None,
    search: Mapping[str, pulumi.Input[Any]] | None = None,
    lake: Mapping[str, pulumi.Input[Any]] | None = None,
    probe: Mapping[str, pulumi.Input[Any]] | None = None,
    alarms: Mapping[str, pulumi.Input[Any]] | None = None,
    rollout: Mapping[str, pulumi.Input[Any]] | None = None,
) -> None:
    """Export names and addresses; these keys are an interface, renaming one breaks `sluice --env`."""
    pulumi.export("environment", env.stack)
    pulumi.export("region", env.settings.aws_region)
    pulumi.export("stream_name", stream.name)
    pulumi.export("dead_letter_queue_url", dead_letters.queue_url)
    pulumi.export("dead_letter_bucket", dead_letters.bucket)
    pulumi.export("ledger_table", ledger.table)
    pulumi.export("windows_table", windows.table)
    pulumi.export("claims_table", windows.claims)
    pulumi.export("window_days", env.settings.windows.days)
    pulumi.export("bigquery_project", env.settings.google_project)
    pulumi.export("bigquery_dataset", warehouse.dataset)
    pulumi.export("bigquery_views_dataset", warehouse.views_dataset)
    if adopted := env.settings.adopted.named():
        pulumi.export("adopted", adopted)
    pulumi.export("sinks", {name: sink.outputs for name, sink in sinks.items()})
    pulumi.export("routes", dict(routes))
    if report is not None:
        pulumi.export("report_url", report.url)
    if search is not None:
        pulumi.export("search", dict(search))
    if lake is not None:
        pulumi.export("lake", dict(lake))
    if probe is not None:
        pulumi.export("probe", dict(probe))
    if alarms is not None:
        pulumi.export("alarms", dict(alarms))
    if rollout is not None:
        pulumi.export("rollout", dict(rollout))
