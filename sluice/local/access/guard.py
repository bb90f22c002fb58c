"""Stands in front of the local AWS: tells whose a request is, judges it, and keeps what was asked.

A request with a session token is that of a role, and needs what the role's policies allow. One without is the
owner's: the command line's, the local Lambda's pollers', a deployment's.
"""

import re
import threading
import time
from collections.abc import Callable, Mapping

from sluice.local.access.calls import Calls
from sluice.local.access.keys import of_a_service
from sluice.local.access.needs import needs
from sluice.local.access.policy import Policies
from sluice.local.access.request import Context, Need, Request, World
from sluice.local.identities import NOT_OURS, Identity, Issuer, RefusedError

TOKEN = b"x-amz-security-token"
_CREDENTIAL = re.compile(rb"Credential=([^/]+)/")
_TEMPORARY = b"ASIA"
_TOKENS = 1024
"""How many sessions are remembered: what identifies one costs more than what a call may."""


class DeniedError(Exception):
    """A role that may not do what it asks for."""

    def __init__(self, identity: Identity, need: Need, *, explicitly: bool) -> None:
        why = (
            "with an explicit deny in an identity-based policy"
            if explicitly
            else f"because no identity-based policy allows the {need.action} action"
        )
        about = f"on resource: {need.resource} " if need.resource else ""
        super().__init__(f"User: {identity.arn} is not authorized to perform: {need.action} {about}{why}")


class Guard:
    """Judges requests by the policies of the roles that make them. Safe for several threads."""

    def __init__(
        self, issuer: Issuer, world: World, account: str, now: Callable[[], float] = time.time
    ) -> None:
        self.issuer = issuer
        self.calls = Calls()
        self._world, self._account, self._now = world, account, now
        self._sessions: dict[bytes, tuple[bytes, Identity, float]] = {}
        self._policies: dict[tuple[str, str], Policies] = {}
        self._lock = threading.Lock()

    def identify(self, headers: Mapping[bytes, bytes]) -> Identity | None:
        """Whose a request is; None where it is the owner's.

        Raises:
            RefusedError: its credentials are over, or nobody's.
        """
        token = headers.get(TOKEN)
        found = _CREDENTIAL.search(headers.get(b"authorization", b""))
        key = found[1] if found else b""
        if token is None:
            if key.startswith(_TEMPORARY):
                raise RefusedError("InvalidClientTokenId", NOT_OURS)
            return None
        known = self._sessions.get(token)
        if known is None or known[0] != key:
            identity, expires_at = self.issuer.read(key.decode("latin-1"), token.decode("latin-1"))
            if len(self._sessions) >= _TOKENS:
                self._sessions.clear()
            known = self._sessions[token] = (key, identity, expires_at)
        if self._now() >= known[2]:
            raise RefusedError("ExpiredToken", "The security token included in the request is expired")
        return known[1]

    @staticmethod
    def is_temporary(headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request comes with temporary credentials, good or not: no owner's does."""
        found = _CREDENTIAL.search(headers.get(b"authorization", b""))
        return TOKEN in headers or (found is not None and found[1].startswith(_TEMPORARY))

    def judge(self, identity: Identity, request: Request) -> None:
        """Let a role's request pass.

        Raises:
            DeniedError: the role may not do that.
            RefusedError: the request has not the form of any that the service takes.
        """
        policies = self._of(identity)
        try:
            for need in needs(request):
                self._judge(identity, policies, need, request)
                for asked in of_a_service(need, request, self._world):
                    self._judge(identity, policies, asked, request)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            said = f"The request cannot be read ({type(error).__name__}: {error})"
            raise RefusedError("SerializationException", said, 400) from error

    def allows(self, identity: Identity, need: Need, request: Request) -> bool:
        """Whether a role may do something, kept among its calls."""
        try:
            self._judge(identity, self._of(identity), need, request)
        except DeniedError:
            return False
        return True

    def forget_policies(self) -> None:
        """Read roles' policies again: something about roles has changed."""
        with self._lock:
            self._policies.clear()

    def _judge(self, identity: Identity, policies: Policies, need: Need, request: Request) -> None:
        def context() -> Context:
            via = {"kms:viaservice": (need.via,)} if need.via else {}
            return {
                "aws:principalaccount": (identity.account,),
                "aws:requestedregion": (request.region,),
                "aws:securetransport": ("true",),
                "lambda:sourcefunctionarn": (request.arn("lambda", f"function:{identity.session}"),),
                **via,
                **need.context(self._world),
            }

        resource = need.resource
        if resource is not None and identity.account != self._account:
            resource = self._at_home(resource, identity)
        decided = policies.decide(need.action, resource, context)
        self.calls.add(identity, need.action, resource, need.via, decided.allowed, decided.sid)
        if not decided.allowed:
            raise DeniedError(identity, need, explicitly=decided.sid is not None)

    def _of(self, identity: Identity) -> Policies:
        found = self._policies.get((identity.account, identity.role))
        if found is None:
            with self._lock:
                documents = [self._at_home(one, identity) for one in self._world.policies(identity.role)]
                found = self._policies[identity.account, identity.role] = Policies(documents)
        return found

    def _at_home(self, text: str, identity: Identity) -> str:
        """Text with one account: a program is pinned to one, what was created here has the local AWS' own."""
        return text.replace(f":{identity.account}:", f":{self._account}:")


def hides_what_is_missing(request: Request) -> Need | None:
    """The right without which S3 does not say that an object is missing, for a request that found none.

    S3's API reference has that among the permissions of GetObject and HeadObject.
    """
    if request.service != "s3" or request.method not in ("GET", "HEAD"):
        return None
    asked = next(iter(needs(request)), None)
    if asked is None or asked.resource is None or not asked.action.startswith("s3:GetObject"):
        return None
    return Need("s3:ListBucket", asked.resource.partition("/")[0])
