"""Progress on stderr: a line that moves on a terminal, nothing anywhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sluice.cli.output import console, count

if TYPE_CHECKING:
    from rich.progress import Progress


class Stage:
    """One step of a command that takes a while."""

    def __init__(self, progress: "Progress | None", title: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=total, note="") if progress else None

    def update(self, done: int, *, total: int | None = None, note: str | None = None) -> None:
        """Show how far it is."""
        if self._progress is None or self._task is None:
            return
        task = next(task for task in self._progress.tasks if task.id == self._task)
        total = task.total if total is None else total  # type: ignore[assignment]  # rich counts in floats
        shown = count(done) + (f" of {count(int(total))}" if total else "")
        self._progress.update(self._task, completed=done, total=total, note=shown if note is None else note)

    def finish(self, note: str) -> None:
        """Show that it is done, and what came of it."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, total=1, completed=1, note=note)


class Stages:
    """The steps of one command, one below the other."""

    def __init__(self, progress: "Progress | None") -> None:
        self._progress = progress

    def begin(self, title: str, total: int | None = None) -> Stage:
        """Show a step from now on."""
        return Stage(self._progress, title, total)

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Stage]:
        """Show a step while it lasts."""
        yield Stage(self._progress, title, total)


@contextmanager
def stages(*, quiet: bool) -> Iterator[Stages]:
    """Show steps on stderr when it is a terminal and `quiet` is not asked for."""
    if quiet or not sys.stderr.isatty():
        yield Stages(None)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="[green]·[/]"),
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", style="dim"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(stderr=True), refresh_per_second=5) as progress:
        yield Stages(progress)
