"""What each role has called: for tests that compare it with what the role allows."""

import threading
from collections import Counter
from typing import Any, NamedTuple

from sluice.local.identities import Identity

MOST = 10_000
"""How many different calls are kept apart; further ones are counted under the resource `...`."""


class Call(NamedTuple):
    """An authorisation that a role's session asked for.

    `resource` is None where the request does not say it, `via` the service that asked on the role's behalf,
    `sid` the statement that decided, None where there was none.
    """

    role: str
    session: str
    action: str
    resource: str | None
    via: str | None
    allowed: bool
    sid: str | None


class Calls:
    """Counts calls. Safe for several threads."""

    def __init__(self) -> None:
        self._counted: Counter[Call] = Counter()
        self._lock = threading.Lock()

    def add(self, by: Identity, action: str, resource: str | None, via: str | None, *decided: Any) -> None:
        """Count one; `decided` is whether it was allowed, and by which statement."""
        allowed, sid = decided
        call = Call(by.role, by.session, action, resource, via, allowed, sid)
        with self._lock:
            if call not in self._counted and len(self._counted) >= MOST:
                call = call._replace(resource="...")
            self._counted[call] += 1

    def told(self) -> list[dict[str, Any]]:
        """All of them, in order, each with its `count`."""
        with self._lock:
            found = list(self._counted.items())
        found.sort(key=lambda pair: tuple(str(part) for part in pair[0]))
        return [{**call._asdict(), "count": count} for call, count in found]
