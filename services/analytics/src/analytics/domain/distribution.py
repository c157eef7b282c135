"""How answers spread over the scores of their scales, and why closes have no rating: parts that add up."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import ConfigDict, Field

from analytics.domain.counting import Counts, ScaleKey, reason_key, scores_of
from analytics.domain.numbers import MINIMUM_N, Number, Scores, Share, share
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason

MOST_SINGLE: Final = 11
GROUPS: Final = 10
"""Of the scores of a scale that has more than can be shown one by one."""

Reason = NotOfferedReason | CancelledReason
REASONS: Final[Mapping[CloseState, Iterable[Reason]]] = {
    CloseState.NOT_OFFERED: NotOfferedReason,
    CloseState.CANCELLED: CancelledReason,
}


class ScoreGroup(Number):
    """The answers with one score or, on a scale of more than eleven, with scores from one to another."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    from_: int = Field(alias="from", description="The lowest score.", examples=[5])
    to: int = Field(description="The highest score, which is one of them.", examples=[5])
    n: int = Field(ge=0, description="How many answers.", examples=[14])
    share: Share = Field(description="n / all answers on the scale")


class ScaleDistribution(Number):
    """How the answers on one scale spread over its scores."""

    name: str = Field(description="The scale's name.", examples=["stars"])
    lowest: int = Field(description="Its lowest score.", examples=[1])
    highest: int = Field(description="Its highest score.", examples=[5])
    n: int = Field(ge=0, description="How many answers.", examples=[24])
    groups: tuple[ScoreGroup, ...] = Field(
        description="Every score, the lowest first; ten groups at most on a scale of more than eleven."
    )


class UnratedRow(Number):
    """The closes without a rating that are in one state for one reason."""

    state: CloseState = Field(description="Any but given.", examples=["not_offered"])
    reason: Reason | None = Field(description="Of not_offered and cancelled.", examples=["no_reply"])
    n: int = Field(ge=0, description="How many closes.", examples=[28])
    share: Share = Field(description="n / closed")


def distribution(counts: Counts, minimum: int = MINIMUM_N) -> tuple[ScaleDistribution, ...]:
    """The distribution on each scale that was answered on."""
    return tuple(spread(key, scores, minimum) for key, scores in scores_of(counts).items())


def spread(key: ScaleKey, scores: Scores, minimum: int) -> ScaleDistribution:
    """The distribution on one scale; scores that nobody gave are there with 0."""
    width = key.highest - key.lowest + 1
    size = 1 if width <= MOST_SINGLE else -(-width // GROUPS)
    found: Counter[int] = Counter()
    for score, n in scores.items():
        found[(score - key.lowest) // size] += n
    groups = tuple(
        ScoreGroup(
            from_=start, to=min(start + size - 1, key.highest), n=found[index],
            share=share(found[index], found.total(), minimum),
        )
        for index, start in enumerate(range(key.lowest, key.highest + 1, size))
    )  # fmt: skip
    return ScaleDistribution(
        name=key.scale, lowest=key.lowest, highest=key.highest, n=found.total(), groups=groups
    )


def unrated_rows(counts: Counts, minimum: int = MINIMUM_N) -> tuple[UnratedRow, ...]:
    """Every close without a rating, in one row; the commonest first, without rows of nothing."""
    rows = [
        (state, reason, counts[state if reason is None else reason_key(state, reason)])
        for state in CloseState
        if state is not CloseState.GIVEN
        for reason in REASONS.get(state, [None])
    ]
    return tuple(
        UnratedRow(state=state, reason=reason, n=n, share=share(n, counts["closed"], minimum))
        for state, reason, n in sorted(rows, key=lambda row: -row[2])
        if n
    )
