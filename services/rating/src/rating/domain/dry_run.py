"""Which past closes would have been asked about under other settings, by the rules that decide in earnest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rating.domain import cool_down
from rating.domain.cool_down import AskingClose, Questions, ReserveQuestion
from rating.domain.rating.decider import RegisterClose, asks_at, exclusion_reason
from rating.domain.rating.eligibility import CloseFacts
from rating.domain.rating.form_version import FormVersion, NotOfferedReason, Snapshot
from rating.domain.rating.ways import Way

UNCHANGED = (NotOfferedReason.REOPENED, NotOfferedReason.ERASED)
"""What no settings change."""


@dataclass(frozen=True)
class PastClose:
    """A close, what was said of it when it was registered, and what became of it.

    `reason` is that why it got no form, if it got none; `settled` if its client has dealt with its form;
    `withdrawn_at` when that was withdrawn before anybody saw it, if it was.
    """

    snapshot: Snapshot
    facts: CloseFacts
    registered_at: datetime
    reason: NotOfferedReason | None = None
    settled: bool = False
    withdrawn_at: datetime | None = None

    @property
    def key(self) -> AskingClose:
        """Its dialog and number."""
        return AskingClose(self.snapshot.dialog, self.snapshot.close_seq)


def dry_run(closes: Sequence[PastClose], rules: FormVersion) -> Mapping[AskingClose, NotOfferedReason | None]:
    """Why each close of a channel would have got no form, in the order of their registration.

    None if it would have got one. What is not among `closes` was never asked. A close that would have been
    asked, and was not, counts as one that its client leaves alone. A webhook leads to every client: saving
    switches one on that was off.
    """
    run = _DryRun(rules, {close.key: close for close in closes})
    for close in sorted(closes, key=lambda close: close.registered_at):
        run.reasons[close.key] = run.reason_of(close)
    return run.reasons


class _DryRun:
    def __init__(self, rules: FormVersion, closes: Mapping[AskingClose, PastClose]) -> None:
        self._rules = rules
        self._closes = closes
        self._questions: defaultdict[str, Questions] = defaultdict(Questions)
        self._last_asked: dict[str, datetime] = {}
        self.reasons: dict[AskingClose, NotOfferedReason | None] = {}

    def reason_of(self, close: PastClose) -> NotOfferedReason | None:
        snapshot = close.snapshot
        if close.reason in UNCHANGED or (kept := self._kept(close)):
            return close.reason if close.reason in UNCHANGED else kept
        facts = close.facts.model_copy(update={"ways": (*close.facts.ways, Way.WEBHOOK)})
        command = RegisterClose(snapshot, self._rules, facts, erased=False, now=close.registered_at)
        if reason := exclusion_reason(command, self._last_asked.get(snapshot.dialog)):
            return reason
        asked_at = asks_at(command)
        if self._rules.cool_down and not self._reserves(close, asked_at):
            return NotOfferedReason.COOL_DOWN
        if close.settled:
            self._last_asked[snapshot.dialog] = asked_at
        return None

    def _kept(self, close: PastClose) -> NotOfferedReason | None:
        """What a close that resumes another one keeps of that one."""
        if close.facts.resumes is None:
            return None
        before = AskingClose(close.snapshot.dialog, close.facts.resumes)
        if self.reasons.get(before):
            reason = self.reasons[before]
            return None if reason is NotOfferedReason.REOPENED else reason
        settled = before in self._closes and self._closes[before].settled
        return NotOfferedReason.ONCE_PER_DIALOG if settled else None

    def _reserves(self, close: PastClose, asked_at: datetime) -> bool:
        questions = self._questions[close.snapshot.client]
        others = [one.close for one in questions.in_the_way(asked_at, self._rules.cool_down)]
        given_back = frozenset(one for one in others if self._is_given_back(one, close))
        command = ReserveQuestion(close.key, asked_at, self._rules.cool_down, given_back)
        for event in cool_down.decide(questions, command):
            self._questions[close.snapshot.client] = cool_down.evolve(questions, event)
            return True
        return False

    def _is_given_back(self, other: AskingClose, close: PastClose) -> bool:
        """Whether the other close asked nothing, or its dialog was reopened for this one."""
        was = self._closes[other]
        unseen = was.withdrawn_at is not None and was.withdrawn_at <= close.registered_at
        return unseen or (other.dialog == close.snapshot.dialog and not was.settled)
