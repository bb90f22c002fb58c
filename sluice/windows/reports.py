"""What one invocation of the aggregator did, for logs and metrics; holds no payload."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class WindowReport:
    """One shard's part of an invocation, or the census that the schedule takes.

    `states` counts records that this call took in; `segments` were committed, `spilled` of them because the
    state was full. `recovered` records were read from the stream again, because their state was lost;
    `lost` says that some had left the stream. `state_bytes` is the size of the answer, and `near_limit` warns
    of it. `lag` are the seconds from the completeness watermark to now; `unwatermarked` says that it could
    not be taken. `failed` is why the call is repeated, `trouble` what else went wrong. `first` and `last`
    are the positions of its own records, `oldest` is when the oldest of them arrived, in epoch seconds,
    and `named` tells of some that were refused or come again.
    """

    shard: str | None = None
    states: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    segments: int = 0
    spilled: int = 0
    recovered: int = 0
    lost: bool = False
    careful: bool = False
    redriven: bool = False
    near_limit: bool = False
    state_bytes: int | None = None
    lag: float | None = None
    unwatermarked: bool = False
    failed: str | None = None
    trouble: str | None = None
    first: str = ""
    last: str = ""
    oldest: float | None = None
    retried: int = 0
    unsent: int = 0
    named: list[Mapping[str, str]] = field(default_factory=list)
