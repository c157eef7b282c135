"""`python -m tests.pictures.moved chat`: a service whose time is moved by as much as a file says.

What its clients do then lies in the past, as if it had been running for weeks.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import analytics.app
import chat.app
import rating.app
from analytics.settings import AnalyticsSettings
from chassis.service import main
from chat.settings import ChatSettings
from contracts.envelope import to_milliseconds
from rating.settings import RatingSettings

FILE = "CANDOR_PICTURES_CLOCK"


class MovedClock:
    """The host's time, moved by the seconds that the file holds; they may change at any time."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """The moved time in UTC, in whole milliseconds."""
        return to_milliseconds(datetime.now(UTC) + timedelta(seconds=float(self._file.read_text())))


def run(service: str) -> int:
    """Serves; returns the exit code."""
    clock = MovedClock(Path(os.environ[FILE]))
    match service:
        case "chat":
            return main(ChatSettings, partial(chat.app.build, clock=clock), arguments=[])
        case "rating":
            return main(RatingSettings, partial(rating.app.build, clock=clock), arguments=[])
        case _:
            return main(AnalyticsSettings, partial(analytics.app.build, clock=clock), arguments=[])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1]))
