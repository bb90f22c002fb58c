"""Faults of the local Firehose, asked for by tests: how it fails in the cloud, when they say so."""

import threading
from dataclasses import dataclass
from typing import Final

ANY: Final = "*"
KINDS: Final = frozenset(
    {
        "transform_fails",
        "transform_slow",
        "transform_times_out",
        "s3_fails",
        "commit_fails",
        "commit_unknown",
        "restart",
    }
)
WHEN: Final = ("before", "after")


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong the next `count` times. `when`: before or after the thing itself was done.

    transform_fails, transform_times_out: an invocation brings no answer. transform_slow: it takes `seconds`
    more. s3_fails: objects and data files are refused. commit_fails: a table is not committed;
    commit_unknown: it is, but nobody learns of it. restart: what was buffered is lost and read again, and so
    is, when "after", what was committed and not yet noted.
    """

    kind: str
    firehose: str = ANY
    count: int = 1
    seconds: float = 0.0
    when: str = "after"

    def __post_init__(self) -> None:
        """Refuse what nobody would act on.

        Raises:
            ValueError: in one line.
        """
        if self.kind not in KINDS:
            raise ValueError(f"no fault {self.kind!r}: there are {', '.join(sorted(KINDS))}")
        if self.when not in WHEN or self.count < 1:
            raise ValueError(
                f"when={self.when!r}, count={self.count}: accepted are before or after, 1 or more"
            )


class Faults:
    """The faults that are still to happen. Safe for several threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let it happen as soon as it can."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Take all of them away."""
        with self._lock:
            self._faults.clear()

    def take(self, kind: str, firehose: str, when: str | None = None) -> Fault | None:
        """A fault that happens now, if there is one; it is used up."""
        with self._lock:
            for fault in self._faults:
                meant = fault.firehose in (ANY, firehose) and when in (None, fault.when)
                if fault.kind == kind and meant:
                    fault.count -= 1
                    if not fault.count:
                        self._faults.remove(fault)
                    return fault
        return None
