"""Lays Python out as `ruff format` does: on one line, else indented on a second, else one item a line."""

import textwrap
from collections.abc import Sequence

WIDTH = 110
"""Characters of a line, as this project's pyproject.toml has it."""

INDENT = "    "


def bracketed(head: str, items: Sequence[str], tail: str) -> list[str]:
    """Return the lines of `head`, which ends with a bracket, the items and `tail`, which closes it."""
    if not items:
        return [head + tail]
    one = f"{head}{', '.join(items)}{tail}"
    if len(one) <= WIDTH:
        return [one]
    margin = head[: len(head) - len(head.lstrip())]
    inner = f"{margin}{INDENT}{', '.join(items)}"
    if len(inner) <= WIDTH:
        return [head, inner, margin + tail]
    return [head, *(f"{margin}{INDENT}{item}," for item in items), margin + tail]


def comment(margin: str, label: str, text: str) -> list[str]:
    """Return the lines of a comment."""
    return textwrap.wrap(
        f"{label}: {text}",
        width=WIDTH,
        initial_indent=f"{margin}# ",
        subsequent_indent=f"{margin}#   ",
        break_on_hyphens=False,
    )


def quoted(text: str) -> str:
    """Return a string as Python and the formatter write it, with nothing in it that does not print."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    if plain != text or "\\" in text or '"' in text:
        return repr(text)
    return f'"{text}"'
