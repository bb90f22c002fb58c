"""Which index an event lies in, and what indices and aliases are called.

An `_id` is unique within one index only, and a duplicate may come in another batch, days later. So the index
depends on nothing but the event: on its type and on the period that its event time falls into. For the same
reason nothing here rolls over by size.

Names: lower case, at most 255 bytes (docs.opensearch.org/latest/api-reference/index-apis/create-index,
"index naming restrictions", read 2026-11). A table's name has letters, digits and underscores only, so no
pattern matches another table's indices.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Final, Literal, get_args

Period = Literal["day", "month", "year"]
PERIODS: Final[tuple[Period, ...]] = get_args(Period)

_FORMATS: dict[Period, str] = {"day": "{0:%Y.%m.%d}", "month": "{0:%Y.%m}", "year": "{0:%Y}"}

MOST_TABLE_CHARACTERS = 150
"""Of a table's name within an index's; a longer one is cut and told apart by its hash."""

MOST_PREFIX_CHARACTERS = 80
"""Leaves room for the table and the period within 255 bytes."""


@dataclass(frozen=True, slots=True)
class Indices:
    """The names of a sink's indices: `<prefix>-<table>-<period>`, as in `sluice-dev-page_view-2026.11`."""

    prefix: str
    period: Period = "month"
    since: date = date(2020, 1, 1)
    """The events before this day share one index a table: a clock that is years behind makes no others."""
    ahead_days: int = 366
    """So far an event may lie after its record's arrival: a wrong clock must not make indices without end,
    nor long before their time, as retention goes by an index's age."""

    def name(self, table: str, moment: datetime) -> str:
        """Return the index of an event that happened at `moment`, in UTC."""
        if moment < datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC):
            return self.before(table)
        return f"{self.alias(table)}-{_FORMATS[self.period].format(moment)}"

    def before(self, table: str) -> str:
        """Return the index of all events before `since`."""
        return f"{self.alias(table)}-before-{self.since.isoformat()}"

    def alias(self, table: str) -> str:
        """Return the alias under which all indices of a table are read."""
        lower = table.lower()
        if len(lower) > MOST_TABLE_CHARACTERS:
            lower = f"{lower[: MOST_TABLE_CHARACTERS - 9]}_{sha256(lower.encode()).hexdigest()[:8]}"
        return f"{self.prefix}-{lower}"

    def pattern(self, table: str) -> str:
        """Return the pattern that all indices of a table match, and no other's."""
        return f"{self.alias(table)}-*"

    @property
    def everything(self) -> str:
        """The alias under which the indices of all tables are read."""
        return self.prefix
