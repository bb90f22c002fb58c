"""`sluice produce`: put events on the stream."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Env, Json, PipelineFile, Rebase, Seed, at_least, positive
from sluice.errors import DeliveryError, UsageError

if TYPE_CHECKING:
    from sluice.cli.sending import Sent
    from sluice.cli.supply import Supply
    from sluice.cli.target import Target
    from sluice.producer import Report

EXAMPLE = """\b
Examples:
  sluice produce events.ndjson.gz --rebase-time
  tail -f app.log | sluice produce -
  sluice produce --fake 10000 --rate 500
  sluice produce --kpl --rate 8000 --fake 1000000
"""

MOST_PENDING = 10_000
"""Records that wait to be confirmed."""


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
    kpl: Annotated[
        bool,
        typer.Option("--kpl", help="Pack events into aggregates of the Kinesis Producer Library (KPL)."),
    ] = False,
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
) -> int:
    """Put events on the stream of the local cloud, or of a deployed stack.

    Each line of the input is one record and is sent as it is: a line that is no event of the contract becomes
    a dead letter, with its reason. Blank lines are no records. A file packed with gzip is read as it is.

    What the stream does not take at once is sent again, for two minutes. Ctrl-C sends what was read so far
    and says what became of it; a second one ends at once.
    """
    if (source is None) == (fake is None):
        raise UsageError("produce: give either a FILE (or - for stdin) or --fake N")
    if fake is not None:
        at_least("--fake", fake, 0)
    if rate is not None:
        positive("--rate", rate)

    import time

    from sluice.cli.entry import STOPPED
    from sluice.cli.output import plural, print_json
    from sluice.cli.progress import stages
    from sluice.cli.project import find_root, pipeline_file
    from sluice.cli.sending import LiveFigures, send
    from sluice.cli.supply import Supply
    from sluice.cli.target import Target
    from sluice.pipeline import load_pipeline
    from sluice.producer import Producer

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
    total = supply.total()
    figures = LiveFigures(total)
    begun = time.monotonic()
    with stages(quiet=json) as shown, shown.stage("producing", total) as stage:

        def progress(report: "Report") -> None:
            stage.update(report.accepted, note=figures.note(report))
            if report.failed and (gone := _gone(target, root)):
                producer.give_up(gone)

        producer = Producer(
            stream,
            client=target.producing,
            aggregate=kpl,
            rate=rate,
            on_progress=progress,
            # What waits goes out at the rate even after Ctrl-C: so no more than a second's waits.
            max_pending_records=MOST_PENDING if rate is None else max(1, min(MOST_PENDING, int(rate))),
        )
        sent = send(producer, supply.records())
    seconds = time.monotonic() - begun
    if json:
        print_json({"stream": stream, **_figures(sent, supply), "elapsed_seconds": round(seconds, 3)})
    else:
        _print(stream, sent, supply, seconds)
    if sent.problem is not None:
        raise DeliveryError(
            f"{plural(sent.report.undelivered, 'record')} not accepted by {stream}: {sent.problem}. Nothing "
            "that was accepted is lost; send the rest again, slower (--rate) or after adding shards"
        )
    if sent.refused:
        raise DeliveryError(f"{plural(sent.refused, 'record')} not sent: {sent.why}; the others were sent")
    return STOPPED if sent.stopped else 0


def _figures(sent: "Sent", supply: "Supply") -> dict[str, Any]:
    report = sent.report
    return {
        "accepted": report.accepted,
        "records": report.records,
        "refused": sent.refused,
        "undelivered": report.undelivered,
        "no_events": supply.strays.count,
        "retried": report.retried,
        "throttled": report.throttled,
        "requests": report.requests,
        "failed_requests": report.failed,
        "bytes": report.bytes,
        "stopped": sent.stopped,
    }


def _print(stream: str, sent: "Sent", supply: "Supply", seconds: float) -> None:
    from sluice.cli.output import console, count, plural

    out = console()
    report = sent.report
    rate_seen = f" ({report.accepted / seconds:,.0f}/s)" if seconds >= 1 else ""
    packed = (
        "" if report.records == report.accepted else f", packed into {plural(report.records, 'aggregate')},"
    )
    out.print(
        f"{plural(report.accepted, 'record')}{packed} accepted by {stream} in {seconds:.1f} s{rate_seen}."
    )
    if report.retried:
        throttled = f", {count(report.throttled)} of them throttled" if report.throttled else ""
        out.print(f"{count(report.retried)} were sent again{throttled}.", style="dim")
    strays = supply.strays
    if strays.count:
        become = (
            "is no event of the contract and becomes a dead letter"
            if strays.count == 1
            else "are no events of the contract and become dead letters"
        )
        out.print(f"{count(strays.count)} of them {become} (the first: {strays.first}).")
        out.print("Next: sluice dlq list", style="dim")
    elif not (sent.refused or sent.problem):
        out.print("Next: sluice audit", style="dim")


def _gone(target: "Target", root: Path) -> str | None:
    """Return what to say when nobody will answer any more: a local cloud that has ended."""
    from sluice.local.state import read_state

    if not target.is_local or read_state(root) is not None:
        return None
    return "the local cloud has ended; start one with `sluice local` in another terminal"
