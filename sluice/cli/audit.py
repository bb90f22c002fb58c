"""`sluice audit`: where every record is, and whether the sums agree."""

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Env, Json, moment

if TYPE_CHECKING:
    from sluice.audit.sources import Sources
    from sluice.cli.target import Target

EXAMPLE = """\b
Examples:
  sluice audit
  sluice audit --env prod --since 6h
  sluice audit --since 2026-11-20T08:00Z --json
"""

CLOUD_DEFAULT = timedelta(hours=24)
METRIC_LAG_SECONDS = 300
"""CloudWatch shows Kinesis' metrics within a minute or two, and does not promise it."""


def audit(
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only what arrived from then on: 30m, 6h, 2d, or a moment like 2026-11-20T08:00Z.  "
            "[default: everything; with --env the last 24h]",
        ),
    ] = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Say where every event is that the stream accepted, sink by sink.

    Compares what the stream took in with the delivery ledger, with what the sinks hold themselves, with the
    dead-letter queue, with what filters dropped and with what still lies in the stream. Aggregates of KPL
    producers count by the events in them. Ends with status 0 only if the books balance.
    """
    from sluice.audit.reading import read_books
    from sluice.cli.balance import print_books
    from sluice.cli.output import console, print_json
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    now = datetime.now(UTC)
    begin = None if since is None else moment("--since", since, now)
    target = Target.find(find_root(), env)
    if begin is None and not target.is_local:
        begin = now - CLOUD_DEFAULT
    books = read_books(sources_of(target), since=begin)
    if json:
        print_json(books.document())
        for sentence in books.sentences:
            sys.stderr.write(f"{sentence}\n")
    else:
        print_books(console(), books)
    if not books.balanced:
        raise typer.Exit(1)


def sources_of(target: "Target") -> "Sources":
    """Return where the evidence about a target lies."""
    from sluice.audit.sources import SinkSource, Sources
    from sluice.cli.filtered import filtered_of
    from sluice.cli.outputs import FIREHOSE, WINDOWS
    from sluice.cli.sinks import SEARCH, booked, documents_of, lake_of

    outputs = target.outputs
    into = {name: route.name for name, route in outputs.routes.items() if route.target == "stream"}
    return Sources(
        kinesis=target.kinesis,
        cloudwatch=target.cloudwatch,
        dynamodb=target.dynamodb,
        sqs=target.sqs,
        bigquery=target.bigquery,
        stream=outputs.stream_name,
        ledger_table=outputs.ledger_table,
        queue_url=outputs.dead_letter_queue_url,
        dataset=outputs.bigquery_dataset,
        sinks={
            name: SinkSource(
                function=sink.function,
                parallelization=sink.parallelization,
                stream=sink.stream,
                into=into.get(name),
                keeps=sink.route is None and sink.reads != FIREHOSE and name != SEARCH,
                windows_table=outputs.windows_table if name == WINDOWS else None,
                lake=lake_of(target, sink),
                documents=documents_of(target, name),
            )
            for name, sink in booked(target).items()
        },
        filtered=lambda since: filtered_of(target, since),
        patience_seconds=target.patience,
        metric_lag_seconds=0 if target.is_local else METRIC_LAG_SECONDS,
    )
