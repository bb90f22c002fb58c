"""A sink's Lambda, put together from the environment that the deployment gives it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sluice.contract import Contract
from sluice.deadletters import DeadLetterQueue
from sluice.deadline import LambdaContext
from sluice.delivery import clients
from sluice.delivery.environment import days, required
from sluice.delivery.ledger import Ledger
from sluice.delivery.outcomes import Sink
from sluice.delivery.processor import Processor
from sluice.delivery.verdicts import Report
from sluice.delivery.watchdog import ending_the_process
from sluice.observing.observer import Observer, age, shortened, unfinished

Handler = Callable[[Mapping[str, Any], LambdaContext], dict[str, Any]]

P = TypeVar("P")


def handler_of(
    contract: Contract,
    sink: Sink[P],
    environ: Mapping[str, str] = os.environ,
    tallies: Callable[[], Mapping[str, int]] = dict,
) -> Handler:
    """Return the handler that delivers to a sink: contract, ledger, dead letters, caution and redrive.

    `tallies` returns what was counted, since it was last asked, of requests to the sink's service.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    parts = equipment(sink.name, environ, tallies=tallies)
    processor = Processor(
        contract,
        sink,
        parts.ledger,
        parts.letterbox,
        report=parts.report,
        watchdog=ending_the_process,
    )
    return parts.observed(processor)


def equipment(
    name: str,
    environ: Mapping[str, str],
    *,
    cut_aggregates: bool = False,
    tallies: Callable[[], Mapping[str, int]] = dict,
) -> "Equipment":
    """Return the books, the dead letters and the reports of the sink `name`; see `Ledger` for the rest.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    ledger = Ledger(
        clients.dynamodb(),
        required(environ, "SLUICE_LEDGER_TABLE"),
        name,
        keep=timedelta(days=days(environ, "SLUICE_LEDGER_DAYS", 35)),
        disjoint=not cut_aggregates and environ.get("SLUICE_PARALLELIZATION") == "1",
        cut_aggregates=cut_aggregates,
    )
    queue = DeadLetterQueue(
        clients.sqs,
        required(environ, "SLUICE_DEAD_LETTER_QUEUE_URL"),
        clients.s3,
        required(environ, "SLUICE_DEAD_LETTER_BUCKET"),
    )
    return Equipment(ledger, queue, Reporter(Observer.of(name, environ), tallies))


@dataclass(frozen=True, slots=True)
class Equipment:
    """What every sink's function works with, beside its sink."""

    ledger: Ledger
    letterbox: DeadLetterQueue
    report: "Reporter"

    def observed(self, handler: Handler) -> Handler:
        """Put log, signals and trace around the handler."""
        return self.report.observer.around(handler, "the whole batch goes back to the stream", unfinished)


class Reporter:
    """Logs and counts what an invocation did; no payload comes here.

    `tallies` were counted meanwhile by what speaks to the sink's service.
    """

    def __init__(self, observer: Observer, tallies: Callable[[], Mapping[str, int]] = dict) -> None:
        self.observer = observer
        self._tallies = tallies

    def __call__(self, report: Report) -> None:
        """Say the signals, and log what is worth a line."""
        states = {
            "Delivered": report.states["delivered"],
            "DeadLettered": report.states["dead_lettered"],
            "Skipped": report.states["skipped"],
            "Retried": report.retried,
        }
        trouble = {
            **refused(report.refusals),
            "UnsentLetters": report.unsent,
            "Unlisted": report.unlisted,
            "Careful": int(report.careful),
        }
        self.observer.say({**states, **trouble, **age(report.oldest), **self._tallies()})
        details: dict[str, Any] = {
            "shard": report.shard,
            "first": report.first,
            "last": report.last,
            "redriven": report.redriven,
            **{name: count for name, count in {**states, **trouble}.items() if count},
        }
        if report.named:
            details["records"] = report.named
        log = self.observer.log
        if report.retried or report.unlisted:
            details["reason"] = shortened(report.reason or report.unlisted_reason or "")
            message = "records go back to the stream" if report.retried else "a list is behind"
            log.warning(message, extra=details)
        elif report.careful or report.refusals:
            log.info("batch settled", extra=details)
        else:
            log.debug("batch settled", extra=details)


def refused(refusals: Mapping[str, int]) -> dict[str, int]:
    """Return the signals of dead letters, by their kind."""
    return {
        "ContractViolations": refusals.get("contract", 0),
        "RejectedRows": refusals.get("rejected", 0),
        "Crashes": refusals.get("crash", 0),
    }
