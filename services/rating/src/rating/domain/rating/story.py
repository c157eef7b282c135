"""How it came that a close got a form, or none: each rule's verdict, and what happened since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from rating.domain.rating.decider import RATING, RegisterClose, asks_at, decided_before, exclusions
from rating.domain.rating.events import CloseRegistered, FormNotOffered, RatingEvent
from rating.domain.rating.form_version import NotOfferedReason
from rating.domain.rating.state import Form, Rating, Registered

Fact = bool | int | float | str | tuple[str, ...] | datetime | timedelta | None
Facts = Mapping[str, Fact]


class Verdict(StrEnum):
    """What came of a rule. Those after the first that failed were not looked at."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_LOOKED_AT = "not_looked_at"


@dataclass(frozen=True)
class RuleVerdict:
    """A rule, by the reason that it gives; what it demanded, and what it `found` if it was looked at."""

    name: NotOfferedReason
    verdict: Verdict
    demanded: Facts
    found: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """A close that was registered: its form's rules, their verdicts, and its events in order."""

    form: Form
    rules: Sequence[RuleVerdict]
    events: Sequence[RatingEvent]


_FACTS: Final[Mapping[NotOfferedReason, tuple[Sequence[str], Sequence[str]]]] = {
    NotOfferedReason.REOPENED: ((), ("reopened",)),
    NotOfferedReason.DISABLED: ((), ("enabled",)),
    NotOfferedReason.ERASED: ((), ("erased",)),
    NotOfferedReason.SPAM: (("skips_spam",), ("spam",)),
    NotOfferedReason.KIND_OF_CLOSE: (("closed_by", "skips_labels"), ("closed_by", "labels")),
    NotOfferedReason.NO_REPLY: (("needs_reply",), ("operator_messages",)),
    NotOfferedReason.TOO_SHORT: (
        ("least_client_messages", "least_operator_messages", "least_text"),
        ("client_messages", "operator_messages", "longest_text"),
    ),
    NotOfferedReason.TOO_LATE: (("offer_window",), ("age",)),
    NotOfferedReason.ONCE_PER_DIALOG: (("reopened", "once_within"), ("last_asked", "asks_at")),
    NotOfferedReason.OPTED_OUT: (("ways",), ("ways", "opted_out")),
    NotOfferedReason.UNREACHABLE: (("ways",), ("ways",)),
    NotOfferedReason.SAMPLED_OUT: (("share",), ("draw",)),
    NotOfferedReason.COOL_DOWN: (("cool_down",), ("cooling_down",)),
}
"""What each rule demands, and of what: all that its verdict follows from."""


def story_of(events: Iterable[RatingEvent], close_seq: int) -> Story | None:
    """The story of a close, from all `events` of its dialog; None if it was not registered."""
    rating, before, own = RATING.initial, RATING.initial, list[RatingEvent]()
    form: Form | None = None
    for event in events:
        if event.close_seq == close_seq:
            own.append(event)
        if isinstance(event, CloseRegistered) and event.close_seq == close_seq:
            before = rating
        rating = RATING.evolve(rating, event)
        if isinstance(close := rating.close(close_seq), Registered):
            form = close.form
    return None if form is None else Story(form, _verdicts(before, form, own), own)


def _verdicts(before: Rating, form: Form, own: Sequence[RatingEvent]) -> Sequence[RuleVerdict]:
    """What each rule said of a close, `before` being its dialog when it was registered.

    Whether the client was erased or cooled down then is not stored: only the reason tells.
    """
    reason = next((event.reason for event in own if isinstance(event, FormNotOffered)), None)
    command, kept = decided_before(
        before,
        RegisterClose(
            snapshot=form.snapshot,
            rules=form.rules,
            facts=form.facts,
            erased=reason is NotOfferedReason.ERASED,
            now=form.registered_at,
            cooling_down=reason is NotOfferedReason.COOL_DOWN,
        ),
    )
    return verdicts(command, kept, before.last_asked())


def verdicts(
    command: RegisterClose, kept: NotOfferedReason | None, last_asked: datetime | None
) -> Sequence[RuleVerdict]:
    """What each rule says of a close, in order; `kept` as of `decided_before`, `last_asked` of `exclusions`.

    A reason that was kept is the one that failed, and no rule was looked at.
    """
    demands, finds = _demands(command), _finds(command, last_asked)
    told: list[RuleVerdict] = []
    is_over = kept is not None
    for name, fails in {NotOfferedReason.REOPENED: False, **exclusions(command, last_asked)}.items():
        demanded_names, found_names = _FACTS.get(name, ((), ()))
        demanded = {each: demands[each] for each in demanded_names}
        if name is kept:
            found = {"reopened": True} if name is NotOfferedReason.REOPENED else {"resumes": finds["resumes"]}
            told.append(RuleVerdict(name, Verdict.FAILED, demanded, found))
        elif is_over:
            told.append(RuleVerdict(name, Verdict.NOT_LOOKED_AT, demanded))
        else:
            found = {each: finds[each] for each in found_names}
            told.append(RuleVerdict(name, Verdict.FAILED if fails else Verdict.PASSED, demanded, found))
            is_over = fails
    return told


def _demands(command: RegisterClose) -> Facts:
    rules = command.rules
    return {
        **dict(rules.eligibility),
        "offer_window": rules.offer_window,
        "cool_down": rules.cool_down,
        "ways": tuple(each.way for each in rules.ways),
    }


def _finds(command: RegisterClose, last_asked: datetime | None) -> Facts:
    return {
        **dict(command.facts),
        "reopened": False,
        "enabled": command.rules.enabled,
        "erased": command.erased,
        "age": command.now - command.snapshot.closed_at,
        "last_asked": last_asked,
        "asks_at": asks_at(command),
        "cooling_down": command.cooling_down,
    }
