"""Options that several commands share, declared once, and how their values are checked."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from sluice.errors import UsageError

Limits = Annotated[
    bool, typer.Option("--limits", help="Let shards take in and give out only what Kinesis' shards do.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and no progress.")]
Env = Annotated[
    str | None,
    typer.Option(
        "--env",
        metavar="STACK",
        help="Work on this deployed Pulumi stack instead of the local cloud that runs here.",
    ),
]
PipelineFile = Annotated[
    Path | None,
    typer.Option(
        "--pipeline", metavar="FILE", help="The pipeline to run.  [default: the project's pipeline.py]"
    ),
]
Rebase = Annotated[
    bool,
    typer.Option(
        "--rebase-time",
        help="Shift all event times so that the newest is now: BigQuery refuses rows that are too old.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", metavar="S", help="The same number makes the same fake events and poison again."),
]


def at_least(option: str, value: int, least: int) -> int:
    """Return `value`, or say what the option takes."""
    if value < least:
        raise UsageError(f"{option} {value}: give a whole number of {least} or more")
    return value


def percentage(option: str, value: float) -> float:
    """Return `value` when it is one from 0 to 100."""
    if not 0 <= value <= 100:  # noqa: PLR2004 - per cent
        raise UsageError(f"{option} {value:g}: give a percentage from 0 to 100")
    return value


def positive(option: str, value: float) -> float:
    """Return `value` when it is a number above zero."""
    if not (value > 0 and math.isfinite(value)):
        raise UsageError(f"{option} {value:g}: give a number above 0")
    return value


UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(option: str, text: str, now: datetime, *, ahead: bool = False) -> datetime:
    """Return the moment that an option means: a span before now, or a moment as it stands in ISO 8601.

    Raises UsageError for what is none, or, unless moments `ahead` are fine, in the future.
    """
    unit = UNITS.get(text[-1:].lower())
    try:
        if unit and text[:-1].isdigit():
            return now - timedelta(**{unit: int(text[:-1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text}: give a time span like 30m, 6h or 2d, or a moment like 2026-11-20T08:00Z"
        ) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found > now and not ahead:
        raise UsageError(f"{option} {text}: this is in the future")
    return found
