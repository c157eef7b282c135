"""Operators and channels beside one another: the numbers of each, what stands out, and their order."""

from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

from pydantic import Field

from analytics.domain.counting import Counts
from analytics.domain.funnel import FunnelPosition, position
from analytics.domain.numbers import MINIMUM_N, Number, Share, settled_of, share
from analytics.domain.ranking import Answers, estimates, ranks
from contracts.ratings import CloseState

K = TypeVar("K", bound=Hashable)

FUNNEL: Final = (
    "Where csat lies by the funnel limits around that of the whole (Spiegelhalter 2005); null if n is too"
    " few to say."
)


class RowNumbers(Number):
    """The numbers of one of the parts of a whole; the parts add up to it."""

    closed: int = Field(description="Every close.", examples=[168])
    given: int = Field(description="Answered.", examples=[65])
    satisfied: int = Field(description="Answers at or above the threshold of their own form.", examples=[62])
    csat: Share = Field(description="satisfied / given")
    response_rate: Share = Field(description="given / (given + declined + expired)")
    funnel: FunnelPosition | None = Field(description=FUNNEL)
    estimate: float | None = Field(
        description="In per cent, what the order goes by: csat drawn towards that of the whole, the more the"
        " fewer the answers, (x + m·p)/(n + m); null without answers.",
        examples=[93.1],
    )
    rank: int | None = Field(
        description="The place by the estimate, 1 for the highest; null if n is too few, for nobody, and for"
        " all if fewer than five could be ranked.",
        examples=[1],
    )


def funnel_of(counts: Counts, whole: Counts, minimum: int = MINIMUM_N) -> FunnelPosition | None:
    """Where the csat of a part lies around that of the whole; None if it has too few answers to say."""
    given, of_all = counts[CloseState.GIVEN], whole[CloseState.GIVEN]
    if given < max(1, minimum) or not of_all:
        return None
    return position(counts["satisfied"], given, whole["satisfied"] / of_all)


def row_numbers(
    parts: Mapping[K, Counts], whole: Counts, minimum: int = MINIMUM_N, unranked: frozenset[K] = frozenset()
) -> dict[K, RowNumbers]:
    """The numbers of each part of the whole: first those with a place, then the others by their answers."""
    answers = {key: Answers(counts["satisfied"], counts[CloseState.GIVEN]) for key, counts in parts.items()}
    estimated = estimates(answers)
    able = {
        key: value for key, value in estimated.items() if answers[key].n >= minimum and key not in unranked
    }
    places = ranks(able)
    ordered = sorted(
        parts, key=lambda key: (places.get(key, len(places) + 1), -answers[key].n, -parts[key]["closed"])
    )
    return {
        key: row(parts[key], whole, minimum, estimated.get(key), places.get(key))
        for key in [*(key for key in ordered if key in able), *(key for key in ordered if key not in able)]
    }


def row(counts: Counts, whole: Counts, minimum: int, estimate: float | None, rank: int | None) -> RowNumbers:
    """The numbers of one part; `estimate` is a fraction."""
    given = counts[CloseState.GIVEN]
    return RowNumbers(
        closed=counts["closed"],
        given=given,
        satisfied=counts["satisfied"],
        csat=share(counts["satisfied"], given, minimum),
        response_rate=share(given, settled_of(counts), minimum),
        funnel=funnel_of(counts, whole, minimum),
        estimate=None if estimate is None else 100 * estimate,
        rank=rank,
    )
