"""Alarms on a page: what rings in sentences, the rest as a count or a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sluice.cli.alarms_asked import Alarm
from sluice.cli.output import grid, plural, printable

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {"ALARM": "bold red", "INSUFFICIENT_DATA": "yellow", "OK": "green"}


def print_alarms(out: "Console", alarms: Sequence[Alarm], *, every: bool, env: str | None) -> None:
    """Print what rings, each below the composite alarm that it makes ring, and how the others are."""
    ringing = [each for each in alarms if each.rings]
    heads = [each for each in ringing if each.parent is None or each.parent not in {r.name for r in ringing}]
    for head in heads:
        _print(out, head, "")
        for each in ringing:
            if each.parent == head.name:
                _print(out, each, "  ")
        out.print()
    unknown = [each.name for each in alarms if each.state == "INSUFFICIENT_DATA"]
    quiet = len(alarms) - len(ringing) - len(unknown)
    if every:
        _table(out, [each for each in alarms if not each.rings])
        return
    words = [f"{quiet} OK"] if quiet else []
    words += [f"{len(unknown)} with too little data"] if unknown else []
    rest = f"; {', '.join(words)}" if words else ""
    ring = "No alarm rings" if not ringing else f"{plural(len(ringing), 'alarm')} of {len(alarms)} in ALARM"
    out.print(f"{ring}{rest}.")
    if unknown:
        out.print(f"Too little data: {', '.join(unknown)}", style="dim")
    if heads:
        where = "" if env is None else f" --env {env}"
        page = heads[0].runbook
        out.print(
            f"Next: read {page}; sluice audit{where}" if page else f"Next: sluice audit{where}", style="dim"
        )


def _print(out: "Console", alarm: Alarm, indent: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    since = alarm.since.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    head = Text(indent)
    head.append(alarm.state, style=STYLES[alarm.state])
    head.append(f"  {alarm.name}  since {since}")
    out.print(head)
    for said in (alarm.means, alarm.reason, f"Runbook: {alarm.runbook}" if alarm.runbook else ""):
        if said:
            out.print(Padding(Text(printable(said)), (0, 0, 0, len(indent) + 4)))


def _table(out: "Console", alarms: Sequence[Alarm]) -> None:
    from rich.text import Text

    table = grid()
    for name in ("state", "since", "alarm"):
        table.add_column(name, overflow="fold", no_wrap=name != "alarm")
    for each in alarms:
        since = each.since.astimezone().strftime("%Y-%m-%d %H:%M")
        state = "TOO LITTLE DATA" if each.state == "INSUFFICIENT_DATA" else each.state
        table.add_row(Text(state, style=STYLES[each.state]), since, Text(each.name))
    out.print(table)
