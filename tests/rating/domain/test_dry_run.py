"""A dry run by the rules that held says what became of each close, whatever happened to it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from hypothesis import given, settings

from chassis.clock import ManualClock
from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.memory import InMemoryEventStore
from chassis.eventstore.repository import Repository
from rating.domain.cool_down import AskingClose
from rating.domain.dry_run import PastClose, dry_run
from rating.domain.rating.decider import (
    RATING,
    DeclineRating,
    ExpireForm,
    GiveRating,
    OfferForm,
    RatingCommand,
    RegisterClose,
    RegisterReopening,
)
from rating.domain.rating.eligibility import CloseFacts, Eligibility, KindOfClose, ReopenedPolicy
from rating.domain.rating.form_version import FormVersion, NotOfferedReason
from rating.domain.rating.state import NotOffered, ReopenedFirst, Unregistered
from rating.messaging.cool_down import with_cool_down
from rating.read_models.form_documents import form_document, past_close
from tests.rating.builders import (
    CLOSED_AT,
    DELAY,
    HOOKED,
    MINUTE,
    RULES,
    at,
    facts,
    snapshot,
)
from tests.rating.picks import Pick, picked

DIALOGS = {"d1": "c1", "d2": "c1", "d3": "c2"}


@dataclass(frozen=True)
class Step:
    """What happens next, so many minutes after what was before."""

    what: str
    dialog: str
    minutes: int
    facts: CloseFacts


KINDS = tuple(KindOfClose)
POLICIES = tuple(ReopenedPolicy)
WHATS = ("close", "close", "close", "resume", "give", "decline", "time")


def pick_facts(pick: Pick) -> CloseFacts:
    return CloseFacts(
        closed_by=pick(KINDS),
        client_messages=pick(range(3)),
        operator_messages=pick(range(3)),
        longest_text=pick(range(21)),
        labels=pick(((), ("test",))),
        spam=pick((False, False, True)),
        draw=pick(range(100)),
    )


def pick_step(pick: Pick) -> Step:
    return Step(pick(WHATS), pick(list(DIALOGS)), pick(range(41)), pick_facts(pick))


def pick_rules(pick: Pick) -> FormVersion:
    eligibility = Eligibility(
        closed_by=pick(((KindOfClose.OPERATOR,), KINDS)),
        needs_reply=pick((False, True)),
        least_client_messages=pick(range(3)),
        least_text=pick((0, 10)),
        skips_spam=pick((False, True)),
        skips_labels=pick(((), ("Test",))),
        share=pick((50, 100)),
        reopened=pick(POLICIES),
        once_within=60 * MINUTE,
    )
    delay, cool_down = pick((timedelta(0), DELAY)), pick((timedelta(0), 45 * MINUTE))
    return RULES.model_copy(update={"eligibility": eligibility, "delay": delay, "cool_down": cool_down})


class Played:
    """Dialogs that are closed, answered and left alone by one set of rules; each further close reopens."""

    def __init__(self, rules: FormVersion) -> None:
        self.clock = ManualClock(CLOSED_AT)
        self.repository = Repository(InMemoryEventStore(), self.clock)
        self.rules = rules
        self.closes = dict.fromkeys(DIALOGS, 0)
        self.due: list[datetime] = []

    async def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            # Of two closes in one millisecond nothing says which was first.
            until = self.clock.now() + step.minutes * MINUTE + timedelta(milliseconds=1)
            # A dry run takes it that every form was offered when it was due.
            due = sorted(moment for moment in self.due if self.clock.now() < moment < until)
            for moment in (*due, until):
                self.clock.advance(moment - self.clock.now())
                await self._time()
            close_seq = self.closes[step.dialog]
            match step.what:
                case "close":
                    await self._close(step.dialog, step.facts)
                case "resume" if close_seq:
                    silent = CloseFacts(closed_by=KindOfClose.SYSTEM, draw=step.facts.draw, resumes=close_seq)
                    await self._close(step.dialog, silent)
                case "give":
                    await self._do(step.dialog, GiveRating(close_seq, 5, self.clock.now()))
                case "decline":
                    await self._do(step.dialog, DeclineRating(close_seq, self.clock.now()))

    async def _close(self, dialog: str, known: CloseFacts) -> None:
        now, before = self.clock.now(), self.closes[dialog]
        if before:
            await self._do(dialog, RegisterReopening(before, now, now))
        self.closes[dialog] += 1
        self.due.append(now + self.rules.delay)
        whose = snapshot(before + 1, dialog, DIALOGS[dialog], now)
        command = RegisterClose(whose, self.rules, known, erased=False, now=now)
        complete = partial(with_cool_down, self.repository, command)
        await handle(self.repository, RATING, RATING.stream(dialog), command, complete=complete)

    async def _time(self) -> None:
        for dialog, close_seq in self.closes.items():
            for kind in (OfferForm, ExpireForm) if close_seq else ():
                await self._do(dialog, kind(close_seq, self.clock.now()))

    async def _do(self, dialog: str, command: RatingCommand) -> None:
        with suppress(CommandRejected):
            await handle(self.repository, RATING, RATING.stream(dialog), command)

    async def found(self) -> tuple[list[PastClose], dict[AskingClose, NotOfferedReason | None]]:
        """What is kept of the closes, and why each got no form."""
        past, reasons = [], {}
        for dialog in DIALOGS:
            rating = (await self.repository.load(RATING, RATING.stream(dialog))).state
            for close_seq, close in rating.closes.items():
                assert not isinstance(close, Unregistered | ReopenedFirst)
                past.append(past_close(form_document(close, 1)))
                reason = close.reason if isinstance(close, NotOffered) else None
                reasons[AskingClose(dialog, close_seq)] = reason
        return past, reasons


@settings(max_examples=400, deadline=None)
@given(picked(lambda pick: (pick_rules(pick), pick.up_to(30, pick_step, size=10)), size=11 + 30 * 11))
def test_by_the_rules_that_held_it_says_what_became_of_each_close(
    played_by: tuple[FormVersion, list[Step]],
) -> None:
    rules, steps = played_by

    async def played() -> None:
        world = Played(rules)
        await world.play(steps)
        past, reasons = await world.found()
        assert dict(dry_run(past, rules)) == reasons

    asyncio.run(played())


def past(close_seq: int = 1, dialog: str = "d1", minutes: float = 0, **more: Any) -> PastClose:
    """A close of the client `c1` that was registered at once."""
    return PastClose(snapshot(close_seq, dialog, closed_at=at(minutes)), facts(), at(minutes), **more)


COOL = RULES.model_copy(update={"cool_down": 60 * MINUTE})
OFF = RULES.model_copy(update={"enabled": False})
FIRST, SECOND = AskingClose("d1", 1), AskingClose("d2", 1)


def test_other_rules_than_those_that_held() -> None:
    closes = [past(), past(dialog="d2", minutes=59, reason=NotOfferedReason.DISABLED)]
    assert dry_run(closes, OFF) == {FIRST: "disabled", SECOND: "disabled"}
    assert dry_run(closes, RULES) == {FIRST: None, SECOND: None}
    assert dry_run(closes, COOL) == {FIRST: None, SECOND: "cool_down"}
    assert dry_run(closes[::-1], COOL) == {FIRST: None, SECOND: "cool_down"}


def test_a_form_that_nobody_saw_gives_its_question_back_once_it_is_withdrawn() -> None:
    for minutes, reason in ((19, "cool_down"), (20, None)):
        closes = [past(withdrawn_at=at(20)), past(dialog="d2", minutes=minutes)]
        assert dry_run(closes, COOL)[SECOND] == reason


def test_a_webhook_reaches_everybody_also_whom_nothing_reached_then() -> None:
    elsewhere = replace(past(), facts=facts(ways=()), reason=NotOfferedReason.UNREACHABLE)
    assert dry_run([elsewhere], RULES) == {FIRST: NotOfferedReason.UNREACHABLE}
    assert dry_run([elsewhere], HOOKED) == {FIRST: None}


def test_what_no_settings_change_stays_as_it_was() -> None:
    closes = [past(reason=NotOfferedReason.ERASED), past(2, reason=NotOfferedReason.REOPENED)]
    assert list(dry_run(closes, RULES).values()) == ["erased", "reopened"]


def test_a_close_that_resumes_one_is_asked_as_that_one() -> None:
    resuming = replace(past(2, minutes=5), facts=facts(KindOfClose.SYSTEM, resumes=1))
    idle = replace(past(), facts=facts(KindOfClose.IDLE))
    anybody = RULES.model_copy(update={"eligibility": Eligibility(closed_by=tuple(KindOfClose))})
    assert list(dry_run([idle, resuming], RULES).values()) == ["kind_of_close", "kind_of_close"]
    assert list(dry_run([idle, resuming], anybody).values()) == [None, None]
    assert list(dry_run([past(settled=True), resuming], anybody).values()) == [None, "once_per_dialog"]


def test_a_question_that_was_dealt_with_is_not_given_back_by_reopening() -> None:
    for settled, reason in ((True, "cool_down"), (False, None)):
        assert dry_run([past(settled=settled), past(2, minutes=5)], COOL)[AskingClose("d1", 2)] == reason


def again(policy: ReopenedPolicy) -> FormVersion:
    """Rules for dialogs that are closed a second time; forms are offered after a delay."""
    eligibility = Eligibility(reopened=policy, once_within=60 * MINUTE)
    return RULES.model_copy(update={"eligibility": eligibility, "delay": DELAY})


def test_a_dialog_whose_client_was_dealt_with_is_asked_again_as_the_rules_say() -> None:
    def second(policy: ReopenedPolicy, minutes: float, **first: Any) -> NotOfferedReason | None:
        closes = [past(**first), past(2, minutes=minutes)]
        return dry_run(closes, again(policy))[AskingClose("d1", 2)]

    dealt_with: dict[str, Any] = {"settled": True}
    assert second(ReopenedPolicy.ONCE_PER_DIALOG, 900, **dealt_with) == "once_per_dialog"
    assert second(ReopenedPolicy.ONCE_PER_DIALOG, 900) is None
    assert second(ReopenedPolicy.EACH_CLOSE, 1, **dealt_with) is None
    # Both count from their offers, each five minutes after its close.
    assert second(ReopenedPolicy.ONCE_WITHIN, 59.9, **dealt_with) == "once_per_dialog"
    assert second(ReopenedPolicy.ONCE_WITHIN, 60, **dealt_with) is None


def test_closes_count_in_the_order_of_their_registration() -> None:
    late = replace(past(minutes=0), registered_at=at(30))
    assert dry_run([late, past(dialog="d2", minutes=10)], COOL) == {FIRST: "cool_down", SECOND: None}


def test_a_close_is_as_late_as_it_was_registered() -> None:
    late = replace(past(), registered_at=at(0) + RULES.offer_window)
    assert dry_run([late], RULES) == {FIRST: "too_late"}


def test_a_close_of_an_erased_client_stays_so_whatever_the_settings() -> None:
    assert dry_run([past(reason=NotOfferedReason.ERASED)], OFF) == {FIRST: "erased"}


def test_clients_have_questions_of_their_own() -> None:
    other = replace(past(dialog="d2", minutes=1), snapshot=snapshot(1, "d2", "c2", at(1)))
    assert dry_run([past(), other], COOL) == {FIRST: None, SECOND: None}


def test_a_close_that_resumes_one_of_which_nothing_is_known_is_asked_by_itself() -> None:
    resuming = replace(past(2, minutes=5), facts=facts(KindOfClose.OPERATOR, resumes=1))
    assert dry_run([resuming], RULES) == {AskingClose("d1", 2): None}


def test_a_close_that_resumes_one_that_was_reopened_first_is_asked_by_itself() -> None:
    unknown = past(reason=NotOfferedReason.REOPENED)
    resuming = replace(past(2, minutes=5), facts=facts(KindOfClose.OPERATOR, resumes=1))
    assert list(dry_run([unknown, resuming], RULES).values()) == ["reopened", None]
