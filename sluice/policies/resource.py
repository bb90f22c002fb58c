"""What a rule sees of a program: resources as plain data, whoever ran the program."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

UNKNOWN: Final = "(known after deployment)"
"""Stands for what only a deployment knows; a rule never judges it, and never takes it for an answer."""


@dataclass(frozen=True, kw_only=True)
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
            if isinstance(value, list) and value:
                value = value[0]  # a block that is there once at most is a list in Terraform's schemas
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    def document(self, *path: str) -> dict[str, Any] | None:
        """Return a JSON document among the inputs, or None where there is none, or it is unknown yet."""
        value = self.at(*path)
        if not isinstance(value, str) or value == UNKNOWN:
            return None
        try:
            parsed = json.loads(value)
        except ValueError:
            return None
        return parsed if isinstance(parsed, dict) else None


class Resources:
    """All resources of one program, and how they hang together."""

    def __init__(self, resources: Iterable[Resource], *, throwaway: bool = False) -> None:
        self.all = tuple(resources)
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
