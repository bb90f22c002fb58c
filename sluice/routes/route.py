"""`Route`: events of some types for which a SQL condition is TRUE, and where they go."""

import re
from collections.abc import Sequence
from typing import Final, get_args

from sluice.contract.contract import EventType, event_type
from sluice.contract.events import Event
from sluice.errors import ContractError
from sluice.routes.targets import Function, Stream, Target

MAX_NAME: Final = 32
MAX_SINK: Final = 36
"""Characters of a sink's name: PREFIX-SINK-sink must fit into the 64 of a Lambda function's name."""

MAX_WHERE: Final = 4_000
"""Characters of a condition: Sluice's own limit, far above what reads well."""

RESERVED: Final = frozenset({"bigquery", "windows", "search", "lake"})
"""Sinks of Sluice's own."""

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Route:
    """Events for which a condition is TRUE, and where they go.

    `Route("refunds", "amount < 0", types=[Transaction], to=Function("transactions"))`

    - `name`: snake_case, unique; what its sink is called in the audit, the dead letters and the settings.
    - `where`: SQL in BigQuery's dialect over the event's fields (docs/filters.md). As in a WHERE clause,
      FALSE and NULL do not match.
    - `types`: the event types it is about; a field it uses must be in each of them.
    - `to`: Function("folder"), Stream(consumers=[...]), Queue() or Firehose().
    - `partition`: together with the other routes that say so for a type, it takes each event of that type
      exactly once. Routes that provably overlap or leave a gap are then refused.
    - `description`: what it is for.

    Raises:
        ContractError: something of it is not usable; the line says what.
    """

    def __init__(
        self,
        name: str,
        where: str,
        *,
        types: Sequence[type[Event]],
        to: Target,
        partition: bool = False,
        description: str = "",
    ) -> None:
        self.name = _checked_name(name)
        label = f"route {name!r}"
        self.types: tuple[EventType, ...] = _types(types, label)
        self.where = _condition(where, label)
        self.to: Target = _target(to, label)
        self.partition = _flag(partition, label)
        self.description = _description(description, label)
        for sink in self.sinks:
            if len(sink) > MAX_SINK:
                raise ContractError(
                    f"{label}: its consumer would be called {sink!r}, which has {len(sink)} characters, and a"
                    f" function's name has room for {MAX_SINK}; shorten the route's name or the folder's"
                )

    def __repr__(self) -> str:
        return f"Route({self.name!r})"

    @property
    def sinks(self) -> tuple[str, ...]:
        """Names of its sinks: the route itself, then each consumer of its stream."""
        return (self.name, *(self.consumer(one) for one in self.consumers))

    @property
    def consumers(self) -> tuple[Function, ...]:
        """What reads the stream of its own, if it has one."""
        return self.to.consumers if isinstance(self.to, Stream) else ()

    def consumer(self, function: Function) -> str:
        """The sink that a consumer of the route's own stream is."""
        return f"{self.name}-{function.folder.replace('_', '-')}"


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.match(name) or len(name) > MAX_NAME:
        raise ContractError(
            f"route {name!r}: a name is snake_case (a-z, 0-9 and _, starting with a letter), at most"
            f" {MAX_NAME} characters, such as 'large_payments'"
        )
    if name in RESERVED:
        raise ContractError(f"route {name!r}: `{name}` is a sink of Sluice's own; choose another name")
    return name


def _types(types: object, label: str) -> tuple[EventType, ...]:
    if not isinstance(types, list | tuple) or not types:
        one = types.__name__ if isinstance(types, type) else None
        raise ContractError(
            f"{label}: types={one or repr(types)} is no list of event classes;"
            f" write types=[{one or 'Transaction'}]"
        )
    for each in types:
        if not isinstance(each, type):
            raise ContractError(
                f"{label}: types=[{each!r}] names no event class; write the class: types=[Transaction]"
            )
    found = tuple(event_type(cls) for cls in types)
    if len({kind.cls for kind in found}) < len(found):
        raise ContractError(f"{label}: an event class is there twice; name each once")
    return found


def _condition(where: object, label: str) -> str:
    if not isinstance(where, str) or not where.strip():
        raise ContractError(
            f"{label}: where={where!r} is no condition; write SQL such as 'amount >= 0', or 'TRUE' for all"
        )
    if len(where) > MAX_WHERE:
        raise ContractError(
            f"{label}: its condition has {len(where)} characters, at most {MAX_WHERE} are taken"
        )
    return where.strip()


def _target(to: object, label: str) -> Target:
    if not isinstance(to, get_args(Target)):
        hint = " (an instance, with parentheses)" if to in get_args(Target) else ""
        raise ContractError(
            f"{label}: to={to!r} leads nowhere; accepted are Function('folder'), Stream(), Queue() and"
            f" Firehose(){hint}"
        )
    target: Target = to
    return target


def _flag(partition: object, label: str) -> bool:
    if not isinstance(partition, bool):
        raise ContractError(f"{label}: partition={partition!r}; accepted are True and False")
    return partition


def _description(text: object, label: str) -> str:
    if not isinstance(text, str):
        raise ContractError(f"{label}: description={text!r} is no text")
    return " ".join(text.split())
