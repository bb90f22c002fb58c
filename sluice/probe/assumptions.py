"""All that the probe tells about: one entry for each assumption of the local cloud."""

from collections.abc import Mapping
from typing import Final

from sluice.probe.assumed_batches import BATCHES
from sluice.probe.assumed_rows import ROWS
from sluice.probe.assumed_windows import WINDOWS_AND_FILTERS
from sluice.probe.assumption import Assumption

ASSUMPTIONS: Final = (*BATCHES, *WINDOWS_AND_FILTERS, *ROWS)

BY_ID: Final[Mapping[str, Assumption]] = {each.id: each for each in ASSUMPTIONS}
