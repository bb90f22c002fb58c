"""Temporary credentials of the local functions' roles, made and checked without keeping any of them.

A session token carries whose it is and until when, signed with the local cloud's own secret; the two keys
are derived from the token. So whoever has the secret can tell whose a request is, and no other credentials of
that form are any good. What comes without a session token is the owner of the laptop, who may do everything.
"""

import base64
import hashlib
import hmac
import math
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import msgspec

SECRET_VARIABLE = "SLUICE_LOCAL_SECRET"  # noqa: S105 the name of a variable
"""Where the processes of one local cloud find the secret that they share, in hexadecimal."""

_ACCESS_KEY_CHARACTERS = 16
"""Behind `ASIA`, the prefix of temporary keys (IAM user guide, "Understanding unique ID prefixes")."""

_SECRET_KEY_BYTES = 30
"""40 characters in base64, as AWS' secret keys have."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A role at work: of which account, in whose name."""

    account: str
    role: str
    session: str
    partition: str = "aws"

    @property
    def arn(self) -> str:
        """As GetCallerIdentity answers it."""
        return f"arn:{self.partition}:sts::{self.account}:assumed-role/{self.role}/{self.session}"

    @property
    def user_id(self) -> str:
        """The role's unique id and the session."""
        digest = hashlib.sha256(f"{self.account}/{self.role}".encode()).digest()
        return f"AROA{base64.b32encode(digest).decode()[:17]}:{self.session}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a function's environment holds; `expires_at` in seconds since 1970."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: float


OWNER = Credentials("local", "local", "", math.inf)
"""Whoever has no role's credentials: the local AWS asks for none."""


NOT_OURS = (
    "The security token included in the request is invalid. It is not of this local cloud: take a function's "
    "own, or keys without a session token, such as local and local."
)


class RefusedError(Exception):
    """Credentials or a signature that are no good: `code` is the one that STS answers with its status."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class _Claims(msgspec.Struct, array_like=True):
    account: str
    role: str
    session: str
    partition: str
    expires_at: float
    nonce: str


class Issuer:
    """Makes and checks the credentials of one local cloud, whose secret it has."""

    def __init__(self, secret: bytes, now: Callable[[], float] = time.time) -> None:
        self._secret, self._now = secret, now

    @classmethod
    def here(cls) -> Self:
        """The one of the local cloud to which this process belongs; of nobody else's where there is none."""
        return cls(bytes.fromhex(os.environ.get(SECRET_VARIABLE, "")) or secrets.token_bytes(32))

    def issue(self, identity: Identity, expires_at: float) -> Credentials:
        """Credentials of a role's session until a moment, in seconds since 1970."""
        claims = _Claims(
            identity.account,
            identity.role,
            identity.session,
            identity.partition,
            expires_at,
            secrets.token_hex(8),
        )
        said = base64.urlsafe_b64encode(msgspec.json.encode(claims)).decode()
        token = f"{said}.{self._signature(said)}"
        return Credentials(self._access_key(token), self._secret_key(token), token, expires_at)

    def identify(self, access_key: str, token: str) -> Identity:
        """Whose credentials these are.

        Raises:
            RefusedError: this cloud has not issued them together (InvalidClientTokenId), or they are over
                (ExpiredToken).
        """
        identity, expires_at = self.read(access_key, token)
        if self._now() >= expires_at:
            raise RefusedError("ExpiredToken", "The security token included in the request is expired")
        return identity

    def read(self, access_key: str, token: str) -> tuple[Identity, float]:
        """Whose credentials these are, over or not, and when they end; raises as `identify` does."""
        said, _, signature = token.partition(".")
        genuine = hmac.compare_digest(signature.encode(), self._signature(said).encode())
        if not (genuine and hmac.compare_digest(access_key.encode(), self._access_key(token).encode())):
            raise RefusedError("InvalidClientTokenId", NOT_OURS)
        claims = msgspec.json.decode(base64.urlsafe_b64decode(said), type=_Claims)
        identity = Identity(claims.account, claims.role, claims.session, claims.partition)
        return identity, claims.expires_at

    def secret_key(self, access_key: str, token: str) -> str:
        """The key that signs requests with these credentials; raises as `identify` does."""
        self.identify(access_key, token)
        return self._secret_key(token)

    def _access_key(self, token: str) -> str:
        return "ASIA" + base64.b32encode(self._digest("access", token)).decode()[:_ACCESS_KEY_CHARACTERS]

    def _secret_key(self, token: str) -> str:
        return base64.b64encode(self._digest("secret", token)[:_SECRET_KEY_BYTES]).decode()

    def _signature(self, said: str) -> str:
        return base64.urlsafe_b64encode(self._digest("token", said)).decode()

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}:{text}".encode(), "sha256")
