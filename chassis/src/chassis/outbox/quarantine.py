"""Streams that failed on their own: kept apart so that they hold up no other, and tried again one by one."""

import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 15.0


@dataclass(frozen=True)
class _Stay:
    wait: float
    due: float


class Quarantine:
    """Waits double from half a second to fifteen with every failure of a stream."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stays: dict[str, _Stay] = {}
        self._monotonic = monotonic

    @property
    def streams(self) -> frozenset[str]:
        """All streams that are kept apart."""
        return frozenset(self._stays)

    def park(self, stream: str) -> None:
        """The stream failed, for the first time or again."""
        before = self._stays.get(stream)
        wait = min(before.wait * 2, LONGEST_WAIT_SECONDS) if before else FIRST_WAIT_SECONDS
        self._stays[stream] = _Stay(wait, self._monotonic() + wait)

    def release(self, stream: str) -> None:
        """The stream did well, or is somebody else's now."""
        self._stays.pop(stream, None)

    def due(self) -> list[str]:
        """The streams to try now."""
        return [stream for stream, stay in self._stays.items() if stay.due <= self._monotonic()]

    def all_due(self) -> None:
        """What made them fail may have been the world, and it is well again."""
        self._stays = {stream: _Stay(stay.wait, 0.0) for stream, stay in self._stays.items()}
