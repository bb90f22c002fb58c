"""A case: what is tried on a mapping, or with BigQuery, and which assumptions it tells about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sluice.probe.findings import Finding
from sluice.probe.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is tried: `about` are ids of assumptions, `slow` ones take more than a minute on purpose."""

    name: str
    mapping: str
    about: tuple[str, ...]
    play: Callable[[Trial], Iterable[Finding]]
    slow: bool = False
