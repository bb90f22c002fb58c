"""`sluice windows --follow`: figures as they change, until Ctrl-C."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sluice.cli.output import console, print_json_line
from sluice.cli.windows_shown import line, rendered, sparks

if TYPE_CHECKING:
    from sluice.cli.windows_asked import Asked
    from sluice.windows.reader import Follower, WindowRow

LOCAL_PAUSE, CLOUD_PAUSE = 0.5, 2.0
"""Seconds between two looks. Each is four small reads, in the cloud about $1 for a month without a break."""

PATIENCE = 60.0
"""Seconds that the table may not answer before that ends the command."""

AROUND = 4
"""Lines of a terminal that a table needs beside its rows."""


def follow(
    asked: "Asked", follower: "Follower", *, pause: float, json: bool, spark: bool, limit: int
) -> None:
    """Show the rows now, and again whenever they change; ends with an error of the table, or by Ctrl-C.

    On a terminal what is shown changes in place; otherwise each row that changed is a line of its own.
    """
    found = looks(asked, follower, pause, clock=time.monotonic, sleep=time.sleep)
    if json or not sys.stdout.isatty():
        seen: dict[Any, WindowRow] = {}
        for rows in found:
            for row in _changed(seen, rows):
                if json:
                    print_json_line(asked.document(row))
                else:
                    sys.stdout.write(line(asked, row) + "\n")
            sys.stdout.flush()
        return
    from rich.live import Live

    out = console()
    with Live(console=out, auto_refresh=False, vertical_overflow="crop") as live:
        for rows in found:
            room = max(out.height - AROUND, 1)
            if spark:
                shown = sparks(
                    asked, rows, width=out.width, limit=min(limit, room), plain=out.options.ascii_only
                )
            else:
                shown = rendered(asked, rows[-min(limit, room) :])
            live.update(shown, refresh=True)


def looks(
    asked: "Asked",
    follower: "Follower",
    pause: float,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> "Iterator[list[WindowRow]]":
    """Yield the rows each time that something may have changed, for ever.

    A table that does not answer is asked again for a while; then botocore's error passes.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    answered = clock()
    first = True
    while True:
        try:
            if follower.refresh() or first:
                yield asked.rows(follower, datetime.now(UTC))[0]
                first = False
            answered = clock()
        except (BotoCoreError, ClientError) as error:
            if clock() - answered > PATIENCE:
                raise
            sys.stderr.write(f"note: the table does not answer ({type(error).__name__}); asking again\n")
        sleep(pause)


def _changed(seen: "dict[Any, WindowRow]", rows: "list[WindowRow]") -> "Iterator[WindowRow]":
    """Yield the rows that are new or other than before, and remember them all."""
    now = {(row.version, row.window_start, tuple(row.group.items())): row for row in rows}
    for key, row in now.items():
        if seen.get(key) != row:
            yield row
    seen.clear()
    seen.update(now)
