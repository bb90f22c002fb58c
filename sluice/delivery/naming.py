"""Which records a line of the log names: some of those that were refused, or that the sink did not take."""

from collections.abc import Iterator, Mapping

from sluice.contract import Contract
from sluice.delivery.outcomes import Accepted, Retry
from sluice.delivery.verdicts import Refused, Verdicts
from sluice.observing.observer import MOST_NAMED, shortened
from sluice.records import readable

MOST_OF_AN_ID = 128


def naming(contract: Contract, verdicts: Verdicts) -> list[Mapping[str, str]]:
    """Return of some records the position, what became of them, why, and the event's id where it is known.

    It is known of a record that was an event until the sink refused it: no other is read once more, since it
    may be what kills the function.
    """
    return [each for each, _ in zip(_named(contract, verdicts), range(MOST_NAMED), strict=False)]


def _named(contract: Contract, verdicts: Verdicts) -> Iterator[Mapping[str, str]]:
    for index, (record, verdict) in enumerate(zip(verdicts.records, verdicts.each, strict=True)):
        if isinstance(verdict, Refused):
            about = {"kind": verdict.kind, "reason": verdict.reason, "field": verdict.field}
        elif isinstance(verdict, Retry) and index in verdicts.known:
            about = {"kind": "retried", "reason": verdict.reason, "field": None}
        else:
            continue
        about["event_id"] = _event_id(contract, verdicts, index) if index in verdicts.known else None
        yield {"sequence": record.position, **{name: shortened(text) for name, text in about.items() if text}}


def _event_id(contract: Contract, verdicts: Verdicts, index: int) -> str | None:
    record = verdicts.records[index]
    try:
        event = contract.decode(readable(record))
        return Accepted(record, event, contract.type_of(event)).event_id[:MOST_OF_AN_ID]
    except Exception:  # noqa: BLE001 - a line of the log must not fail an invocation
        return None
