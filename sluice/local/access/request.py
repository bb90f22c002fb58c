"""One HTTP request to the local AWS, and what it asks IAM for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Context = Mapping[str, tuple[str, ...]]
"""Values of condition keys of a request, beyond those that every request has."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; `account` is the local AWS', `path` and `query` are still quoted."""

    service: str
    region: str
    account: str
    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def partition(self) -> str:
        """Of the region, as ARNs have it."""
        return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self.region.rsplit("-", 2)[0], "aws")

    def arn(self, service: str, rest: str) -> str:
        """The ARN of something in the request's region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"


class World(Protocol):
    """What the local AWS holds, as far as authorisations depend on it."""

    def hash_key(self, table: str, region: str) -> str | None:
        """The name of a table's partition key; None when there is no such table."""
        ...

    def key_of(self, service: str, resource: str, region: str) -> str | None:
        """The customer managed key that encrypts a resource (its ARN); None without one."""
        ...

    def policies(self, role: str) -> list[str]:
        """The documents of a role's policies; none of a role that is not there."""
        ...


def _nothing(_world: World) -> Context:
    return {}


@dataclass(frozen=True, slots=True)
class Need:
    """One authorisation: `resource` is None where the request does not say what it is about.

    `context` is asked for only when a statement has a condition; `via` is the service that calls another one
    on the role's behalf.
    """

    action: str
    resource: str | None
    context: Callable[[World], Context] = field(default=_nothing, compare=False)
    via: str | None = None


Fields = dict[str, Any]
"""The parameters of a request in JSON."""
