"""What became of something that was sent."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

Reason = TypeVar("Reason")


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side has taken it."""


@dataclass(frozen=True, slots=True)
class TryAgain(Generic[Reason]):
    """Not taken, or nobody knows; the same again may go well.

    `reason` is a code, `status` the number that the other side answered with, if any; no words of theirs,
    which may quote addresses. `after` is how long they asked to be left alone.
    """

    reason: Reason
    status: int | None = None
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Never(Generic[Reason]):
    """Refused for good: the same again would be refused again."""

    reason: Reason
    status: int | None = None
