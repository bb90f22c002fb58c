"""Versions of functions and the aliases that lead to them, as Lambda keeps them.

An alias leads to one version, and with a weight for a share of the invocations to another one (Lambda
developer guide, weighted aliases): each invocation is dealt out by chance. What names no version or alias
runs the newest one.
"""

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class Alias:
    """What an alias leads to; `share` (0 to 1) of the invocations go to `other`, if there is one."""

    version: str
    other: str | None = None
    share: float = 0.0


class Versions:
    """Safe for several threads."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self._published: dict[str, list[str]] = {}
        self._aliases: dict[tuple[str, str], Alias] = {}

    def publish(self, function: str, version: str) -> None:
        """Know a version, the newest of a function; LATEST says that its versions are no longer used."""
        with self._lock:
            if version == LATEST:
                self._published.pop(function, None)
            elif version not in self._published.setdefault(function, []):
                self._published[function].append(version)

    def declare(self, aliases: Iterable[Mapping[str, Any]]) -> None:
        """Take what a deployment declares: a new alias leads where it says, one that is there stays put."""
        wanted = {(each["functionName"], each["name"]): str(each["functionVersion"]) for each in aliases}
        with self._lock:
            self._aliases = {key: self._aliases.get(key, Alias(version)) for key, version in wanted.items()}

    def shift(self, function: str, name: str, to: Alias) -> None:
        """Let an alias lead elsewhere."""
        with self._lock:
            self._aliases[function, name] = to

    def alias(self, function: str, name: str) -> Alias | None:
        """Return what an alias leads to; None when there is none of that name."""
        with self._lock:
            return self._aliases.get((function, name))

    def listed(self, function: str) -> list[str]:
        """Return a function's versions, the oldest first; none where it is not published."""
        with self._lock:
            return list(self._published.get(function, ()))

    def chosen(self, function: str, qualifier: str = "") -> str | None:
        """Return the version that an invocation runs; None for a qualifier that nothing has."""
        with self._lock:
            published = self._published.get(function, [])
            if qualifier in ("", LATEST):
                return published[-1] if published else LATEST
            if qualifier in published:
                return qualifier
            alias = self._aliases.get((function, qualifier))
        if alias is None:
            return None
        return alias.other if alias.other and self._chance() < alias.share else alias.version

    def used(self, function: str) -> set[str]:
        """Return the versions that an invocation may run."""
        with self._lock:
            published = self._published.get(function)
            led_to = [alias for (of, _), alias in self._aliases.items() if of == function]
        newest = {published[-1]} if published else {LATEST}
        return newest | {each.version for each in led_to} | {each.other for each in led_to if each.other}
