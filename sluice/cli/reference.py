"""Writes docs/commands.md from what `--help` prints: `python -m sluice.cli.reference > docs/commands.md`."""

import sys
from collections.abc import Iterator
from typing import Any

from sluice.cli.main import command

WIDTH = 100

HEAD = """\
# Commands

Written by `python -m sluice.cli.reference > docs/commands.md` from what `--help` prints.
A test compares the two.

Every command takes `--help`, and `--json`, which prints one JSON document on stdout and no progress. Errors
are one line on stderr that begins with `error:`. Colour follows the terminal and `NO_COLOR`.
"""


def reference() -> str:
    """Return the whole page."""
    return HEAD + "".join(_sections(command(), "sluice", None))


def _sections(each: Any, name: str, parent: Any) -> Iterator[str]:
    import typer

    context = typer.Context(
        each, info_name=name, parent=parent, max_content_width=WIDTH, terminal_width=WIDTH
    )
    context.help_option_names = ["-h", "--help"]
    level = "##" if parent is None or parent.parent is None else "###"
    text = "\n".join(line.rstrip() for line in each.get_help(context).splitlines())
    yield f"\n{level} {context.command_path}\n\n```text\n{text}\n```\n"
    for below, found in getattr(each, "commands", {}).items():
        yield from _sections(found, below, context)


if __name__ == "__main__":
    sys.stdout.write(reference())
