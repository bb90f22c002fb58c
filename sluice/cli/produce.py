"""`sluice produce`: put events on the stream."""

from typing import Annotated

import typer

from sluice.cli.options import Env, Json, PipelineFile, Rebase, Seed, at_least, positive
from sluice.errors import DeliveryError, UsageError

EXAMPLE = """\b
Examples:
  sluice produce events.ndjson.gz --rebase-time
  tail -f app.log | sluice produce -
  sluice produce --fake 10000 --rate 500
"""


def produce(
    source: Annotated[
        str | None,
        typer.Argument(metavar="FILE|-", help="A file with one JSON event a line, or - for stdin."),
    ] = None,
    *,
    fake: Annotated[
        int | None, typer.Option("--fake", metavar="N", help="Send N fake events instead.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="R",
            help="Send at most R records a second; fake events then happen as they are sent.",
        ),
    ] = None,
    rebase_time: Rebase = False,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="FIELD", help="The field to use as partition key.  [default: the event's id]"
        ),
    ] = None,
    seed: Seed = None,
    pipeline: PipelineFile = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Put events on the stream of the local cloud, or of a deployed stack.

    Each line of the input is one record and is sent as it is: a line that is no event of the contract becomes
    a dead letter, with its reason. Blank lines are no records. A file packed with gzip is read as it is.
    """
    if (source is None) == (fake is None):
        raise UsageError("produce: give either a FILE (or - for stdin) or --fake N")
    if fake is not None:
        at_least("--fake", fake, 0)
    if rate is not None:
        positive("--rate", rate)

    import time

    from sluice.cli.output import console, count, plural, print_json
    from sluice.cli.progress import stages
    from sluice.cli.project import find_root, pipeline_file
    from sluice.cli.supply import Supply
    from sluice.cli.target import Target
    from sluice.pipeline import load_pipeline
    from sluice.producer import Pace, Producer

    root = find_root()
    target = Target.find(root, env)
    target.warn_of_changes()
    contract = load_pipeline(pipeline_file(root, pipeline or target.pipeline)).contract
    supply = Supply(
        contract=contract,
        source=source,
        count=fake,
        rate=rate,
        rebase_time=rebase_time,
        key=key,
        seed=seed,
    )
    supply.check()
    stream = target.outputs.stream_name
    producer = Producer(target.kinesis, stream, pace=Pace(rate))
    begun = time.monotonic()
    with stages(quiet=json) as shown, shown.stage("producing", supply.total()) as stage:
        tally = producer.send(supply.records(), on_progress=lambda tally: stage.update(tally.accepted))
    seconds = time.monotonic() - begun
    if json:
        print_json(
            {
                "stream": stream,
                "accepted": tally.accepted,
                "refused": tally.refused,
                "no_events": supply.strays.count,
                "retried": tally.retried,
                "bytes": tally.bytes,
                "elapsed_seconds": round(seconds, 3),
            }
        )
    else:
        out = console()
        rate_seen = f" ({tally.accepted / seconds:,.0f}/s)" if seconds >= 1 else ""
        out.print(f"{plural(tally.accepted, 'record')} accepted by {stream} in {seconds:.1f} s{rate_seen}.")
        strays = supply.strays
        if strays.count:
            become = (
                "is no event of the contract and becomes a dead letter"
                if strays.count == 1
                else "are no events of the contract and become dead letters"
            )
            out.print(f"{count(strays.count)} of them {become} (the first: {strays.first}).")
            out.print("Next: sluice dlq list", style="dim")
        elif not tally.refused:
            out.print("Next: sluice audit", style="dim")
    if tally.refused:
        raise DeliveryError(
            f"{plural(tally.refused, 'record')} of more than 1 MiB: the stream does not take them; "
            "the others were sent"
        )
