"""An endpoint that fails is left alone for a while: what else is due for it waits, and isn't tried."""

from datetime import datetime, timedelta
from typing import Final

LONGEST_PAUSE: Final = timedelta(minutes=1)


class EndpointPauses:
    """For 1, 3, 7 … seconds, a minute at most, after each failure in a row. By the names of endpoints."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._paused: dict[str, datetime] = {}

    def until(self, endpoint: str, now: datetime) -> datetime | None:
        """Until when nothing is sent there; None if it may be."""
        until = self._paused.get(endpoint)
        return until if until and now < until else None

    def failed(self, endpoint: str, now: datetime) -> None:
        """It did not take a message."""
        failures = self._failures[endpoint] = self._failures.get(endpoint, 0) + 1
        self._paused[endpoint] = now + min(timedelta(seconds=2 ** min(failures, 6) - 1), LONGEST_PAUSE)

    def worked(self, endpoint: str) -> None:
        """It has taken one."""
        self._failures.pop(endpoint, None)
