"""Consumers on a page, and what a pause means in sentences."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sluice.cli.consumers_asked import Consumer
from sluice.cli.consumers_switch import Switched
from sluice.cli.output import count, grid

if TYPE_CHECKING:
    from rich.table import Table

HOURS_OF_A_DAY = 24
MINUTE, HOUR = 60, 3600
UNKNOWN = "?"


def consumers_table(consumers: Sequence[Consumer], *, local: bool) -> "Table":
    """Return one line per consumer; what nobody knows is a question mark."""
    from rich.text import Text

    table = grid()
    table.add_column("consumer", overflow="fold")
    for name in ("reads", "stream", "state", "filter"):
        table.add_column(name, overflow="fold")
    table.add_column("filtered out" if local else "filtered out, 24 h", justify="right")
    table.add_column("behind", justify="right")
    for each in consumers:
        style = "yellow" if each.paused else ""
        table.add_row(
            each.name,
            each.kind,
            each.stream,
            Text(each.state.lower(), style=style),
            "yes" if each.filters else "no",
            "" if each.filtered is None else count(each.filtered),
            _behind(each),
        )
        if each.last_error:
            table.add_row(Text(f"  {each.last_error}", style="dim"))
    return table


def _behind(consumer: Consumer) -> str:
    records, seconds = consumer.behind_records, consumer.behind_seconds
    if records == 0:
        return "0"
    age = UNKNOWN if seconds is None else duration(seconds)
    return age if records is None else f"{count(records)} ({age})"


def duration(seconds: float) -> str:
    """Return a span as people say it: 0.3 s, 12 s, 5 min, 3.5 h."""
    if seconds < 10:  # noqa: PLR2004 - tenths matter below
        return f"{seconds:.1f} s"
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.1f} h"


def switched(done: Switched, *, env: str | None) -> Iterator[str]:
    """Say what was done, what it means, and what comes next."""
    where = "" if env is None else f" --env {env}"
    now = "running" if done.state == "Enabled" else "paused"
    yield f"{done.name} is {now}." if done.changed else f"{done.name} is {now} already: nothing was changed."
    if done.state == "Enabled":
        if done.changed:
            yield "It goes on with the first record that it has not had."
            yield f"Next: sluice consumers list{where}"
            if env is not None:
                yield f"`pulumi up --refresh` pauses it if {done.setting} is false in Pulumi.{env}.yaml."
        return
    yield (
        f"What arrives waits in {done.stream}, which keeps a record for {_retention(done.retention_hours)}: "
        "what waits longer is lost to this consumer. The others go on."
    )
    yield f"Next: sluice consumers resume {done.name}{where}"
    if env is None:
        yield "A change of pipeline.py leaves it paused; a new local cloud starts as the settings say."
    else:
        yield (
            f"`pulumi up` leaves it paused, `pulumi up --refresh` lets it go on, unless {done.setting} is"
            f" false in Pulumi.{env}.yaml."
        )


def _retention(hours: int) -> str:
    days, rest = divmod(hours, HOURS_OF_A_DAY)
    return f"{hours} hours" if rest or days == 1 else f"{days} days"
