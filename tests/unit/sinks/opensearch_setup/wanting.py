"""A contract, what OpenSearch must hold for it, and a cluster with the plug-ins that a service has."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from sluice.contract import Contract, Event, Nested
from sluice.contract import field as described
from sluice.sinks.opensearch.asking import Ask, Reply
from sluice.sinks.opensearch.indices import Indices
from sluice.sinks.opensearch.templates import Shape, State, wanted

WRITER, READER = "arn:aws:iam::111111111111:role/sink", "arn:aws:iam::111111111111:role/analyst"


class Line(Nested):
    """A line of an order."""

    sku: str
    pieces: int


class Order(Event, type="order", id="order_id", time="ordered_at", cluster=["customer"]):
    """An order."""

    order_id: Annotated[str, described("Number")]
    ordered_at: Annotated[datetime, described("When")]
    customer: Annotated[str, described("Who")]
    status: Annotated[Literal["open", "paid"], described("How far it is")]
    lines: Annotated[list[Line], described("What")] = []  # noqa: RUF012 msgspec copies a list default


class Visit(Event, type="visit", time="at"):
    """A visit."""

    at: datetime
    seconds: int


CONTRACT = Contract([Order, Visit])


def state(prefix: str, contract: Contract = CONTRACT, **shape: Any) -> State:
    """Return the wanted state, as it arrives at the function."""
    made = wanted(contract, Shape(indices=Indices(prefix), **shape), writers=[WRITER], readers=[READER])
    arrived: State = json.loads(json.dumps(made))
    return arrived


IMPORTED = Reply(200, {"success": True})


def nothing(
    method: str,
    path: str,
    body: Any = None,  # noqa: ARG001 the protocol's
    headers: Mapping[str, str] | None = None,  # noqa: ARG001 same
) -> Reply:
    """Answer as an empty cluster without plug-ins does."""
    if path.startswith(("/_plugins/", "/_dashboards/")):
        return Reply(400, {"error": f"no handler found for uri [{path}] and method [{method}]"})
    return Reply(200, {})


@dataclass
class Service:
    """The plug-ins that a node alone lacks, over a cluster that answers the rest; keeps what it was asked.

    Answers as documented: docs.opensearch.org, ISM API and security API; a policy that was read before
    another change is refused.
    """

    cluster: Ask
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    roles: dict[str, Any] = field(default_factory=dict)
    mappings: dict[str, Any] = field(default_factory=dict)
    imported: list[bytes] = field(default_factory=list)
    dashboards: Reply = IMPORTED
    asked: list[str] = field(default_factory=list)
    _changes: int = 0

    def __call__(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        self.asked.append(f"{method} {path}")
        if path.startswith("/_plugins/_ism/policies/"):
            return self._policy(method, path.removeprefix("/_plugins/_ism/policies/"), body)
        if path.startswith("/_plugins/_ism/"):
            return Reply(200, {"updated_indices": 1, "failures": False, "failed_indices": []})
        if path.startswith("/_plugins/_security/api/"):
            part, _, name = path.removeprefix("/_plugins/_security/api/").partition("/")
            {"roles": self.roles, "rolesmapping": self.mappings}[part][name] = body
            return Reply(200, {"status": "OK"})
        if path.startswith("/_dashboards/"):
            assert headers is not None
            assert headers["osd-xsrf"] == "true"
            self.imported.append(body)
            return self.dashboards
        return self.cluster(method, path, body, headers)

    def _policy(self, method: str, path: str, body: Any) -> Reply:
        name, _, query = path.partition("?")
        there = self.policies.get(name)
        if method == "PUT":
            given = dict(re.findall(r"(\w+)=(\w+)", query))
            if (there is None) != (not given) or (there and given["if_seq_no"] != str(there["_seq_no"])):
                return Reply(409, {"error": {"reason": "version conflict"}})
            self._changes += 1
            self.policies[name] = {"_seq_no": self._changes, "_primary_term": 1, **body}
            return Reply(200, self.policies[name])
        if there is None:
            return Reply(404, {"error": {"reason": "Policy not found"}})
        if method == "DELETE":
            del self.policies[name]
        return Reply(200, there)
