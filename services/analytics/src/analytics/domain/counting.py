"""What a close counts as: one outcome. Counters hold how many closes have which, and all numbers follow."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote, unquote

from analytics.domain.close import Close
from contracts.ratings import CancelledReason, CloseState, NotOfferedReason, Scale

# Zones with an offset of 30 or 45 minutes have their hours and days on quarter hours of UTC.
QUARTER = timedelta(minutes=15)

Outcomes: TypeAlias = "dict[str, int]"
"""How many closes have each outcome, by the names that `outcome_of` gives; `EXCLUDED` before a name are those
that are left out.
"""

EXCLUDED: Final = "excluded:"

Counts: TypeAlias = "Counter[str]"
"""How often each name is counted: ``closed``, a state, ``state:reason``, ``satisfied``, ``commented``,
a score by `ScaleKey`; and ``excluded``, which ``closed`` leaves out.
"""


@dataclass(frozen=True)
class ScaleKey:
    """The names under which the answers on one scale are counted."""

    scale: str
    lowest: int
    highest: int

    @property
    def name(self) -> str:
        """A name without dots or dollars, which MongoDB would read as paths and operators."""
        return f"scale:{path_part(self.scale)}:{self.lowest}:{self.highest}"

    @classmethod
    def of(cls, scale: Scale) -> "ScaleKey":
        """The scale without its threshold, which may differ between versions of one form."""
        return cls(scale.name, scale.lowest, scale.highest)

    def name_of(self, score: int) -> str:
        """The name under which answers with this score are counted."""
        return f"{self.name}:{score}"


@lru_cache(maxsize=4096)
def path_part(text: str) -> str:
    """`text` without anything that MongoDB would read as a path or an operator; `unquote` reads it back."""
    return quote(text, safe="").replace(".", "%2E")


def reason_key(state: CloseState, reason: NotOfferedReason | CancelledReason) -> str:
    """The name under which the closes of a state are counted that are in it for this reason."""
    return f"{state}:{reason}"


def scores_of(counts: Counts) -> dict[ScaleKey, dict[int, int]]:
    """How many answers gave each score, per scale that there are answers on, in a fixed order."""
    found: dict[ScaleKey, dict[int, int]] = {}
    for name, n in counts.items():
        if n and (named := score_named(name)):
            scale, score = named
            found.setdefault(scale, {})[score] = n
    return dict(sorted(found.items(), key=lambda each: each[0].name))


@lru_cache(maxsize=4096)
def score_named(name: str) -> tuple[ScaleKey, int] | None:
    """The scale and the score that are counted under this name; None if something else is."""
    match name.split(":"):
        case ["scale", scale, lowest, highest, score]:
            return ScaleKey(unquote(scale), int(lowest), int(highest)), int(score)
    return None


def outcome_of(close: Close) -> str | None:
    """What a close counts as; None before its `DialogClosed` was received.

    ``<state>`` or ``<state>:<reason>``, and of a close with an answer
    ``given:<scale>:<lowest>:<highest>:<score>:<satisfied or unsatisfied>``, with ``:commented`` at its end if
    there is a comment.
    """
    if close.closed is None:
        return None
    state, reason, answer = close.state, close.reason, close.answer
    if answer is None:
        return reason_key(state, reason) if reason else state.value
    scale = answer.scale
    satisfied = "satisfied" if answer.satisfied else "unsatisfied"
    comment = "" if answer.comment is None else ":commented"
    return f"given:{path_part(scale.name)}:{scale.lowest}:{scale.highest}:{answer.score}:{satisfied}{comment}"


class CountedAnswer(NamedTuple):
    """What an outcome says of the answer."""

    scale: ScaleKey
    score: int
    satisfied: bool
    commented: bool


@lru_cache(maxsize=4096)
def answer_of(outcome: str) -> CountedAnswer | None:
    """The answer of closes with this outcome; None if they have none."""
    match outcome.split(":"):
        case [_, name, lowest, highest, score, satisfied, *comment]:
            scale = ScaleKey(unquote(name), int(lowest), int(highest))
            return CountedAnswer(scale, int(score), satisfied == "satisfied", bool(comment))
    return None


@lru_cache(maxsize=4096)
def names_of(outcome: str) -> tuple[str, ...]:
    """The names that a close with this outcome counts under."""
    if outcome.startswith(EXCLUDED):
        return ("excluded",)
    names = ["closed", state_of(outcome)]
    if answer := answer_of(outcome):
        said = {"satisfied": answer.satisfied, "commented": answer.commented}
        names += [answer.scale.name_of(answer.score), *(name for name, is_so in said.items() if is_so)]
    elif ":" in outcome:
        names.append(outcome)
    return tuple(names)


def state_of(outcome: str) -> str:
    """The state of the closes with this outcome."""
    return outcome.partition(":")[0]


@dataclass(frozen=True)
class OutcomeFilter:
    """Outcomes in these states, and whose answer has one of these scores, is on this scale, and so on.

    None is whatever there is.
    """

    states: frozenset[CloseState] | None = None
    scores: frozenset[int] | None = None
    scale: ScaleKey | None = None
    satisfied: bool | None = None
    commented: bool | None = None

    @property
    def by_answer(self) -> bool:
        """Whether only closes with some answers are asked for."""
        return (self.scores, self.scale, self.satisfied, self.commented) != (None,) * 4

    def holds(self, outcome: str) -> bool:
        """Whether closes with this outcome are asked for."""
        if self.states is not None and state_of(outcome) not in self.states:
            return False
        return not self.by_answer or self._holds_answer(answer_of(outcome))

    def _holds_answer(self, answer: CountedAnswer | None) -> bool:
        return (
            answer is not None
            and (self.scores is None or answer.score in self.scores)
            and self.scale in {None, answer.scale}
            and self.satisfied in {None, answer.satisfied}
            and self.commented in {None, answer.commented}
        )


ANY_OUTCOME: Final = OutcomeFilter()


def counted(outcomes: Mapping[str, int], wanted: OutcomeFilter = ANY_OUTCOME) -> Counts:
    """What closes with these outcomes count together; of those alone that are `wanted`."""
    found: dict[str, int] = {}  # a Counter is slow to add new names to
    any_outcome = wanted == ANY_OUTCOME
    for outcome, n in outcomes.items():
        if not n or not (any_outcome or wanted.holds(outcome.removeprefix(EXCLUDED))):
            continue
        for name in names_of(outcome):
            found[name] = found.get(name, 0) + n
    return Counter(found)


def quarter_of(moment: datetime) -> datetime:
    """The start of the quarter hour (UTC) that holds `moment`."""
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
