"""`Definition`: a metric as its readers know it, also when it has long been removed from `pipeline.py`."""

from typing import Any

import msgspec

from sluice.contract.kinds import Kind
from sluice.errors import ContractError


class GroupDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A field that events are grouped by."""

    name: str
    """Column in BigQuery, key in JSON."""
    path: str
    """The field as in JSON, nested ones with dots; `type` is the event type."""
    kind: Kind
    bignumeric: bool = False
    """A DECIMAL that BigQuery holds as BIGNUMERIC."""
    choices: tuple[str | int, ...] = ()
    """The values there can be, as in JSON; empty when there is no such list."""


class MeasureDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a metric."""

    name: str
    measure: str
    """Its word: count, sum, min, max, mean, variance, distinct, quantiles, topk."""
    signature: str
    """What its partial aggregates are stored under: the same for measures that share them."""
    path: str | None = None
    """The field as in JSON; None for a count."""
    kind: Kind | None = None
    """The field's kind; None for a count."""
    bignumeric: bool = False
    options: dict[str, Any] = {}
    """Quantiles: `fractions`, a list of floats. TopK: `k` and `lg_map_size`."""
    error: str | None = None
    """How far the figure may be off; None when it is exact."""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to decode, merge, name and show the stored parts of a metric."""

    name: str
    version: str
    """12 hexadecimal digits; parts of different versions are never merged."""
    window: int
    """Seconds."""
    lateness: int
    """Seconds after its end during which a window stays provisional."""
    types: tuple[str, ...]
    by: tuple[GroupDefinition, ...]
    measures: tuple[MeasureDefinition, ...]
    where: str | None = None
    dedupe: bool = False
    description: str = ""

    @classmethod
    def parse(cls, document: Any) -> "Definition":
        """Read what `as_dict` made.

        Raises:
            ContractError: it was not made by this version of Sluice, or an older one.
        """
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise ContractError(f"a stored metric cannot be read ({error}); update Sluice here") from None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, which later versions can read."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document
