"""What a rule sees of a program: resources as plain data, whoever ran the program.

A policy pack is handed what the cloud answered, or will answer, where the program hands over what it asked
for. So nothing, an empty text and an empty list mean the same here, and a block that is there once at most
may be a list of one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from sluice.policies import kinds

UNKNOWN: Final = "(known after deployment)"
"""Stands for what only a deployment knows; a rule never judges it, and never takes it for an answer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """One resource as it would be sent to Pulumi's engine.

    `type` is Pulumi's (aws:sqs/queue:Queue), `name` the program's own, `inputs` have the provider's names in
    camelCase and `UNKNOWN` where a preview knows no better; `urn`, `parent` and `depends_on` are URNs, and
    `parent` is None at the root.
    """

    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    urn: str = ""
    parent: str | None = None
    component: bool = False
    protect: bool = False
    depends_on: tuple[str, ...] = ()

    @property
    def cloud(self) -> str:
        """Whose it is: aws or gcp; a provider's or a component's is its type's first word too."""
        return self.type.partition(":")[0]

    def at(self, *path: str) -> Any:
        """Return an input, however deep: None where nothing is, UNKNOWN below what is unknown."""
        value: Any = self.inputs
        for key in path:
            if value == UNKNOWN:
                return UNKNOWN
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    def lacks(self, *path: str) -> bool:
        """Whether an input is surely not set: what is unknown may be."""
        return self.at(*path) in (None, "", [], {}, False)

    def off(self, *path: str) -> bool:
        """Whether a switch is surely not on."""
        return self.at(*path) not in (True, UNKNOWN)

    def differs(self, wanted: Any, *path: str) -> bool:
        """Whether an input is surely another than wanted."""
        return self.at(*path) not in (wanted, UNKNOWN)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield every text among the inputs, however deep, with the path to it: `environment.variables.X`."""
        yield from _texts("", self.inputs)


class Resources:
    """All resources of one program, and how they hang together.

    `throwaway` says that the environment may lose its data: its setting `protect` is false.
    """

    def __init__(self, resources: Iterable[Resource], *, throwaway: bool = False) -> None:
        self.all = tuple(_by_todays_type(each) for each in resources)
        self.throwaway = throwaway

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        """Every resource by its URN."""
        return {each.urn: each for each in self.all if each.urn}

    @cached_property
    def created(self) -> tuple[Resource, ...]:
        """What exists in a cloud afterwards: neither components, nor providers, nor the stack itself."""
        return tuple(each for each in self.all if not each.component and each.cloud != "pulumi")

    def of(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of these types."""
        return (each for each in self.created if each.type in types)

    def beside(self, resource: Resource, kind: str, *, by: str, key: str) -> Iterator[Resource]:
        """Yield what of a kind belongs to a resource: naming it, or depending on it while names are unknown.

        `by` is the input of the companion that holds the name, `key` the resource's own.
        """
        own = resource.at(key)
        for each in self.of(kind):
            named = each.at(by)
            known = named not in {None, UNKNOWN} and own not in {None, UNKNOWN}
            if (named == own) if known else (bool(resource.urn) and resource.urn in each.depends_on):
                yield each


def document(value: Any) -> dict[str, Any] | None:
    """Read a JSON object, or one that is given as it is; None where there is none, or it is not known yet."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            return None
        return parsed if isinstance(parsed, dict) else None
    return None


def listed(value: Any) -> list[Any]:
    """Read what may be one or several, as IAM writes actions, resources and principals."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _by_todays_type(resource: Resource) -> Resource:
    today = kinds.FORMER.get(resource.type)
    return replace(resource, type=today) if today else resource


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(path, item)
