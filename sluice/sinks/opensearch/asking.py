"""Requests to OpenSearch's own interfaces, one at a time, taken again while there is time.

Unlike the sink's bulk requests these are few, and each of them may be sent twice.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec
from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnection

from sluice.deadline import Again, Deadline, attempts
from sluice.errors import EnvironmentProblem
from sluice.sinks.opensearch.connection import EVERY_STATUS

REQUEST_SECONDS: Final = 30.0
"""A change of templates waits for the cluster's manager, whose own time-out this is."""

PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that say nothing about the request."""

SPREADING_SECONDS: Final = 90.0
"""A role that was just made is refused until the services know it."""

REFUSED: Final = frozenset({401, 403})

JSON: Final[Mapping[str, str]] = {"content-type": "application/json"}

_REASON_CHARACTERS = 300


class Reply(msgspec.Struct, frozen=True):
    """An answer's status and its body: JSON as it is, anything else as text."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300  # noqa: PLR2004 what HTTP calls success

    @property
    def reason(self) -> str:
        """Why it was not, in one line."""
        error = self.body.get("error", self.body) if isinstance(self.body, dict) else self.body
        if isinstance(error, dict):
            error = error.get("reason") or error.get("message") or error.get("Message") or error
        return f"{self.status}: {' '.join(str(error).split())[:_REASON_CHARACTERS]}"

    @property
    def absent(self) -> bool:
        """Whether there is no such interface: the plug-in is missing, or the service keeps it closed.

        A node without the plug-in has no handler (RestController); Amazon's service says "Your request: PATH
        is not allowed".
        """
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return not self.ok and ("no handler found for uri" in text or "is not allowed." in text)


class Ask(Protocol):
    """Asks one thing and returns the answer, whatever it is."""

    def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send JSON, or bytes as they are; raises EnvironmentProblem when nobody answers."""


def ask_once(
    client: OpenSearch,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = JSON,
    *,
    seconds: float = REQUEST_SECONDS,
) -> Reply:
    """Ask once, return the answer whatever it is; raises opensearchpy's ConnectionError when none comes."""
    status, _, text = client.transport.get_connection().perform_request(
        method, path, body=body, timeout=seconds, ignore=EVERY_STATUS, headers=dict(headers)
    )
    return Reply(status, _parsed(text))


def asking(client: OpenSearch, deadline: Deadline) -> Ask:
    """Return what asks a cluster until the deadline."""
    spreading = Deadline.after(SPREADING_SECONDS, deadline.clock, deadline.sleep)

    def once(method: str, path: str, body: Any, headers: Mapping[str, str]) -> Reply:
        try:
            seconds = max(0.05, min(REQUEST_SECONDS, deadline.remaining()))
            reply = ask_once(client, method, path, body, headers, seconds=seconds)
        except NoConnection as error:
            raise Again(f"no answer ({type(error.info).__name__})") from error
        refused = reply.status in REFUSED and not reply.absent and spreading.remaining() > 0
        if reply.status in PASSING or refused:
            raise Again(reply.reason)
        return reply

    def ask(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {**JSON, **(headers or {})}
        try:
            return attempts(deadline)(once, method, path, sent, all_headers)
        except Again as error:
            raise EnvironmentProblem(
                f"OpenSearch did not take {method} {path}: {error.reason}; deploy again when it does"
            ) from None

    return ask


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
