"""What the probe's function does when it is asked directly: one insertAll, as a sink would send it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from sluice.deadline import Deadline
from sluice.sinks.answers import NoAnswer
from sluice.sinks.bigquery.transport import Transport

MOST_ANSWER_BYTES: Final = 100_000
"""Of BigQuery's answer; Lambda's own may have six megabytes."""

PATIENT: Final = 4
"""As a sink's fourth attempt, which waits longest for an answer: ten megabytes take a while."""


def insert(transport: Transport, question: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
    """Send `body` to `table`, and return the status and the body of BigQuery's answer.

    With `pad`, each row's text in that field is made so many bytes long first: a question fits Lambda's
    payload, and what is sent may be larger than BigQuery takes.
    """
    body: dict[str, Any] = dict(question["body"])
    for name, size in (question.get("pad") or {}).items():
        body["rows"] = [{**row, "json": {**row["json"], name: "x" * int(size)}} for row in body["rows"]]
    try:
        answer = transport.insert_all(
            str(question["table"]), msgspec.json.encode(body), deadline, attempt=PATIENT
        )
    except NoAnswer as error:
        return {"status": 0, "body": str(error)}
    said = answer.body if isinstance(answer.body, str) else answer.body.decode(errors="replace")
    return {"status": answer.status, "body": said[:MOST_ANSWER_BYTES]}
