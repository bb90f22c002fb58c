"""The metrics that a table knows: the running pipeline's, and those removed or changed since."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sluice.errors import UsageError
from sluice.metrics import Definition

ALL = "all"
"""Stands for every version of a metric."""


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """One version of a metric.

    `current` is the one that the running pipeline counts; `removed` says that it counts none of this name.
    """

    definition: Definition
    current: bool
    removed: bool


class KnownMetrics:
    """Every version of every metric; `definitions` are by name, the newest last."""

    def __init__(self, definitions: Sequence[Definition], current: Mapping[str, str]) -> None:
        self._versions: dict[str, list[Definition]] = {}
        for definition in definitions:
            self._versions.setdefault(definition.name, []).append(definition)
        self._current = dict(current)
        for name, versions in self._versions.items():
            # the one that runs, which may be an old one that came back, stands last
            versions.sort(key=lambda each: each.version == self._current.get(name))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, KnownMetrics)
            and self._versions == other._versions
            and self._current == other._current
        )

    __hash__ = None  # type: ignore[assignment]  # compared, never a key

    def __iter__(self) -> Iterator[KnownMetric]:
        for name, versions in self._versions.items():
            for definition in versions:
                current = self._current.get(name)
                yield KnownMetric(definition, definition.version == current, current is None)

    def choose(self, metric: str, version: str | None = None) -> list[Definition]:
        """Return the definitions meant: of `version`, of all versions, or by default of the newest one.

        Raises:
            UsageError: there is no such metric, or version.
        """
        versions = self._versions.get(metric)
        if versions is None:
            raise UsageError(f"{metric}: no such metric; {_others(metric, list(self._versions))}")
        if version is None:
            return versions[-1:]
        if version == ALL:
            return versions
        found = [each for each in versions if each.version == version]
        if not found:
            raise UsageError(
                f"{metric}: no version {version}; there are {', '.join(each.version for each in versions)}"
            )
        return found


def _others(name: str, names: Sequence[str]) -> str:
    if not names:
        return "nothing has been counted yet"
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
