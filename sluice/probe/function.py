"""The probe's Lambda: does what the records order, and notes each invocation in the journal first.

It is fed by all of the probe's mappings, and asked directly for what BigQuery answers.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from sluice.deadline import Deadline
from sluice.delivery import clients
from sluice.delivery.environment import required
from sluice.errors import DeliveryError, UsageError
from sluice.observing.observer import Observer
from sluice.probe.asked import insert
from sluice.probe.event import Batch, Todo, batches, plan
from sluice.probe.journal import Journal
from sluice.probe.orders import MOST_HOLD_SECONDS
from sluice.sinks.bigquery.transport import connect

RESERVE_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.25


Handler = Callable[[Any, Any], dict[str, Any]]
"""Takes an event, or a question as `asked` has them, and Lambda's context."""


class OrderedFailure(DeliveryError):  # noqa: N818 - what was ordered is no error of the function's
    """The function fails because a record told it to."""


def probe(environ: Mapping[str, str] = os.environ) -> Handler:
    """Return the handler of the probe.

    Raises SettingsError, in one line, when the environment is not the one that the deployment gives.
    """
    table = required(environ, "SLUICE_PROBE_TABLE")
    transport, observer = connect(environ), Observer.of("probe", environ)

    def handler(event: Any, context: Any) -> dict[str, Any]:
        """Answer a batch as its records order, or a question about BigQuery."""
        deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000).earlier(RESERVE_SECONDS)
        match event.get("ask"):
            case "ready":
                return {"ready": True}
            case "insert":
                return insert(transport, event, deadline)
            case None:
                pass
            case other:
                raise UsageError(f"the probe is asked {other!r}: it knows ready and insert")
        answer: dict[str, Any] = {"state": event.get("state") or {}} if "window" in event else {}
        found = batches(event, context.aws_request_id, time.time())
        for batch in found:
            todo = carried_out(batch, Journal(clients.windows(), table, batch.run), deadline)
            answer = merged(answer, todo.answer)
            if todo.stateless:
                del answer["state"]
        observer.log.debug("batch answered", extra={"cases": [batch.case for batch in found]})
        return answer

    return observer.around(handler, "the invocation fails")


def carried_out(batch: Batch, journal: Journal, deadline: Deadline) -> Todo:
    """Note one case's part of an event, then do what its records order, all but the answer.

    Raises:
        OrderedFailure: that is what they order.
    """
    todo = plan(batch, journal.read(batch.case))
    batch.seen.answer = todo.words
    journal.note(batch.case, batch.seen)
    if todo.hold:
        _hold(journal, batch.case, deadline)
    if todo.fails:
        raise OrderedFailure(f"ordered by {batch.case}")
    return todo


def merged(answer: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Join the parts of an answer: lists of failures, and the states of several cases."""
    both = {**answer, **more}
    for key in answer.keys() & more.keys():
        first, second = answer[key], more[key]
        if isinstance(first, list) and isinstance(second, list):
            both[key] = [*first, *second]
        if isinstance(first, dict) and isinstance(second, dict):
            both[key] = {**first, **second}
    return both


def _hold(journal: Journal, case: str, deadline: Deadline) -> None:
    """Wait until the command releases the case, or for as long as there is time."""
    end = Deadline.after(min(MOST_HOLD_SECONDS, deadline.remaining()))
    while end.remaining() > 0 and not journal.released(case):
        time.sleep(POLL_SECONDS)
