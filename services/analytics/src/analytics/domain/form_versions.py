"""Two versions of a form beside one another: what can be compared, and what has changed."""

from collections.abc import Iterable, Sequence
from itertools import chain

from analytics.domain.changes import Changes, changes
from analytics.domain.counting import CountedAnswer, Outcomes, answer_of, counted
from analytics.domain.numbers import MINIMUM_N


def two_of(versions: Sequence[int], version: int | None, other: int | None) -> tuple[int, int] | None:
    """Which of the `versions` (the oldest first) are compared: those asked for; None if one isn't there.

    Unless said the newest, and with it the one before; with the oldest the one after it.
    """
    first = max(versions, default=0) if version is None else version
    before, after = [each for each in versions if each < first], [each for each in versions if each > first]
    second = (*before[-1:], *after, 0)[0] if other is None else other
    return (first, second) if first != second and {first, second} <= {*versions} else None


def version_changes(
    now: Outcomes, before: Outcomes, *, running: bool, minimum: int = MINIMUM_N
) -> tuple[Changes, bool]:
    """How the answers of one version differ from those of another, and whether they mean the same.

    Where they don't, there is no change of csat and of the normalised average.
    """
    found = changes(counted(now), counted(before), running=running, minimum=minimum)
    if mean_the_same(now, before):
        return found, True
    return found.model_copy(update={"csat": None, "average_normalised": None}), False


def mean_the_same(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether answers are on the same scales, and no score satisfies in one version alone.

    Nothing is known of a version without answers.
    """
    answers, other_answers = answers_of(some), answers_of(others)
    scales = {each.scale for each in answers}
    if not answers or not other_answers:
        return True
    if scales != {each.scale for each in other_answers}:
        return False
    both = list(chain(answers, other_answers))
    for scale in scales:
        satisfied = [each.score for each in both if each.scale == scale and each.satisfied]
        unsatisfied = [each.score for each in both if each.scale == scale and not each.satisfied]
        if satisfied and unsatisfied and min(satisfied) <= max(unsatisfied):
            return False
    return True


def answers_of(outcomes: Iterable[str]) -> list[CountedAnswer]:
    """What the outcomes say of answers."""
    return [answer for outcome in outcomes if (answer := answer_of(outcome)) is not None]
