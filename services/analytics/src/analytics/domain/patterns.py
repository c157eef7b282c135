"""What is odd about how an operator's ratings came about? A question to somebody, never a verdict.

Three shares per operator: forms withdrawn by a reopening, first contacts, and ratings in bursts. A share is
odd if it lies above the funnel limit around that of all operators (`funnel`), and at least ten points above
it: of thousands of closes the limit alone would find what nobody need ask about, and busy people have more
bursts than others. Three shares are looked at, so each limit leaves out a third of what one alone would.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import Field

from analytics.domain.funnel import TAIL_998, lower_tail
from analytics.domain.numbers import MINIMUM_N, Number, Share, share

BURST: Final = 5
"""So many ratings of one operator, the one that is looked at among them, ..."""

BURST_MINUTES: Final = 5
"""... so near to it, before or after, make it one of a burst."""

LEAST_APART: Final = 0.1


class Pattern(StrEnum):
    """What may be odd."""

    WITHDRAWN = "withdrawn"
    FIRST_CONTACTS = "first_contacts"
    BURSTS = "bursts"


TOGETHER: Final[Mapping[Pattern, int]] = {
    Pattern.WITHDRAWN: 1,
    Pattern.FIRST_CONTACTS: 1,
    Pattern.BURSTS: BURST,
}
"""How many come together at least: of bursts the limit is that of a fifth of the ratings."""


class Part(NamedTuple):
    """How many of `n` show a pattern."""

    hits: int
    n: int


PatternCounts = Mapping[Pattern, Part]

ABOUT_WITHDRAWN: Final = "Forms cancelled because the dialog was reopened / offered_total"
ABOUT_FIRST_CONTACTS: Final = (
    "Ratings whose client had rated nothing else in the same channel in the 90 days before, as far as teams"
    " are asked for that it counted for / given"
)
ABOUT_BURSTS: Final = (
    "Ratings that at least four others of the same operator came within five minutes of, before or after"
    " / given"
)


class PatternShare(Share):
    """The share of an operator, and how high it may be."""

    limit: float | None = Field(
        description="In per cent, the highest share that is not odd; null if n is too few to say.",
        examples=[16.7],
    )


class PatternShares(Number):
    """The shares of all operators together."""

    withdrawn: Share = Field(description=ABOUT_WITHDRAWN)
    first_contacts: Share = Field(description=ABOUT_FIRST_CONTACTS)
    bursts: Share = Field(description=ABOUT_BURSTS)


class PatternNumbers(Number):
    """The shares of one operator, and which of them are odd."""

    withdrawn: PatternShare = Field(description=ABOUT_WITHDRAWN)
    first_contacts: PatternShare = Field(description=ABOUT_FIRST_CONTACTS)
    bursts: PatternShare = Field(description=ABOUT_BURSTS)
    odd: tuple[Pattern, ...] = Field(
        description="Above their limits: something to ask about, not a verdict.", examples=[["withdrawn"]]
    )


def total(parts: Iterable[PatternCounts]) -> PatternCounts:
    """What all operators have together."""
    found = list(parts)
    return {
        each: Part(sum(part[each].hits for part in found), sum(part[each].n for part in found))
        for each in Pattern
    }


def whole_numbers(whole: PatternCounts, minimum: int = MINIMUM_N) -> PatternShares:
    """The shares of all operators."""
    return PatternShares(**{each.value: share(*whole[each], minimum) for each in Pattern})


def pattern_numbers(counts: PatternCounts, whole: PatternCounts, minimum: int = MINIMUM_N) -> PatternNumbers:
    """The shares of one operator, who is part of `whole`."""
    shares: dict[str, PatternShare] = {}
    odd: list[Pattern] = []
    for each in Pattern:
        hits, n = counts[each]
        limit = highest(n, whole[each], TOGETHER[each]) if n >= max(1, minimum) else None
        shares[each.value] = PatternShare(
            **dict(share(hits, n, minimum)), limit=None if limit is None else 100 * limit / n
        )
        if limit is not None and hits > limit:
            odd.append(each)
    return PatternNumbers(**shares, odd=tuple(odd))


def highest(n: int, whole: Part, together: int = 1) -> int:
    """The most hits of `n` that are not odd; n must be over 0, and part of the whole."""
    share_of_all = whole.hits / whole.n
    return bisect_left(range(n + 1), 1, key=lambda hits: is_odd(hits, n, share_of_all, together)) - 1


def is_odd(hits: int, n: int, whole: float, together: int = 1) -> bool:
    """Whether hits/n is too far above `whole`, a fraction, to be chance; so many hits come `together`."""
    times, of = hits // together, n // together
    # Rounded: 0.2 + 0.1 is more than 0.3.
    if round(hits / n - whole, 9) < LEAST_APART or times <= of * whole:
        return False
    return lower_tail(of - times, of, 1 - whole) <= TAIL_998 / len(Pattern)
