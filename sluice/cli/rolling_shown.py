"""What `sluice rollout` shows: a line per sink while it goes on, and what came of it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sluice.cli.rolling import BACK, NOTHING, SHIFTING, Part

if TYPE_CHECKING:
    from rich.console import Console

    from sluice.cli.progress import Stage, Stages

ALL_AT_ONCE = "code changes all at once here (rollout.strategy is all-at-once): there is nothing to roll out"


def shown(steps: "Stages") -> Callable[[Part], None]:
    """Return what shows a sink's progress, where anybody looks."""
    begun: dict[str, Stage] = {}

    def show(part: Part) -> None:
        if part.state == NOTHING:
            return
        if part.sink not in begun:
            begun[part.sink] = steps.begin(part.sink, total=100)
        if part.state == SHIFTING:
            note = f"{part.share:.0%} of the batches on version {part.after}"
            begun[part.sink].update(round(100 * part.share), note=note)
        else:
            begun[part.sink].finish(part.state)

    return show


def print_parts(out: "Console", parts: Sequence[Part], *, env: str | None) -> None:
    """Print a table, and what to do about what was shifted back."""
    from rich.table import Table

    table = Table("sink", "ran", "newest", "now", box=None, pad_edge=False)
    for part in parts:
        table.add_row(part.sink, part.before, part.after, part.state)
    out.print(table)
    where = f" --env {env}" if env else ""
    for part in parts:
        if part.state == BACK:
            why = part.why or "the deployment failed"
            out.print(
                f"{part.sink} runs version {part.before} again: {why}; look with `sluice alarms{where}`, mend"
                f" the code, deploy it, and run `sluice rollout{where}` again"
            )
