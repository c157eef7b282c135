"""Streams that failed on their own: parked so that they hold up no other, and tried again one by one."""

import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0


@dataclass(frozen=True)
class _Wait:
    seconds: float
    due: float


class Quarantine:
    """Waits double from half a second to fifteen with every failure of a stream."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._waits: dict[str, _Wait] = {}
        self._monotonic = monotonic

    @property
    def streams(self) -> frozenset[str]:
        """All streams that are parked."""
        return frozenset(self._waits)

    def park(self, stream: str) -> None:
        """The stream failed, for the first time or again."""
        before = self._waits.get(stream)
        wait = min(before.seconds * 2, LONGEST_WAIT_SECONDS) if before else FIRST_WAIT_SECONDS
        self._waits[stream] = _Wait(wait, self._monotonic() + wait)

    def release(self, stream: str) -> None:
        """The stream was relayed, or is another replica's now."""
        self._waits.pop(stream, None)

    def due(self) -> list[str]:
        """The streams to try now."""
        return [stream for stream, wait in self._waits.items() if wait.due <= self._monotonic()]

    def all_due(self) -> None:
        """They may have failed because of an outage that is over: all are due now."""
        self._waits = {stream: _Wait(wait.seconds, 0.0) for stream, wait in self._waits.items()}
