"""What stands out? Shares outside of funnel limits around the share of the whole that they are parts of.

David J. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24,
2005, pp. 1185-1202: limits are exact binomial quantiles of the whole's share at each n. A share lies outside
if, with the whole's share as its own, so few hits or fewer (so many or more) had at most half of what the
limits leave out as their chance.
"""

from enum import StrEnum
from math import exp, lgamma, log, log1p
from typing import Final

TAIL_95: Final = 0.025
TAIL_998: Final = 0.001
NEGLIGIBLE: Final = 1e-17


class FunnelPosition(StrEnum):
    """Where a share lies by the funnel limits: inside, or below or above those of 95 % or of 99.8 %."""

    BELOW_998 = "below_998"
    BELOW_95 = "below_95"
    INSIDE = "inside"
    ABOVE_95 = "above_95"
    ABOVE_998 = "above_998"


def position(hits: int, n: int, whole: float) -> FunnelPosition:
    """Where hits/n lies around `whole`, a fraction; n must be over 0."""
    is_below = hits < n * whole
    chance = lower_tail(hits, n, whole) if is_below else lower_tail(n - hits, n, 1 - whole)
    if chance <= TAIL_998:
        return FunnelPosition.BELOW_998 if is_below else FunnelPosition.ABOVE_998
    if chance <= TAIL_95:
        return FunnelPosition.BELOW_95 if is_below else FunnelPosition.ABOVE_95
    return FunnelPosition.INSIDE


def lower_tail(hits: int, n: int, share: float) -> float:
    """The chance of at most `hits` of `n`, each with the chance `share`: a sum of binomial terms.

    From the last term downwards, until what follows no longer matters: below the mean they shrink fast.
    """
    if share <= 0 or hits >= n:
        return 1.0
    if share >= 1:
        return 0.0
    if hits > n * share:
        return 1.0 - lower_tail(n - hits - 1, n, 1 - share)
    ways = lgamma(n + 1) - lgamma(hits + 1) - lgamma(n - hits + 1)
    term = total = exp(ways + hits * log(share) + (n - hits) * log1p(-share))
    odds = (1 - share) / share
    for left in range(hits, 0, -1):
        ratio = left / (n - left + 1) * odds
        term *= ratio
        total += term
        if ratio < 1 and term <= NEGLIGIBLE * total:
            break
    return min(total, 1.0)
