"""Access tokens: whose they are, and until when."""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Final

import msgspec

from sluice.local.google.errors import unauthenticated

SECONDS: Final = 3600.0
"""How long Google's federated tokens last."""

OWNER: Final = "owner"
"""The member that the laptop's owner is, who may do everything with a token as without one."""


class Token(msgspec.Struct, frozen=True):
    """A token that was given out; `members` are all ways in which a grant can name its bearer."""

    members: frozenset[str]
    ends_at: float


class Lifetime(msgspec.Struct):
    """In seconds: what a token's answer says, and how long it is good for when that is less."""

    said: float = SECONDS
    good_for: float | None = None


class Tokens:
    """The tokens that are out. Safe to use from several threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.lifetime = Lifetime()
        self.issued = 0
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}

    def issue(self, members: frozenset[str], seconds: float | None = None) -> tuple[str, float]:
        """Give out a token; it, and how many seconds it is said to last."""
        now, lifetime = self.now(), self.lifetime
        said = min(seconds or lifetime.said, lifetime.said)
        good_for = said if lifetime.good_for is None else lifetime.good_for
        token = f"ya29.local.{secrets.token_urlsafe(32)}"
        with self._lock:
            self._tokens = {text: each for text, each in self._tokens.items() if each.ends_at > now}
            self._tokens[token] = Token(members, now + good_for)
            self.issued += 1
        return token, said

    def members(self, authorization: str) -> frozenset[str]:
        """Return whose a request is by its Authorization header; raises ApiError 401."""
        scheme, _, text = authorization.partition(" ")
        found = self._tokens.get(text.strip())
        if scheme.lower() != "bearer" or found is None or found.ends_at <= self.now():
            raise unauthenticated()
        return found.members

    def is_owners(self, authorization: str | None) -> bool:
        """Whether a request is the owner's; raises ApiError 401 for a token that is none."""
        return authorization is None or OWNER in self.members(authorization)

    def end(self) -> None:
        """End all that are out."""
        with self._lock:
            self._tokens.clear()
