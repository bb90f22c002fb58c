"""What the command tells the function, record by record, and what the function notes down.

A record is an `Order` as JSON: whose case it belongs to, its number there, and what the function is to do
about it. What is no JSON names its case in its first bytes, `probe RUN CASE NUMBER `.
"""

from typing import Any, Final, Literal

import msgspec

Act = Literal["", "raise", "fail", "answer", "hold", "grow", "stateless", "raise-at-end"]
"""What the function does about a record, as often as `times` says:

raise: it raises. fail: it names the record in `batchItemFailures`. answer: it answers `say` as it stands.
hold: it waits until the case is released. grow: it adds `size` bytes to the window's state. stateless: it
answers without a state. raise-at-end: it raises in the final call of the record's window.
"""

ALWAYS: Final = 1_000
"""More often than any mapping tries."""

OLDEST_SECONDS: Final = 900.0
"""Records that arrived before are of a run that was cut off: nothing is done about them any more."""

MOST_HOLD_SECONDS: Final = 40.0

OTHER: Final = b"probe "
RELEASED: Final = "released"
"""What the journal has, after a case's name, once its hold is to end."""


class Order(msgspec.Struct, omit_defaults=True):
    """One record of a case; `x` is what filters look at."""

    to: str
    run: str
    case: str
    n: int
    act: Act = ""
    times: int = 1
    say: Any = None
    size: int = 0
    pad: str = ""
    x: Any = msgspec.UNSET


class Record(msgspec.Struct, omit_defaults=True):
    """A record as the function was given it; `inside` has the numbers of what an aggregate carries.

    `arrived` is in epoch seconds as it stood in the event, `data` the length of its base64.
    """

    n: int
    sequence: str
    arrived: Any
    key: str
    data: int = 0
    kind: Literal["order", "aggregate", "other"] = "order"
    inside: list[int] = []


class Window(msgspec.Struct):
    """What an event said of its tumbling window; `state` is what it held of the case, without padding."""

    start: str
    end: str
    final: bool
    early: bool
    state: dict[str, Any]
    state_bytes: int


class Seen(msgspec.Struct, omit_defaults=True):
    """One invocation, as far as it was about a case: times in epoch seconds, sizes in bytes.

    `batch` is how many records the event had in all, `shape` the names of the first one's fields.
    """

    at: float
    request: str
    source: str
    shard: str
    records: list[Record]
    batch: int
    size: int
    shape: list[str] = []
    window: Window | None = None
    answer: str = ""

    @property
    def numbers(self) -> list[int]:
        """The case's records that were in it, in their order."""
        return [each.n for each in self.records]
