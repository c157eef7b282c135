"""Intervals of shares and means, and of their differences; each says where its formula comes from."""

from math import inf, sqrt
from typing import Final, NamedTuple

Z_95: Final = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution: both ends of a 95 % interval."""

Z_998: Final = 3.090232306167813
"""The 99.9 % quantile: both ends of a 99.8 % interval."""

Interval = tuple[float, float]


class Sample(NamedTuple):
    """Measured values: how many, their mean, and their variance (divided by n - 1; 0 of a single one)."""

    n: int
    mean: float
    variance: float


def wilson(hits: int, n: int, z: float = Z_95) -> Interval:
    """The interval of the share hits/n, as two fractions; n must be over 0.

    The score interval of Edwin B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", Journal of the American Statistical Association 22 (158), 1927, pp. 209-212; without
    continuity correction. Unlike p ± z·√(p(1-p)/n) it stays within 0 to 1 and holds for small n.
    """
    share, z2 = hits / n, z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # At 0 of n and n of n the bound is exactly 0 and 1; floating point misses them by a hair.
    return (0.0 if hits == 0 else middle - reach), (1.0 if hits == n else middle + reach)


def newcombe(hits: int, n: int, hits_before: int, n_before: int, z: float = Z_95) -> Interval:
    """The interval of hits/n - hits_before/n_before, as two fractions; both n must be over 0.

    Method 10 of Robert G. Newcombe, "Interval estimation for the difference between independent
    proportions: comparison of eleven methods", Statistics in Medicine 17, 1998, pp. 873-890: Wilson's bounds
    of both shares, squared and added; without continuity correction.
    """
    now, before = hits / n, hits_before / n_before
    low, high = wilson(hits, n, z)
    low_before, high_before = wilson(hits_before, n_before, z)
    down = sqrt((now - low) ** 2 + (high_before - before) ** 2)
    up = sqrt((high - now) ** 2 + (before - low_before) ** 2)
    return now - before - down, now - before + up


def of_mean(sample: Sample) -> Interval | None:
    """The 95 % interval mean ± 1.96 s/√n; None for less than two values, whose spread nobody knows."""
    if sample.n < 2:  # noqa: PLR2004 - a spread takes two
        return None
    reach = Z_95 * sqrt(sample.variance / sample.n)
    return sample.mean - reach, sample.mean + reach


def welch(now: Sample, before: Sample, z: float = Z_95) -> Interval | None:
    """The interval of the difference of two means, whose variances may differ; None below two values each.

    B. L. Welch, "The Generalization of 'Student's' Problem when Several Different Population Variances are
    Involved", Biometrika 34, 1947, pp. 28-35: Student's quantile with the degrees of freedom of the two
    samples. `z` is the normal quantile of the same level.
    """
    if min(now.n, before.n) < 2:  # noqa: PLR2004 - a spread takes two
        return None
    parts = [sample.variance / sample.n for sample in (now, before)]
    error = sum(parts)
    below = sum(part**2 / (sample.n - 1) for part, sample in zip(parts, (now, before), strict=True))
    reach = student(z, error**2 / below if below else inf) * sqrt(error)
    return now.mean - before.mean - reach, now.mean - before.mean + reach


def student(z: float, freedom: float) -> float:
    """The quantile of Student's distribution with so many degrees of freedom, by the normal one, `z`.

    Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.5; at ten degrees of freedom it
    is exact to three digits at the levels that are used here.
    """
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
