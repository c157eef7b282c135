"""The numbers of every page, export and endpoint, from summed counters; the parts add up to the whole.

The results are pydantic models with descriptions on purpose: each number is defined once, beside the sum that
makes it, and OpenAPI shows that definition. A second set of shapes in `api` could only say it otherwise.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from analytics.domain.counting import Counts, ScaleKey, reason_key, scores_of
from analytics.domain.intervals import Sample, of_mean, wilson
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason

MINIMUM_N: Final = 20
WIDE: Final = 101
TOO_FEW: Final = "Whether n is under the minimum, so that the value says little."
LOW_OF_MEAN: Final = (
    "The lower bound of the average's 95 % interval, mean ± 1.96 s/√n, cut at the scale's ends; null for less"
    " than two answers."
)
HIGH_OF_MEAN: Final = "The upper bound of the interval."
OFFERED: Final = tuple(
    state for state in CloseState if state not in {CloseState.UNDECIDED, CloseState.NOT_OFFERED}
)


BUT_GIVEN: Final = tuple(state for state in CloseState if state is not CloseState.GIVEN)
NOT_OFFERED_KEYS: Final = [(each, reason_key(CloseState.NOT_OFFERED, each)) for each in NotOfferedReason]
CANCELLED_KEYS: Final = [(each, reason_key(CloseState.CANCELLED, each)) for each in CancelledReason]

Scores = Mapping[int, int]
"""How many answers gave each score of one scale."""


class Number(BaseModel):
    """A frozen part of the numbers."""

    model_config = ConfigDict(frozen=True)


class Share(Number):
    """A percentage (0 to 100) of `n` with its Wilson 95 % interval; null if there is nothing to divide by."""

    value: float | None = Field(ge=0, le=100, description="In per cent.", examples=[87.5])
    n: int = Field(ge=0, description="What is divided by.", examples=[24])
    low: float | None = Field(ge=0, le=100, examples=[69.0], description="The lower bound of the interval.")
    high: float | None = Field(ge=0, le=100, description="The upper bound of the interval.", examples=[95.7])
    too_few: bool = Field(description=TOO_FEW)


class Bounds(Number):
    """What csat would be if all clients who settled without an answer were of one mind."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    from_: float = Field(
        alias="from", description="In per cent: had all of them been unsatisfied.", examples=[61.8]
    )
    to: float = Field(description="In per cent: had all of them been satisfied.", examples=[91.2])
    n: int = Field(description="Settled forms: given, declined, expired.", examples=[34])


class NormalisedAverage(Number):
    """The average of all scores, each moved to 0 (lowest) to 100 (highest) of its own scale."""

    value: float | None = Field(description="0 to 100.", examples=[84.4])
    n: int = Field(ge=0, description="How many answers.", examples=[24])
    low: float | None = Field(description=LOW_OF_MEAN, examples=[76.3])
    high: float | None = Field(description=HIGH_OF_MEAN, examples=[92.5])
    too_few: bool = Field(description=TOO_FEW)


class ScoreCount(Number):
    """How many answers gave one score."""

    score: int = Field(description="A score of the scale.", examples=[5])
    n: int = Field(ge=0, description="How many answers gave it.", examples=[14])


class ScaleNumbers(Number):
    """The answers on one scale: how many, their average, and how they spread over its scores."""

    name: str = Field(description="The scale's name.", examples=["stars"])
    lowest: int = Field(description="Its lowest score.", examples=[1])
    highest: int = Field(description="Its highest score.", examples=[5])
    n: int = Field(ge=0, description="How many answers.", examples=[24])
    average: float | None = Field(description="On the scale itself; null without answers.", examples=[4.375])
    low: float | None = Field(description=LOW_OF_MEAN, examples=[4.05])
    high: float | None = Field(description=HIGH_OF_MEAN, examples=[4.7])
    too_few: bool = Field(description=TOO_FEW)
    distribution: tuple[ScoreCount, ...] = Field(
        description="Every score, the lowest first; of a scale of over a hundred only those given."
    )


class Unrated(Number):
    """Closes without a rating, by state, and by reason where a state has reasons."""

    total: int = Field(ge=0, description="closed - given", examples=[40])
    by_state: dict[CloseState, int] = Field(
        description="Every state but given.", examples=[{"not_offered": 30, "expired": 10}]
    )
    not_offered_by_reason: dict[NotOfferedReason, int] = Field(
        description="Every reason; they add up to not_offered.", examples=[{"no_reply": 28, "spam": 2}]
    )
    cancelled_by_reason: dict[CancelledReason, int] = Field(
        description="Every reason; they add up to cancelled.", examples=[{"reopened": 0, "erased": 0}]
    )


class Numbers(Number):
    """`closed = undecided + not_offered + offered_total`; a dialog closed twice counts twice."""

    closed: int = Field(description="Every close but those that are excluded.", examples=[64])
    excluded: int = Field(description="Closes that supervisors left out of all other numbers.", examples=[0])
    undecided: int = Field(description="Closed, and rating has published nothing yet.", examples=[0])
    not_offered: int = Field(description="Closed, and no form was made.", examples=[30])
    offered_total: int = Field(description="The seven states of a form that was made.", examples=[34])
    scheduled: int = Field(description="The form is shown later.", examples=[0])
    pending: int = Field(description="The form waits for an answer.", examples=[0])
    given: int = Field(description="Answered.", examples=[24])
    declined: int = Field(description="The client said no, thanks.", examples=[0])
    expired: int = Field(description="The time to answer is over.", examples=[10])
    cancelled: int = Field(description="Reopened or erased before an answer.", examples=[0])
    undeliverable: int = Field(description="There was no way left to ask.", examples=[0])
    satisfied: int = Field(description="Answers at or above the threshold of their own form.", examples=[21])
    commented: int = Field(description="Answers with a comment, erased or not.", examples=[9])
    csat: Share = Field(description="satisfied / given")
    bounds: Bounds | None = Field(description="Bounds by silence of csat; null without settled forms.")
    response_rate: Share = Field(description="given / (given + declined + expired)")
    coverage: Share = Field(description="offered_total / closed")
    average_normalised: NormalisedAverage = Field(description="Over all scales.")
    scales: tuple[ScaleNumbers, ...] = Field(description="An entry per scale that was answered on.")
    unrated: Unrated = Field(description="Closes without a rating.")


def share(hits: int, n: int, minimum: int = MINIMUM_N) -> Share:
    """hits/n in per cent with its interval."""
    if n == 0:
        return Share(value=None, n=0, low=None, high=None, too_few=True)
    low, high = wilson(hits, n)
    return Share(value=100 * hits / n, n=n, low=100 * low, high=100 * high, too_few=n < minimum)


def numbers(counts: Counts, minimum: int = MINIMUM_N) -> Numbers:
    """All numbers of one set of closes; under `minimum` answers a number is marked as too few."""
    state = {each: counts.get(each, 0) for each in CloseState}
    given, offered = state[CloseState.GIVEN], sum(state[each] for each in OFFERED)
    settled, satisfied = settled_of(counts), counts["satisfied"]
    answers = scores_of(counts)
    return Numbers(
        closed=counts["closed"],
        excluded=counts["excluded"],
        offered_total=offered,
        satisfied=satisfied,
        commented=counts["commented"],
        csat=share(satisfied, given, minimum),
        bounds=bounds(satisfied, given, settled),
        response_rate=share(given, settled, minimum),
        coverage=share(offered, counts["closed"], minimum),
        average_normalised=normalised(answers, minimum),
        scales=tuple(scale_numbers(key, scores, minimum) for key, scores in answers.items()),
        unrated=unrated(counts),
        **state,
    )


def settled_of(counts: Counts) -> int:
    """Forms whose client has answered, or won't any more."""
    return sum(counts[state] for state in (CloseState.GIVEN, CloseState.DECLINED, CloseState.EXPIRED))


def bounds(satisfied: int, given: int, settled: int) -> Bounds | None:
    """The range of csat, by what those who said nothing may think."""
    if not settled:
        return None
    highest = satisfied + settled - given
    return Bounds(from_=100 * satisfied / settled, to=100 * highest / settled, n=settled)


def unrated(counts: Counts) -> Unrated:
    """The closes without a rating, by state and reason."""
    return Unrated(
        total=counts["closed"] - counts[CloseState.GIVEN],
        by_state={state: counts.get(state, 0) for state in BUT_GIVEN},
        not_offered_by_reason={reason: counts.get(key, 0) for reason, key in NOT_OFFERED_KEYS},
        cancelled_by_reason={reason: counts.get(key, 0) for reason, key in CANCELLED_KEYS},
    )


def scale_numbers(key: ScaleKey, scores: Scores, minimum: int) -> ScaleNumbers:
    """Count, average and distribution on one scale; scores that nobody gave are there with 0."""
    sample = sample_of(scores.items())
    low, high = cut_interval(sample, key.lowest, key.highest)
    return ScaleNumbers(
        name=key.scale,
        lowest=key.lowest,
        highest=key.highest,
        n=sample.n,
        average=sample.mean if sample.n else None,
        low=low,
        high=high,
        too_few=sample.n < minimum,
        distribution=tuple(
            ScoreCount(score=score, n=scores.get(score, 0)) for score in shown_scores(key, scores)
        ),
    )


def shown_scores(key: ScaleKey, scores: Scores) -> list[int]:
    """Every score of the scale, in order; of a very wide scale only those that were given."""
    narrow = key.highest - key.lowest < WIDE
    return sorted({*scores, *range(key.lowest, key.highest + 1)} if narrow else scores)


def all_scores(answers: Mapping[ScaleKey, Scores]) -> Sample:
    """All scores, each from 0 to 100; a scale of a single score cannot be stretched, and is left out."""
    return sample_of(
        (100 * (score - key.lowest) / (key.highest - key.lowest), n)
        for key, scores in answers.items()
        if key.highest > key.lowest
        for score, n in scores.items()
    )


def sample_of(values: Iterable[tuple[float, int]]) -> Sample:
    """A sample of values, each with how often it is there."""
    counted = list(values)
    n = sum(count for _, count in counted)
    mean = sum(value * count for value, count in counted) / n if n else 0.0
    squares = sum((value - mean) ** 2 * count for value, count in counted)
    return Sample(n, mean, squares / (n - 1) if n > 1 else 0.0)


def cut_interval(sample: Sample, lowest: float, highest: float) -> tuple[float | None, float | None]:
    """The interval of a mean that lies from `lowest` to `highest`; two times None if nobody knows it."""
    interval = of_mean(sample)
    return (max(lowest, interval[0]), min(highest, interval[1])) if interval else (None, None)


def normalised(answers: Mapping[ScaleKey, Scores], minimum: int) -> NormalisedAverage:
    """The average over mixed scales."""
    sample = all_scores(answers)
    low, high = cut_interval(sample, 0, 100)
    return NormalisedAverage(
        value=sample.mean if sample.n else None, n=sample.n, low=low, high=high, too_few=sample.n < minimum
    )
