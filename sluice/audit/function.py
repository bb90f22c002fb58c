"""The auditor's Lambda, put together from its environment."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from sluice.audit.scheduled import AuditedSink, Clients, Group, ScheduledAudit, figures
from sluice.deadline import LambdaContext
from sluice.delivery import clients
from sluice.delivery.environment import required
from sluice.errors import SettingsError
from sluice.observing.figures import Figures
from sluice.observing.observer import MOST_NAMED, Handler, Observer, failure
from sluice.observing.tracing import subsegment

RESERVE_MILLIS = 20_000
"""A group of sinks is not begun with less time left."""


def auditor(environ: Mapping[str, str] = os.environ) -> Handler[dict[str, Any]]:
    """Return the handler of the auditor: whatever it is invoked with, it audits; its answer is what it says.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    observer = Observer.of("auditor", environ)
    audit = _audit(environ)
    environment = required(environ, "SLUICE_ENVIRONMENT")
    said = {sink: Figures(sink, environment) for sink in audit.sinks}

    def handler(_: Any, context: LambdaContext) -> dict[str, Any]:
        now = datetime.now(UTC)
        found: dict[str, Mapping[str, float]] = {}
        for group in audit.groups():
            if context.get_remaining_time_in_millis() < RESERVE_MILLIS:
                observer.log.error("no time was left to audit", extra={"sinks": list(group.sinks)})
                continue
            found |= _audited(audit, group, now, observer)
        for sink, signals in found.items():
            said[sink].say(signals)
        missed = len(audit.sinks) - len(found)
        observer.say({"AuditedSinks": len(found), "AuditFailures": missed})
        return {"sinks": found, "failures": missed}

    return observer.around(handler, "the audit failed", lambda _: {"AuditFailures": len(audit.sinks)})


def _audited(
    audit: ScheduledAudit, group: Group, now: datetime, observer: Observer
) -> dict[str, Mapping[str, float]]:
    """Audit a group of sinks and log what does not agree; nothing for a group that cannot be read."""
    log, names = observer.log, list(group.sinks)
    try:
        with subsegment("audit", stream=group.stream):
            books = audit.books(group, now)
    except Exception as error:  # noqa: BLE001 - whatever cannot be read must not keep back the others
        log.error("books cannot be read", extra={"sinks": names, **failure(error)})  # noqa: TRY400 - it has a form of its own
        return {}
    if books.balanced:
        log.debug("books read", extra={"sinks": names})
    else:
        log.warning("the books do not balance", extra={"sentences": books.sentences[:MOST_NAMED]})
    return {sink.sink: figures(sink, now) for sink in books.sinks}


def _audit(environ: Mapping[str, str]) -> ScheduledAudit:
    return ScheduledAudit(
        clients=Clients(
            kinesis=clients.stream(),
            cloudwatch=clients.cloudwatch(),
            dynamodb=clients.windows(),
            sqs=clients.sqs,
            s3=clients.s3,
            firehose=clients.firehose,
        ),
        ledger_table=required(environ, "SLUICE_LEDGER_TABLE"),
        sinks=_sinks(required(environ, "SLUICE_AUDIT_SINKS")),
        queue_url=environ.get("SLUICE_DEAD_LETTER_QUEUE_URL") or None,
        time=timedelta(hours=_count(environ, "SLUICE_AUDIT_HOURS")),
        grace=timedelta(minutes=_count(environ, "SLUICE_AUDIT_GRACE_MINUTES")),
    )


def _sinks(text: str) -> dict[str, AuditedSink]:
    try:
        return msgspec.json.decode(text, type=dict[str, AuditedSink])
    except msgspec.DecodeError:
        raise SettingsError(
            "SLUICE_AUDIT_SINKS is no JSON object of sinks: deploy again with this version of the program"
        ) from None


def _count(environ: Mapping[str, str], name: str) -> int:
    text = required(environ, name)
    if not text.isdecimal() or not int(text):
        raise SettingsError(f"{name} is {text!r}, not a whole number above 0: deploy again with auditor's")
    return int(text)
