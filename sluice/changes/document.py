"""A graph document, as `sluice graph --json` prints it, read back to be compared."""

from collections.abc import Mapping
from typing import Any

import msgspec

from sluice.errors import SluiceError
from sluice.policies import Resource


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One declared resource. Older documents lack what has a default here."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    component: str | None = None
    protected: bool = False
    depends_on: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    retained: bool = False
    ignore_changes: tuple[str, ...] = ()

    @property
    def plain(self) -> Resource:
        """The resource as the rules of sluice/policies see it."""
        return Resource(
            type=self.type, name=self.name, inputs=self.inputs, urn=self.urn, protect=self.protected
        )


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a resource breaks."""

    rule: str
    name: str
    said: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An environment's program. What a document of an older Sluice does not tell is None."""

    environment: str
    resources: tuple[Planned, ...]
    outputs: dict[str, Any]
    violations: tuple[Broken, ...] = ()
    providers: dict[str, dict[str, Any]] | None = None
    contract: dict[str, Any] | None = None
    metrics: dict[str, dict[str, Any]] | None = None
    routes: dict[str, dict[str, Any]] | None = None


def read(document: Mapping[str, Any]) -> Document:
    """Read a document.

    Raises:
        SluiceError: it is none that this version can compare.
    """
    try:
        return msgspec.convert(document, Document)
    except msgspec.ValidationError as error:
        raise SluiceError(
            f"its graph document cannot be compared by this version of Sluice ({error})"
        ) from None


def nothing(environment: str) -> Document:
    """Return the document of an environment that is not there."""
    return Document(
        environment=environment,
        resources=(),
        outputs={},
        providers={},
        contract={"version": 1, "types": {}},
        metrics={},
        routes={},
    )
