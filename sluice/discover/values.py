"""What a place holds, from what was seen there."""

import re
from decimal import Decimal

from sluice.contract.bounds import BIGNUMERIC_DIGITS, BIGNUMERIC_SCALE, NUMERIC_DIGITS, NUMERIC_SCALE
from sluice.contract.kinds import INT64_MAX, INT64_MIN
from sluice.discover.model import Base, Held
from sluice.discover.places import Numbers, Place
from sluice.discover.texts import Texts

Notes = list[str]
"""Sentences about what is a guess; what infers adds to it."""

MONEY = re.compile(
    r"(?:^|_)(?:amount|price|cost|fee|total|subtotal|tax|vat|discount|balance|revenue|salary|refund|payment|tip"
    r"|charge|sum|value_eur|value_usd)s?(?:$|_)|(?:Amount|Price|Cost|Fee|Total|Tax|Discount|Balance)s?$"
)
CENTS = 4
"""Digits after the point up to which numbers of such a name are amounts of money."""

LATITUDE = re.compile(r"(?:^|_)lat(?:itude)?$|(?:Lat|Latitude)$")
LONGITUDE = re.compile(r"(?:^|_)(?:lon|lng|long|longitude)$|(?:Lon|Lng|Longitude)$")

TIME = re.compile(
    r"(?:^|_)(?:at|on|ts|time|timestamp|date|epoch|when|since|until)(?:$|_)|(?:At|Time|Timestamp)$"
)
EPOCHS = {"seconds": 10**0, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
EPOCH_FIRST, EPOCH_LAST = 631_152_000, 4_102_444_800
"""1990 to 2100, in seconds."""

CHOICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/+-]*\Z")
"""A value that is a word of a vocabulary, no text of a person."""

MOST_IN_LITERAL = 12
ENOUGH = 200
"""Values that must have been seen before few different ones are taken for all."""

AT_LEAST_EACH = 3
"""Times that each of them must have come: where some came once only, others did not come yet."""

MANY = 10
"""A shorter row of values says nothing about those that did not come yet."""


def number(numbers: Numbers, name: str, notes: Notes) -> Held:
    """Return what JSON numbers are: integers, floats, or Decimals where those are exact and meant to be."""
    if _geographic(name, numbers) is not None:
        return Held(Base.FLOAT, rules=_geographic(name, numbers) or ())
    if not numbers.fractions:
        return _integer(numbers, name, notes)
    rules = _decimal_rules(numbers.digits, numbers.scale)
    money = MONEY.search(name) is not None and numbers.scale <= CENTS
    if rules is not None and (money or numbers.padded):
        notes.append(
            "a Decimal, as the name is one of money; write float if it is none"
            if money
            else "a Decimal, as some were written like 1.50, with a zero at the end; write float if measured"
        )
        return Held(Base.DECIMAL, rules=rules)
    if numbers.inexact:
        if rules is not None:
            notes.append("a Decimal, as a float does not hold integers as large as those seen")
            return Held(Base.DECIMAL, rules=rules)
        notes.append("integers as large as those seen lose digits in a float")
    return Held(Base.FLOAT)


def _integer(numbers: Numbers, name: str, notes: Notes) -> Held:
    if numbers.least < INT64_MIN or numbers.most > INT64_MAX:
        rules = _decimal_rules(numbers.digits, 0)
        if rules is None:
            notes.append("integers beyond 38 digits, which only a float holds, without their last digits")
            return Held(Base.FLOAT)
        notes.append("a Decimal, as integers beyond 64 bits were seen")
        return Held(Base.DECIMAL, rules=rules)
    unit = epoch(numbers, name)
    if unit is not None:
        notes.append(
            f"it looks like {unit} since 1970; to be a datetime it must be sent as RFC 3339 text, such as "
            "2026-05-17T10:05:03Z"
        )
    return Held(Base.INTEGER)


def epoch(numbers: Numbers, name: str) -> str | None:
    """Return the unit in which integers of this name and size count time since 1970, if they do."""
    if not TIME.search(name):
        return None
    for unit, factor in EPOCHS.items():
        if EPOCH_FIRST * factor <= numbers.least and numbers.most <= EPOCH_LAST * factor:
            return unit
    return None


def _geographic(name: str, numbers: Numbers) -> tuple[tuple[str, str], ...] | None:
    """Bounds that hold by definition; an integer such as 48 is a float there, too."""
    for pattern, bound in ((LATITUDE, 90), (LONGITUDE, 180)):
        if pattern.search(name) and -bound <= numbers.least and numbers.most <= bound:
            return (("ge", str(-bound)), ("le", str(bound)))
    return None


def _decimal_rules(digits: int, scale: int) -> tuple[tuple[str, str], ...] | None:
    if digits <= NUMERIC_DIGITS and scale <= NUMERIC_SCALE:
        return ()
    if digits <= BIGNUMERIC_DIGITS and scale <= BIGNUMERIC_SCALE:
        return (("bignumeric", "True"),)
    return None


def mixed_number(place: Place, notes: Notes) -> Held | None:
    """Return what numbers are that come as JSON numbers and as text; None when they are no numbers."""
    numbers, texts = place.numbers, place.texts
    if numbers is None or texts is None or texts.empty or not texts.all_look("number"):
        return None
    rules = _decimal_rules(max(numbers.digits, texts.digits), max(numbers.scale, texts.scale))
    if rules is None:
        return None
    notes.append("a Decimal, as numbers came as numbers and as text; it takes both")
    return Held(Base.DECIMAL, rules=rules)


def text(texts: Texts, name: str, notes: Notes) -> Held:
    """Return what strings are: timestamps, dates, decimal numbers, one of a few choices, or text."""
    if not texts.empty:
        for look, base in (("timestamp", Base.TIMESTAMP), ("date", Base.DATE)):
            if texts.all_look(look):
                if texts.fine:
                    notes.append("digits beyond the microsecond are rounded away")
                return Held(base)
        rules = _decimal_rules(texts.digits, texts.scale)
        if texts.all_look("number") and rules is not None and (texts.scale or MONEY.search(name)):
            return Held(Base.DECIMAL, rules=rules)
    choices = _choices(texts)
    if choices:
        least = min((texts.choices.counts or {}).values())
        notes.append(
            f"{len(choices)} values in {texts.count:,}, each at least {least:,} times, are taken for all "
            "there are: another one becomes a dead letter; write str if more may come"
        )
        return Held(Base.CHOICES, choices=choices)
    _say_of_text(texts, notes)
    return Held(Base.TEXT)


def _choices(texts: Texts) -> tuple[str, ...]:
    """The values, if they are surely all: many were seen, and each often."""
    counts = texts.choices.counts
    if counts is None or texts.count < ENOUGH or not 1 < len(counts) <= MOST_IN_LITERAL:
        return ()
    if min(counts.values()) < AT_LEAST_EACH or not all(map(CHOICE.match, counts)):
        return ()
    if "digits" in texts.looks:
        return ()
    return tuple(sorted(counts))


def _say_of_text(texts: Texts, notes: Notes) -> None:
    filled = texts.count - texts.empty
    for look, words, base in (
        ("timestamp", "timestamps", "datetime"),
        ("date", "dates", "date"),
        ("number", "decimal numbers", "Decimal"),
    ):
        if texts.empty and texts.all_look(look) and (look != "number" or texts.scale):
            notes.append(
                f"{words} but for {texts.empty:,} that are empty: send null there, and write {base} | None"
            )
            return
        if texts.held.get(look, 0) >= MANY:
            notes.append(f"the first {texts.held[look]:,} were {words}, then came other text")
            return
    if filled and texts.all_look("local time"):
        notes.append("a time without its zone; with Z or an offset at its end it can be a datetime")
    elif filled and texts.all_look("other time"):
        notes.append("it looks like a time; written like 2026-05-17T10:05:03Z it can be a datetime")


def seen(place: Place, held: Held) -> str:
    """Return what the values were, for a comment; empty where the class says it or nothing is to be said."""
    numbers, texts = place.numbers, place.texts
    if held.base in (Base.INTEGER, Base.FLOAT, Base.DECIMAL) and numbers and not held.listed:
        same = numbers.least == numbers.most
        return _plain(numbers.least) if same else f"{_plain(numbers.least)} to {_plain(numbers.most)}"
    if held.base is Base.TEXT and texts and texts.count >= MANY and not held.listed:
        counts = texts.choices.counts
        if counts and len(counts) * MANY <= texts.count and all(map(CHOICE.match, counts)):
            return ", ".join(sorted(counts, key=lambda value: (-counts[value], value)))
        return f"up to {texts.longest:,} characters"
    return ""


def _plain(value: int | Decimal) -> str:
    text_ = f"{value:,}" if isinstance(value, int) else str(value)
    return text_ if len(text_) <= MAX_NUMBER else f"{value:.6e}"


MAX_NUMBER = 24
"""Characters of a number in a comment."""
