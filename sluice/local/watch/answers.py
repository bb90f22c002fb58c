"""Alarms as the local cloud tells of them: `LocalCloud.alarms()` and `sluice alarms`."""

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sluice.local.watch.watch import Watched

PATH: Final = "/_sluice/alarms"
"""Of the local AWS: a GET lists all alarms."""


class Alarm(msgspec.Struct, frozen=True):
    """An alarm and its state: OK, ALARM or INSUFFICIENT_DATA, since a moment in epoch seconds."""

    name: str
    state: str
    reason: str
    since: float
    composite: bool
    description: str

    @property
    def rings(self) -> bool:
        """Whether it is in ALARM."""
        return self.state == "ALARM"


def answers(alarms: "Iterable[Watched]") -> bytes:
    """Alarms as the local AWS tells of them."""
    return msgspec.json.encode(
        [
            Alarm(
                each.name,
                str(each.state),
                each.reason,
                each.since,
                each.composite,
                str(each.given.get("AlarmDescription") or ""),
            )
            for each in alarms
        ]
    )


def told(body: bytes) -> list[Alarm]:
    """What `answers` wrote."""
    return msgspec.json.decode(body, type=list[Alarm])
