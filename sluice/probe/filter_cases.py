"""What is tried of filters: which forms of a value a pattern takes, and what becomes of no JSON."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from sluice.probe.case import Case
from sluice.probe.findings import Finding, agrees_if
from sluice.probe.trial import Trial, each_once

_ABSENT: Final = "absent"
_LAST: Final = 99

Forms = Mapping[str, bool]
"""Each form of `x` as JSON, or _ABSENT, and whether it is to pass."""

NUMBERS: Final[Forms] = {
    "1": True,
    "1.0": True,
    "1e3": True,
    "0.000001": True,
    "0": False,
    "-1": False,
    "0.0000001": False,
    "5000000001": False,
    '"1"': False,
    "true": False,
    "null": False,
    _ABSENT: False,
    "[-1, 2]": True,
    "[-1]": False,
}
NOTHING: Final[Forms] = {
    "null": True,
    '"null"': False,
    '""': False,
    "0": False,
    _ABSENT: False,
    "[null]": True,
}
ABSENCE: Final[Forms] = {_ABSENT: True, "null": False, '""': False, "0": False}
UNLIKE: Final[Forms] = {
    '"USD"': True,
    '"eur"': True,
    "null": True,
    '"EUR"': False,
    _ABSENT: False,
    '["EUR", "USD"]': True,
}
TEXTS: Final[Forms] = {
    '"wanted"': True,
    '"Wanted"': False,
    '"wanted "': False,
    "null": False,
    _ABSENT: False,
    '["other", "wanted"]': True,
}


def _forms(trial: Trial, assumption: str, forms: Forms) -> Iterator[Finding]:
    """Send each form, and at last one that passes: what has not come by then was dropped."""
    passing = next(form for form, passes in forms.items() if passes)
    for n, form in [*enumerate(forms), (_LAST, passing)]:
        trial.send(trial.order(n, x=msgspec.UNSET if form == _ABSENT else msgspec.Raw(form.encode())))
    came = {record.n for record in each_once(trial.until_seen(_LAST))}
    wrong = [
        f"{form} {'passed' if n in came else 'did not'}"
        for n, (form, passes) in enumerate(forms.items())
        if (n in came) != passes
    ]
    saw = "; ".join(wrong) or f"{len(forms)} forms, each as assumed"
    yield agrees_if(not wrong and _LAST in came, assumption, saw)


def numbers(trial: Trial) -> Iterator[Finding]:
    """Numbers, spelled in each way, and what is none."""
    yield from _forms(trial, "filter-numbers", NUMBERS)


def nothing(trial: Trial) -> Iterator[Finding]:
    """Null, and what is near it."""
    yield from _forms(trial, "filter-nothing", NOTHING)


def absence(trial: Trial) -> Iterator[Finding]:
    """A field that is not there."""
    yield from _forms(trial, "filter-absence", ABSENCE)


def unlike(trial: Trial) -> Iterator[Finding]:
    """Everything but one text."""
    yield from _forms(trial, "filter-unlike", UNLIKE)


def texts(trial: Trial) -> Iterator[Finding]:
    """Texts; bytes that are no JSON; an aggregate of two that pass and one that does not."""
    yield from _forms(trial, "filter-texts", TEXTS)
    yield _source(trial.seen()[0].source)
    trial.send_no_json(200)
    trial.send_aggregate(
        trial.order(300, x="wanted"), trial.order(301, x="other"), trial.order(302, x="wanted")
    )
    trial.send(trial.order(400, x="wanted"))
    records = each_once(trial.until_seen(400))
    dropped = not any(record.kind == "other" for record in records)
    yield agrees_if(dropped, "filter-no-json", "it was dropped" if dropped else "it came")
    entries = [record for record in records if 300 <= record.n < 400]  # noqa: PLR2004 - the aggregate's own
    alone = all(each.kind == "order" and int(each.sequence) == trial.sent[300] for each in entries)
    numbers = [each.n for each in entries]
    if not entries:
        saw = "nothing of it came"
    elif entries[0].kind == "aggregate":
        saw = f"it came packed, with {len(entries[0].inside)} events"
    else:
        saw = (
            f"{len(entries)} of 3 events came, {'as entries of its number' if alone else 'of other numbers'}"
        )
    yield agrees_if(alone and numbers == [300, 302], "filter-aggregates", saw)


def _source(arn: str) -> Finding:
    enhanced = ":stream/" in arn and "/consumer/" in arn
    words = "the consumer" if enhanced else arn.rpartition(":")[2] or "nothing"
    return agrees_if(enhanced, "event-source", f"the records of an enhanced mapping name {words}")


def shared(trial: Trial) -> Iterator[Finding]:
    """An aggregate that would pass, on a mapping that polls, and a plain record after it."""
    trial.send_aggregate(trial.order(0, x="wanted"), trial.order(1, x="wanted"))
    trial.send(trial.order(2, x="wanted"))
    came = {record.n for record in each_once(trial.until_seen(2))}
    dropped = not came & {0, 1}
    saw = "it was dropped" if dropped else "it came"
    yield agrees_if(dropped, "filter-aggregates-shared", saw)


CASES: Final = (
    Case(name="numbers", mapping="filtered", about=("filter-numbers",), play=numbers),
    Case(name="nothing", mapping="filtered", about=("filter-nothing",), play=nothing),
    Case(name="absence", mapping="filtered", about=("filter-absence",), play=absence),
    Case(name="unlike", mapping="filtered", about=("filter-unlike",), play=unlike),
    Case(
        name="texts",
        mapping="filtered",
        about=("filter-texts", "event-source", "filter-no-json", "filter-aggregates"),
        play=texts,
    ),
    Case(name="shared", mapping="shared", about=("filter-aggregates-shared",), play=shared),
)
