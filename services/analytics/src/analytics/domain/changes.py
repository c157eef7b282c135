"""Has it changed? Numbers of a period beside those of another, and whether the difference may be chance."""

from typing import NamedTuple

from pydantic import Field

from analytics.domain.counting import Counts, scores_of
from analytics.domain.intervals import Z_95, Z_998, Interval, Sample, newcombe, welch
from analytics.domain.numbers import MINIMUM_N, Number, all_scores, sample_of, settled_of
from contracts.ratings import CloseState


class Change(Number):
    """A difference to the other period, with its interval; it is clear if the interval leaves out zero."""

    value: float = Field(description="Now less before: points of 100, or of the scale.", examples=[2.1])
    low: float | None = Field(
        description="The lower bound; null if nobody knows the spread.", examples=[-3.0]
    )
    high: float | None = Field(description="The upper bound of the interval.", examples=[7.2])
    confidence: float = Field(
        description="Of the interval, in per cent: 99.8 while the period is running, because it is looked at"
        " again and again, else 95.",
        examples=[95.0],
    )
    too_few: bool = Field(description="Whether n is under the minimum in one of the periods.")
    clear: bool = Field(description="Whether it is a clear change; else it may be chance, or n is too few.")


class ScaleChange(Number):
    """How the average on one scale has changed, if both periods have answers on it."""

    name: str = Field(description="The scale's name.", examples=["stars"])
    lowest: int = Field(description="Its lowest score.", examples=[1])
    highest: int = Field(description="Its highest score.", examples=[5])
    average: Change = Field(description="In points of the scale; Welch's interval (1947).")


class CountChange(Number):
    """A count is no estimate: it has changed by what it has changed by."""

    value: int = Field(description="Now less before.", examples=[69])
    percent: float | None = Field(description="Of what was before; null if that was 0.", examples=[6.03])


class Changes(Number):
    """What has changed against the other period; null where one of them has nothing to divide by."""

    csat: Change | None = Field(description="In points of 100; Newcombe's interval (1998, method 10).")
    response_rate: Change | None = Field(
        description="In points of 100; Newcombe's interval, from all forms that are still open staying"
        " unanswered to all of them being answered."
    )
    average_normalised: Change | None = Field(description="In points of 0 to 100; Welch's interval (1947).")
    scales: tuple[ScaleChange, ...] = Field(
        description="An entry per scale that both periods have answers on."
    )
    closed: CountChange = Field(description="The number of closes.")


def changes(now: Counts, before: Counts, *, running: bool, minimum: int = MINIMUM_N) -> Changes:
    """How `now` differs from `before`; `running` if the period isn't over."""
    asked = _Asked(running, minimum)
    answers, earlier = scores_of(now), scores_of(before)
    difference = now["closed"] - before["closed"]
    return Changes(
        csat=asked.of_shares(_satisfied(now), _satisfied(before)),
        response_rate=asked.of_shares(_answered(now), _answered(before)),
        average_normalised=asked.of_means(all_scores(answers), all_scores(earlier)),
        scales=tuple(
            ScaleChange(name=key.scale, lowest=key.lowest, highest=key.highest, average=change)
            for key, scores in answers.items()
            if key in earlier
            if (change := asked.of_means(sample_of(scores.items()), sample_of(earlier[key].items())))
        ),
        closed=CountChange(
            value=difference, percent=100 * difference / before["closed"] if before["closed"] else None
        ),
    )


class _Proportion(NamedTuple):
    """So many of n; and so many that may still become one of the n, and of the hits."""

    hits: int
    n: int
    still_open: int = 0


def _satisfied(counts: Counts) -> _Proportion:
    return _Proportion(counts["satisfied"], counts[CloseState.GIVEN])


def _answered(counts: Counts) -> _Proportion:
    """Answers come within minutes, silence is known days later: what settles early is mostly answers."""
    still_open = sum(
        counts[state] for state in (CloseState.UNDECIDED, CloseState.SCHEDULED, CloseState.PENDING)
    )
    return _Proportion(counts[CloseState.GIVEN], settled_of(counts), still_open)


class _Asked:
    """At which level, and from which n on, a change is clear."""

    def __init__(self, running: bool, minimum: int) -> None:  # noqa: FBT001 - one caller, by name
        self._z = Z_998 if running else Z_95
        self._confidence = 99.8 if running else 95.0
        self._minimum = minimum

    def of_shares(self, now: _Proportion, before: _Proportion) -> Change | None:
        """Of two shares, in points of 100; the interval allows for every end of what is still open."""
        if not now.n or not before.n:
            return None
        n, n_before = now.n + now.still_open, before.n + before.still_open
        low, _ = newcombe(now.hits, n, before.hits + before.still_open, n_before, self._z)
        _, high = newcombe(now.hits + now.still_open, n, before.hits, n_before, self._z)
        value = now.hits / now.n - before.hits / before.n
        return self._change(100 * value, (100 * low, 100 * high), now.n, before.n)

    def of_means(self, now: Sample, before: Sample) -> Change | None:
        """Of two means."""
        if not now.n or not before.n:
            return None
        return self._change(now.mean - before.mean, welch(now, before, self._z), now.n, before.n)

    def _change(self, value: float, interval: Interval | None, n: int, n_before: int) -> Change:
        low, high = interval or (None, None)
        few = min(n, n_before) < self._minimum
        return Change(
            value=value, low=low, high=high, confidence=self._confidence, too_few=few,
            clear=bool(not few and interval and (interval[0] > 0 or interval[1] < 0)),
        )  # fmt: skip
