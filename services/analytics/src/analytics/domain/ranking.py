"""The order of operators and channels: by estimates that say little where little is known.

The share of few answers is drawn towards the share of all: (x + m·p)/(n + m), with x of n satisfied and p of
all. It is the mean of a Beta distribution that began as all are spread, whose weight m follows by the method
of moments from how much more they differ than chance alone would have them differ.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

LEAST_RANKED: Final = 5
"""Under so many of them there is no order."""

K = TypeVar("K", bound=Hashable)


class Answers(NamedTuple):
    """How many of `n` answers were satisfied."""

    hits: int
    n: int


def weight(parts: Sequence[Answers]) -> float:
    """The weight m = p(1 - p)/τ² - 1, where τ² is the variance of the true shares.

    At most the number of all answers. τ² by moments: Joel C. Kleinman, "Proportions with Extraneous Variance:
    Single and Independent Samples", Journal of the American Statistical Association 68, 1973, pp. 46-54. The
    answers themselves are the weights; where the shares differ no more than by chance, τ² is 0 and m as large
    as it may be.
    """
    counted = [part for part in parts if part.n]
    total = sum(part.n for part in counted)
    overall = sum(part.hits for part in counted) / total if total else 0.0
    chance = overall * (1 - overall)
    between = sum((1 - part.n / total) * (part.n - 1) for part in counted)
    if not chance or between <= 0:
        return float(total)
    spread = sum(part.n * (part.hits / part.n - overall) ** 2 for part in counted) / chance
    # τ²/(p(1 - p)): 0 if they differ by chance alone, 1 if each is wholly satisfied or not at all.
    extraneous = min(1.0, max(0.0, (spread - (len(counted) - 1)) / between))
    return min(float(total), 1 / extraneous - 1) if extraneous else float(total)


def estimates(parts: Mapping[K, Answers]) -> dict[K, float]:
    """The estimate of each part that has answers, as a fraction."""
    total = sum(part.n for part in parts.values())
    if not total:
        return {}
    overall, m = sum(part.hits for part in parts.values()) / total, weight(list(parts.values()))
    return {key: (part.hits + m * overall) / (part.n + m) for key, part in parts.items() if part.n}


def ranks(estimated: Mapping[K, float]) -> dict[K, int]:
    """The places of those that are ranked, 1 for the highest estimate; equal ones share a place.

    Empty if there are fewer than five.
    """
    if len(estimated) < LEAST_RANKED:
        return {}
    values = sorted(estimated.values(), reverse=True)
    return {key: values.index(value) + 1 for key, value in estimated.items()}
