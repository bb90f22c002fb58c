"""What is discovered in events, for tests."""

import json
from dataclasses import dataclass
from typing import Any

from sluice.discover import Checked, Gathering, Inferred, check, infer, render
from sluice.discover.model import EventClass, Field

TIME = "2026-05-17T10:05:03Z"


@dataclass(frozen=True)
class Found:
    inferred: Inferred
    module: str
    checked: Checked

    @property
    def event(self) -> EventClass:
        (event,) = self.inferred.events
        return event

    def field(self, name: str) -> Field:
        (field,) = (field for field in self.event.fields if field.name == name)
        return field

    def line(self, name: str) -> str:
        """The line of the module that declares a field."""
        (line,) = (line for line in self.module.splitlines() if line.startswith(f"    {name}: "))
        return line.removeprefix("    ").partition("  #")[0]

    @property
    def accepts_all(self) -> bool:
        return self.checked.accepted == self.checked.records


def discover_lines(lines: list[bytes], source: str = "events.ndjson", fallback: str = "event") -> Found:
    gathering = Gathering()
    for line in lines:
        gathering.see(line)
    inferred = infer(gathering, source, fallback)
    module = render(inferred)
    return Found(inferred, module, check(module, inferred, gathering.finish(), lines))


def discover(*events: dict[str, Any], **options: str) -> Found:
    return discover_lines([json.dumps(event).encode() for event in events], **options)


def values(*found: Any, name: str = "value") -> Found:
    """Discover events that differ in one field; `...` leaves it out."""
    events = [{"type": "thing", "at": TIME, **({} if value is ... else {name: value})} for value in found]
    return discover(*events)
