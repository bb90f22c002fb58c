"""The server's idea of now, which a test may fix."""

import datetime as dt


class ServerClock:
    """The system's clock, or a fixed moment."""

    def __init__(self) -> None:
        self._fixed: dt.datetime | None = None

    def now(self) -> dt.datetime:
        """Return the current moment in UTC."""
        return self._fixed or dt.datetime.now(dt.UTC)

    def fix(self, moment: dt.datetime | None) -> None:
        """Stand still at a moment, or go on with the system's clock when it is None."""
        self._fixed = moment
