"""Settings of the probe: see infra/settings.py."""

from typing import Annotated

from infra import limits
from infra.settings_functions import FunctionSettings, Whole


class ProbeSettings(FunctionSettings):
    """What `sluice probe` asks the clouds with; not there unless it is wanted, for it costs by the hour."""

    enabled: bool = False
    timeout_seconds: Annotated[Whole, limits.PROBE_TIMEOUT_SECONDS] = 60
    tumbling_window_seconds: Annotated[Whole, limits.PROBE_WINDOW_SECONDS] = 10
