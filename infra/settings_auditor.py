"""Settings of the auditor: see infra/settings.py."""

from typing import Annotated

from infra import limits
from infra.settings_functions import FunctionSettings, Whole


class AuditorSettings(FunctionSettings):
    """The function that audits the books by the clock: how often, how far back, and up to when."""

    enabled: bool = True
    minutes: Annotated[Whole, limits.AUDIT_MINUTES] = 15
    hours: Annotated[Whole, limits.AUDIT_HOURS] = 2
    grace_minutes: Annotated[Whole, limits.AUDIT_GRACE_MINUTES] = 10
    timeout_seconds: Annotated[Whole, limits.TIMEOUT_SECONDS] = 300
