"""`sluice dlq`: dead letters, why they are there, and the way back into the sink that refused them."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from sluice.cli.options import Env, Json, at_least
from sluice.errors import DeliveryError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sluice.cli.progress import Stage
    from sluice.cli.target import Target
    from sluice.deadletters import Letter

HOLD_SECONDS = 3600
"""How long a redrive keeps its letters from others: it may invoke a function many times."""

MOST_TROUBLES = 10

app = typer.Typer(help="List dead letters, look at one, send them back into their sink.")

LIST_EXAMPLE = """\b
Examples:
  sluice dlq list
  sluice dlq list --json | jq -r '.[].reason' | sort | uniq -c
"""
SHOW_EXAMPLE = """\b
Examples:
  sluice dlq show 590172836432
  sluice dlq show 590172836432 --payload
"""
REDRIVE_EXAMPLE = """\b
Examples:
  sluice dlq redrive 590172836432
  sluice dlq redrive --all --sink bigquery
"""

Sink = Annotated[str | None, typer.Option("--sink", metavar="NAME", help="Only this sink's dead letters.")]


@app.command("list", epilog=LIST_EXAMPLE)
def list_letters(
    *,
    sink: Sink = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", help="Show the newest N one by one; --json lists all.")
    ] = 10,
    env: Env = None,
    json: Json = False,
) -> None:
    """List what the sinks could not take, and why. Never shows what a record contains."""
    from sluice.cli.letters import newest_table, summary_table
    from sluice.cli.output import console, plural, print_json
    from sluice.deadletters.listing import document

    at_least("--limit", limit, 0)
    target, functions = _target(env, sink)
    letters = sorted(_letters(target, functions, sink, payloads=False), key=_newest_first)
    documents = [document(letter, functions) for letter in letters]
    if json:
        print_json(documents)
        return
    out = console()
    if not letters:
        out.print("No dead letters.")
        return
    out.print(summary_table(documents))
    if limit:
        out.print()
        out.print(newest_table(letters, functions, most=limit))
    out.print()
    out.print(f"{plural(sum(each['count'] for each in documents), 'dead letter')}. ", end="")
    out.print("Next: sluice dlq show ID --payload, sluice dlq redrive --all", style="dim")


@app.command("show", epilog=SHOW_EXAMPLE)
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="A dead letter's id, or the end of it.")],
    *,
    payload: Annotated[bool, typer.Option("--payload", help="Show the record's content too.")] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Show everything that is known about one dead letter; its content only when asked for."""
    from sluice.cli.letters import find
    from sluice.cli.output import cell, console, grid, print_json
    from sluice.cli.payload import payload_document, print_payload
    from sluice.cli.undelivered import content
    from sluice.deadletters import DeadLetter, payload_of
    from sluice.deadletters.listing import document

    target, functions = _target(env, None)
    letter = find(_letters(target, functions, None, payloads=payload), letter_id)
    told = document(letter, functions)
    record = None
    if payload and isinstance(letter, DeadLetter):
        is_there = letter.kind == "undelivered"
        record = content(target, letter) if is_there else payload_of(letter, target.s3)
    if json:
        print_json(told | (payload_document(record) if record is not None else {}))
        return
    out = console()
    table = grid()
    table.show_header = False
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in told.items():
        if value is not None and name != "count":
            table.add_row(name, cell(value))
    out.print(table)
    if record is not None:
        print_payload(out, record)
    elif isinstance(letter, DeadLetter):
        out.print(f"Next: sluice dlq show {letter_id} --payload shows its content", style="dim")


@app.command("redrive", epilog=REDRIVE_EXAMPLE)
def redrive(
    letter_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Dead letters' ids, or the ends of them.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    sink: Sink = None,
    env: Env = None,
    json: Json = False,
) -> None:
    """Send dead letters back into the one sink that refused them, once the cause is mended.

    The sink's own Lambda function handles the records, with their original ids: no other sink sees them.
    A dead letter is deleted only when its record was delivered; one that is refused again stays.
    What a Firehose could not deliver goes back to it, and from errors/ to redriven/ in its bucket.
    """
    from sluice.cli.letters import find
    from sluice.cli.output import console, plural, print_json
    from sluice.cli.progress import stages
    from sluice.cli.redrive import Result
    from sluice.cli.redrive import redrive as drive
    from sluice.cli.undelivered import listing, redrive_undelivered
    from sluice.deadletters import hold
    from sluice.deadletters.listing import sink_of

    if bool(letter_ids) == every:
        raise UsageError("dlq redrive: name dead letters by ID, or give --all; `sluice dlq list` shows them")
    target, functions = _target(env, sink)
    total = Result()
    undelivered = listing(target, sink)
    _tell_broken(undelivered.broken)
    queue = target.outputs.dead_letter_queue_url
    with hold(target.sqs, queue, hold_seconds=HOLD_SECONDS, wait_seconds=target.patience) as holding:
        letters = [*(held.letter for held in holding.letters), *undelivered.letters]
        wanted = {find(letters, each).id for each in letter_ids} if letter_ids else None
        for name in [sink] if sink else list(target.outputs.sinks):
            chosen = [
                held
                for held in holding.letters
                if sink_of(held.letter, functions) == name and (wanted is None or held.letter.id in wanted)
            ]
            lines = {
                letter.id
                for letter in undelivered.letters
                if letter.sink == name and (wanted is None or letter.id in wanted)
            }
            count = len(chosen) + len(lines)
            with stages(quiet=json) as shown, shown.stage(f"redriving to {name}", count) as stage:
                total.add(drive(target, holding, name, chosen, on_progress=stage.update))
                total.add(redrive_undelivered(target, name, lines, on_progress=_after(len(chosen), stage)))
    if json:
        print_json(total.document())
    else:
        out = console()
        out.print(
            f"{plural(total.delivered, 'record')} delivered, {total.refused_again} refused again, "
            f"{total.skipped} skipped, {total.not_placed} not placed."
        )
        for trouble in total.troubles[:MOST_TROUBLES]:
            out.print(trouble)
    if total.not_placed or total.refused_again:
        left = plural(total.not_placed + total.refused_again, "record")
        target.warn_of_changes()
        raise DeliveryError(f"{left} not delivered: they stay dead letters; `sluice dlq list` says why")


def _target(env: str | None, sink: str | None) -> "tuple[Target, dict[str, str]]":
    """Return the target, and each function's sink; raises UsageError for a sink that is not there."""
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    if sink is not None and sink not in target.outputs.sinks:
        raise UsageError(f"--sink {sink}: there is no such sink; there are {', '.join(target.outputs.sinks)}")
    return target, {each.function: name for name, each in target.outputs.sinks.items()}


def _letters(
    target: "Target", functions: dict[str, str], sink: str | None, *, payloads: bool
) -> "list[Letter]":
    from sluice.cli.undelivered import listing
    from sluice.deadletters import read_queue
    from sluice.deadletters.listing import sink_of

    queue = target.outputs.dead_letter_queue_url
    letters = read_queue(target.sqs, queue, payloads=payloads, wait_seconds=target.patience)
    undelivered = listing(target, sink)
    _tell_broken(undelivered.broken)
    wanted = [letter for letter in letters if sink is None or sink_of(letter, functions) == sink]
    return [*wanted, *undelivered.letters]


def _tell_broken(places: "Sequence[str]") -> None:
    """Say on stderr how many lines under the error prefixes nobody can read, and where the first is."""
    if places:
        lines = "1 line" if len(places) == 1 else f"{len(places)} lines"
        sys.stderr.write(f"note: {lines} under an error prefix not written by Firehose: see {places[0]}\n")


def _after(done: int, stage: "Stage") -> "Callable[[int], None]":
    return lambda more: stage.update(done + more)


def _newest_first(letter: "Letter") -> float:
    failed_at = getattr(letter, "failed_at", None)
    return -failed_at.timestamp() if failed_at else 0.0
