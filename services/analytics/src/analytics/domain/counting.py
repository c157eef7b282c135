"""What a close counts under; counters move by what it counted before and counts now, never by events."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias
from urllib.parse import quote, unquote

from analytics.domain.close import Close
from contracts.dialogs import DialogClosed
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason, Scale

# Zones with an offset of 30 or 45 minutes have their hours and days on quarter hours of UTC.
QUARTER = timedelta(minutes=15)

Counts: TypeAlias = "Counter[str]"
"""How often each name is counted: ``closed``, a state, ``state:reason``, ``satisfied``, ``commented``,
`ScaleKey`'s.
"""

CounterDelta: TypeAlias = "Counter[tuple[CounterKey, str]]"
"""Counts per cell; a negative count takes back."""


@dataclass(frozen=True)
class CounterKey:
    """Whom and when a close belongs to: its attribution, and the quarter hour (UTC) it was closed in."""

    channel: str
    operator: str | None
    team: str | None
    quarter: datetime


@dataclass(frozen=True)
class ScaleKey:
    """The names under which the answers on one scale are counted."""

    scale: str
    lowest: int
    highest: int

    @property
    def name(self) -> str:
        """A name without dots or dollars, which MongoDB would read as paths and operators."""
        return f"scale:{quote(self.scale, safe='').replace('.', '%2E')}:{self.lowest}:{self.highest}"

    @classmethod
    def of(cls, scale: Scale) -> "ScaleKey":
        """The scale without its threshold, which may differ between versions of one form."""
        return cls(scale.name, scale.lowest, scale.highest)

    def given(self, counts: Counts) -> set[int]:
        """The scores that somebody gave."""
        head = f"{self.name}:score:"
        return {int(name.removeprefix(head)) for name in counts if name.startswith(head) and counts[name]}

    def count(self, score: int) -> Counts:
        """One answer: ``…:n``, ``…:sum`` and ``…:score:<score>``."""
        return Counter({f"{self.name}:n": 1, f"{self.name}:sum": score, f"{self.name}:score:{score}": 1})


def reason_key(state: CloseState, reason: NotOfferedReason | CancelledReason) -> str:
    """The name under which the closes of a state are counted that are in it for this reason."""
    return f"{state}:{reason}"


def scales(counts: Counts) -> list[ScaleKey]:
    """The scales that `counts` holds answers of, in a fixed order."""
    heads = sorted(
        name for name in counts if name.startswith("scale:") and name.endswith(":n") and counts[name]
    )
    parts = [head.split(":") for head in heads]
    return [ScaleKey(unquote(name), int(lowest), int(highest)) for _, name, lowest, highest, _ in parts]


def count(close: Close) -> CounterDelta:
    """What one close counts: nothing before its `DialogClosed` was received."""
    closed = close.closed
    if closed is None:
        return Counter()
    cell = cell_of(closed)
    return Counter({(cell, name): n for name, n in counts_of(close).items()})


def cell_of(closed: DialogClosed) -> CounterKey:
    """Where a close is counted."""
    return CounterKey(closed.channel, closed.operator, closed.team, quarter_of(closed.closed_at))


def counts_of(close: Close) -> Counts:
    """The names that a counted close counts under."""
    reasons = [reason_key(close.state, close.reason)] if close.reason else []
    counts = Counter(["closed", close.state.value, *reasons])
    answer = close.answer
    if answer is not None:
        counts.update(ScaleKey.of(answer.scale).count(answer.score))
        counts["satisfied"] = int(answer.satisfied)
        if answer.comment is not None:
            counts["commented"] = 1
    return counts


def in_states(counts: Counts, states: Collection[CloseState]) -> Counts:
    """What the closes in these states count, of what all count: each name is of one state alone."""
    kept = Counter({name: n for name, n in counts.items() if state_of(name) in states})
    kept["closed"] = sum(counts[state] for state in states)
    return kept


def state_of(name: str) -> str:
    """The state of the closes that count under `name`; "closed" itself is of all."""
    head = name.partition(":")[0]
    return CloseState.GIVEN if head in {"scale", "satisfied", "commented"} else head


def difference(before: Close, after: Close) -> CounterDelta:
    """What the counters must move by when `before` became `after`; only what moves."""
    moved = count(after)
    moved.subtract(count(before))
    return Counter({key: n for key, n in moved.items() if n})


def quarter_of(moment: datetime) -> datetime:
    """The start of the quarter hour (UTC) that holds `moment`."""
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
