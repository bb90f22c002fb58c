"""`sluice discover`: a contract from real records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sluice.cli.options import Env, Json, at_least
from sluice.errors import UsageError

if TYPE_CHECKING:
    from sluice.cli.discover_input import FileInput, StreamInput
    from sluice.discover import Checked, Gathering, Inferred, Reasons

EXAMPLE = """\b
Examples:
  sluice discover events.ndjson.gz
  tail -n 5000 app.log | sluice discover - --output my_pipeline.py
  sluice discover --env prod --events 20000
"""

FROM_STREAM = 10_000
"""Records of a stream that are looked at unless --events says otherwise."""

SHOWN_EVERY = 1_000
SHOWN_REASONS = 5


def discover(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|-",
            help="A file with one JSON event a line, or - for stdin.  [default: the local cloud's stream]",
        ),
    ] = None,
    *,
    events: Annotated[
        int | None,
        typer.Option(
            "--events",
            metavar="N",
            help=f"Look at N records at most.  [default: all of a file, {FROM_STREAM} of a stream]",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the module there.  [default: stdout]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Let --output replace a file that is there.")
    ] = False,
    env: Env = None,
    json: Json = False,
) -> None:
    """Infer a contract from real records, and print a module that is ready to be a pipeline.

    What is a guess is marked `unsure:` in it, and `must:` what producers have to change before their events
    are accepted. The contract is then shown every record, and stderr says how many it accepts. A file packed
    with gzip is read as it is, and aggregates of the KPL are unpacked.
    """
    if events is not None:
        at_least("--events", events, 1)
    if source is not None and env is not None:
        raise UsageError(f"discover: give either {source} or --env {env}")
    if output is not None and output.exists() and not force:
        raise UsageError(f"{output}: this file is there already; name another, or repeat with --force")
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{output}: there is no folder {output.parent}; name a file in one that is there")

    from sluice.cli.output import plural, print_json
    from sluice.cli.progress import stages
    from sluice.discover import Gathering, check, infer, render

    records = _input(source, events, env)
    gathering = Gathering()
    with stages(quiet=json) as shown:
        with shown.stage("reading") as stage:
            _gather(records, gathering, stage.update)
        inferred = infer(gathering, records.name, records.fallback)
        problem = _no_lines(records, gathering, inferred)
        if problem:
            raise UsageError(f"{records.name}: {problem}")
        module = render(inferred)
        with shown.stage("checking", gathering.records):
            checked = check(module, inferred, gathering.finish(), records.again())
    if output is not None:
        _write(output, module)
    if json:
        print_json(_document(inferred, gathering, checked, module))
        return
    import sys

    sys.stdout.write(
        module if output is None else f"{output}: {plural(len(inferred.events), 'event type')}\n"
    )
    sys.stdout.flush()
    _summarize(inferred, gathering, checked, output)


def _input(source: str | None, events: int | None, env: str | None) -> "FileInput | StreamInput":
    from sluice.cli.discover_input import PAUSE_SECONDS, FileInput, StreamInput

    if source is not None:
        return FileInput(source, events)
    from sluice.cli.project import find_root
    from sluice.cli.target import Target

    target = Target.find(find_root(), env)
    return StreamInput(
        target.kinesis,
        target.outputs.stream_name,
        events or FROM_STREAM,
        pause=0 if target.is_local else PAUSE_SECONDS,
    )


def _gather(records: "FileInput | StreamInput", gathering: "Gathering", update: Any) -> None:
    """Read everything; Ctrl-C ends the input, as it does for a pipe that never ends."""
    import sys

    try:
        for line in records.lines():
            if isinstance(line, bytes):
                gathering.see(line)
            else:
                gathering.refuse(line.reason)
            if gathering.records % SHOWN_EVERY == 0:
                update(gathering.records)
    except KeyboardInterrupt:
        if not gathering.records:
            raise
        sys.stderr.write(
            f"note: stopped after {gathering.records:,} records; the contract is inferred from them\n"
        )


def _no_lines(records: "FileInput | StreamInput", gathering: "Gathering", inferred: "Inferred") -> str | None:
    """Why there is nothing to infer from, and what to do; None when there is."""
    from sluice.cli.output import plural

    if not gathering.records:
        return "no records are there; send some with `sluice produce`, or name a file that has them"
    first = next(iter(records.again()), b"").strip()
    if first.startswith(b"["):
        return "a JSON array, and no JSON object on each line; `jq -c '.[]'` makes one of each item"
    if first == b"{":
        return "an event takes several lines, and should take one each; `jq -c .` writes them so"
    if inferred.events:
        return None
    reasons = {**gathering.broken.counts, **gathering.untagged.counts}
    reason = max(reasons, key=lambda each: reasons[each])
    others = f" (and {plural(len(reasons) - 1, 'other reason')})" if len(reasons) > 1 else ""
    number = plural(gathering.records, "record")
    return f"no event in {number}: {reason}{others}; give one JSON object a line"


def _write(output: Path, module: str) -> None:
    try:
        output.write_text(module, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written ({error.strerror})") from error


def _summarize(inferred: "Inferred", gathering: "Gathering", checked: "Checked", output: Path | None) -> None:
    from sluice.cli.output import console, count, plural
    from sluice.discover.model import walk

    out = console(stderr=True)
    kinds = ", ".join(f"{event.tag} {count(event.count)}" for event in inferred.events)
    out.print(
        f"{plural(gathering.records, 'record')}, {plural(len(inferred.events), 'event type')}: {kinds}."
    )
    looked = "" if checked.records == gathering.records else f"the first {count(checked.records)}"
    of = looked or count(checked.records)
    out.print(f"The contract accepts {count(checked.accepted)} of {of} as they are.")
    if checked.once_mended:
        out.print(f"It accepts {count(checked.once_mended)} more once producers send what is marked `must:`.")
    for reason, number, first in _reasons(checked.refused)[:SHOWN_REASONS]:
        out.print(f"  refused {count(number)}: {reason} (the first: record {count(first)})", soft_wrap=True)
    must = len(inferred.must) + sum(len(event.must) for event in inferred.events)
    unsure = len(inferred.unsure) + sum(
        len(event.unsure) + sum(len(field.unsure) for field in walk(event.fields))
        for event in inferred.events
    )
    for number, word in ((must, "must:"), (unsure, "unsure:")):
        if number:
            out.print(f"{plural(number, 'comment')} in it marked `{word}`, to be read.")
    if output is not None:
        out.print(f"Next: sluice demo --pipeline {output}", style="dim")


def _reasons(reasons: "Reasons") -> list[tuple[str, int, int]]:
    """Return reason, number and first record, most frequent first."""
    found = [(reason, number, reasons.first[reason]) for reason, number in reasons.counts.items()]
    return sorted(found, key=lambda each: -each[1])


def _document(
    inferred: "Inferred", gathering: "Gathering", checked: "Checked", module: str
) -> dict[str, Any]:
    def listed(reasons: "Reasons") -> list[dict[str, Any]]:
        return [
            {"reason": reason, "records": number, "first_record": first}
            for reason, number, first in _reasons(reasons)
        ]

    tag = gathering.finish()
    return {
        "source": inferred.source,
        "records": gathering.records,
        "tag": tag.field,
        "checked": checked.records,
        "accepted": checked.accepted,
        "accepted_once_mended": checked.once_mended,
        "refused": listed(checked.refused),
        "no_events": listed(gathering.broken),
        "must": list(inferred.must),
        "unsure": list(inferred.unsure),
        "types": [_type(event) for event in inferred.events],
        "module": module,
    }


def _type(event: Any) -> dict[str, Any]:
    return {
        "type": event.tag,
        "events": event.count,
        "id": event.id,
        "time": event.time,
        "cluster": list(event.cluster),
        "must": list(event.must),
        "unsure": list(event.unsure),
        "fields": [_field(field) for field in event.fields],
    }


def _field(field: Any) -> dict[str, Any]:
    held = field.held
    return {
        "name": field.name,
        "type": str(held.base),
        "list": held.listed,
        "optional": field.optional,
        "choices": list(held.choices),
        "rules": dict(held.rules),
        "fields": [_field(inner) for inner in held.fields],
        "seen": field.seen,
        "unsure": list(field.unsure),
    }
