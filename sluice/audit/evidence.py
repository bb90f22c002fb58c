"""What is found out about a sink, before anything is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sluice.audit.spans import Span


@dataclass(frozen=True, slots=True)
class Pointer:
    """A batch that Lambda gave up on: `count` records of a shard, from `first` to `last`.

    `cut` says that it arrived in part before or after the time that is audited.
    """

    shard: str
    first: int
    last: int
    count: int
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one event when it was redriven last; those out of one aggregate share its `sequence`."""

    shard: str
    sequence: int
    state: Literal["delivered", "dead_lettered", "skipped"]


@dataclass(frozen=True, slots=True)
class FilteredOut:
    """How many events the filter of a mapping dropped: they cost no invocation, so the ledger knows none.

    `doubt` says why that is not exact; None where it is. `passed` are the sequence numbers up to which the
    mapping is done with each shard, if known.
    """

    events: int
    doubt: str | None = None
    passed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found out about one sink.

    `found` counts the events in the sink itself (None where nothing can be counted), `letters` the distinct
    dead letters in the queue (None if there were too many to read), `behind` the events after the last closed
    batch of each shard (`behind_complete` is False when they were too many to count), which came in
    `behind_surplus` fewer records; `oldest` is when the first of those arrived. `parallel` says that the
    mapping works on several batches of a shard at once: their intervals interleave; `lagging` that some of
    these may lag behind the others, and what is missing between them is in flight. `filtered` is None where
    the mapping has no filter. `documents` are the distinct events in a search index, which keeps one of each;
    `ids` the distinct ids in a sink with rows, None unless all rows were counted; `notes` say why something
    could not be asked.
    """

    sink: str
    spans: Sequence[Span]
    found: int | None
    stream: str = ""
    duplicates: int = 0
    behind: int = 0
    behind_surplus: int = 0
    behind_complete: bool = True
    oldest: datetime | None = None
    parallel: bool = False
    lagging: bool = False
    letters: int | None = None
    pointers: Sequence[Pointer] = ()
    redriven: Sequence[Redriven] = ()
    filtered: FilteredOut | None = None
    documents: int | None = None
    ids: int | None = None
    notes: Sequence[str] = ()
