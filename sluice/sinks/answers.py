"""What a service's answer to a request of many items can mean, for each item and for the request."""

import re

import msgspec

from sluice.deadline import Deadline
from sluice.delivery import Delivered, Rejected, Retry

MOST_CHARACTERS = 500
"""Of a service's own words in a reason."""


class Answer(msgspec.Struct, frozen=True):
    """What came back over HTTP, whatever it is; `retry_after` in seconds."""

    status: int
    body: bytes | str
    retry_after: float = 0.0


class NoAnswer(Exception):  # noqa: N818 - an outcome that the sink handles
    """The request may or may not have been carried out: nothing whole came back."""


class Stopped(msgspec.Struct, frozen=True):
    """The item is fine, another one in the request was not: send it again."""


class Doubtful(msgspec.Struct, frozen=True):
    """Refused for an unknown reason: the item's fault if its place takes others, else the place's."""

    reason: str


Fate = Delivered | Rejected | Retry | Stopped | Doubtful
"""What an answer says about one item."""


class Whole(msgspec.Struct, frozen=True):
    """The request was refused as a whole, because of what it carries: cut it."""

    reason: str
    too_large: bool
    about_an_item: bool


class Later(msgspec.Struct, frozen=True):
    """The request was not carried out, or nobody knows: send it again.

    `throttled` says that the service asks for fewer requests.
    """

    reason: str
    after: float = 0.0
    throttled: bool = False


def least(deadline: Deadline) -> float:
    """Return the seconds left, never none: urllib3 takes a time-out of 0 for a mistake."""
    return max(deadline.remaining(), 0.05)


def seconds(header: str | None) -> float:
    """Return a Retry-After in seconds; its other form, a date, counts as none."""
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return 0.0


def said(message: str, values: re.Pattern[str]) -> str:
    """Return a service's words without the values in them: reasons group by cause, and leak nothing."""
    text = values.sub("…", " ".join(message.split())).strip()
    if not text:
        return ""
    return ": " + (text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…")
