"""What the probe found, on a page and as a document."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sluice.cli.output import grid, plural, printable
from sluice.planner.prices import AS_OF, PRICES
from sluice.probe.assumptions import ASSUMPTIONS, BY_ID
from sluice.probe.findings import Finding
from sluice.probe.mappings import STREAMS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MINUTES: Final = 5
SLOW_MINUTES: Final = 8
"""How long a run takes at most where all agrees; it waits for quiet tumbling windows, up to four minutes."""

_VERDICTS: Final = {"agrees": "green", "differs": "red", "unclear": "yellow"}
_SAID: Final = {"agrees": "agrees", "differs": "differs", "unclear": "could not tell"}
_SERVICES: Final = {"lambda": "Lambda", "bigquery": "BigQuery"}
_MOST_CHARACTERS: Final = 160


def announcement(where: str, *, slow: bool) -> str:
    """Say before a run what it does, costs and takes."""
    hourly = len(STREAMS) * PRICES["kinesis.on_demand"].usd
    return (
        f"In {where} this sends some 200 records (8 MB) through the probe's own streams and function, and"
        " makes one BigQuery table for as long as it runs. Nothing else is touched.\n"
        f"It takes up to {SLOW_MINUTES if slow else MINUTES} minutes and costs less than a cent, beside the"
        f" ${hourly:.2f} an hour (list prices of {AS_OF}) that the probe's streams cost while it is there.\n"
        "The records stay in those streams for a day, and what the function logged for as long as its logs.\n"
    )


def assumptions_table() -> "Table":
    """Return what is assumed, one line each."""
    from rich.text import Text

    table = grid()
    table.add_column("assumption", overflow="fold")
    table.add_column("what is assumed", overflow="fold")
    table.add_column("source", overflow="fold")
    for each in ASSUMPTIONS:
        table.add_row(Text(each.id), Text(each.assumed), Text(each.source, style="dim"))
    return table


def assumptions_document() -> list[dict[str, Any]]:
    """Return the same for programs."""
    return [each._asdict() for each in ASSUMPTIONS]


def document(environment: str, found: Sequence[Finding], seconds: float) -> dict[str, Any]:
    """Return a run's outcome for programs; `seconds` is how long it took."""
    return {
        "environment": environment,
        "seconds": round(seconds, 1),
        **{verdict: sum(each.verdict == verdict for each in found) for verdict in _VERDICTS},
        "findings": [
            {**BY_ID[each.assumption]._asdict(), "verdict": each.verdict, "saw": each.saw} for each in found
        ],
    }


def print_findings(out: "Console", found: Sequence[Finding], seconds: float) -> None:
    """Print one line per assumption, then what each difference means, and the sum."""
    for about, service in _SERVICES.items():
        out.print(_table(service, [each for each in found if BY_ID[each.assumption].about == about]))
        out.print()
    for sentence in _sentences(found):
        out.print(sentence, soft_wrap=True)
    counts = [f"{sum(each.verdict == verdict for each in found)} {_SAID[verdict]}" for verdict in _VERDICTS]
    out.print(f"{plural(len(found), 'assumption')} in {seconds:.0f} s: {', '.join(counts)}", style="bold")
    if untried := sorted(BY_ID.keys() - {each.assumption for each in found}):
        out.print(f"not tried: {', '.join(untried)}; --slow tries them too", style="dim")


def _table(service: str, found: Sequence[Finding]) -> "Table":
    from rich.text import Text

    table = grid(service)
    table.add_column("assumption", overflow="fold")
    table.add_column("verdict")
    table.add_column("what was seen", overflow="fold")
    for each in found:
        saw = printable(each.saw)
        short = saw if len(saw) <= _MOST_CHARACTERS else saw[: _MOST_CHARACTERS - 1] + "…"
        table.add_row(
            Text(each.assumption), Text(_SAID[each.verdict], style=_VERDICTS[each.verdict]), Text(short)
        )
    return table


def _sentences(found: Sequence[Finding]) -> Iterator[str]:
    """Say of each difference what was assumed, what that means, and which module rests on it."""
    for each in found:
        if each.verdict == "differs":
            known = BY_ID[each.assumption]
            yield f"{known.id} differs. Assumed: {known.assumed} ({known.source})."
            yield f"  Seen: {printable(each.saw)}."
            yield f"  What it means: {known.means} It rests in {known.rests}."
            yield ""
