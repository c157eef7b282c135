"""What rating publishes of each event, and to whom it credits it."""

from itertools import accumulate
from typing import Any

import pytest

from contracts import ratings as public
from contracts.ratings import RATING_EVENTS
from rating.domain.rating.decider import RATING
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.ways import Way
from rating.messaging.outbound import to_public
from tests.rating.builders import (
    BOTH,
    LATER,
    MAILED,
    WINDOW,
    at,
    cancelled,
    changed,
    declined,
    delivery_failed,
    expired,
    forgotten,
    give,
    not_offered,
    offered,
    rated,
    registered,
    reminded,
    reopening_registered,
    scheduled,
    sent,
    snapshot,
    undeliverable,
)

SEALED = "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn"
WAITING = (registered(), offered())
REACHED: dict[str, Any] = {"ways": (Way.WIDGET, Way.EMAIL)}
BY_MAIL = (registered(rules=MAILED, **REACHED), offered())


def sealed(event: RatingEvent) -> RatingEvent:
    return event.model_copy(update={"comment": SEALED, "fingerprint": "f"})


def last_published(*history: RatingEvent) -> public.RatingEvent | None:
    """What is published of the last event, read back as a stranger reads it."""
    state = list(accumulate(history, RATING.evolve, initial=RATING.initial))[-1]
    public = to_public(state, history[-1])
    if public is None:
        return None
    assert (public.topic, public.key) == ("candor.ratings", "d1")
    event = RATING_EVENTS.validate_json(public.event.model_dump_json())
    assert event == public.event
    return event


@pytest.mark.parametrize(
    ("history", "kind"),
    [
        ((registered(), not_offered("spam")), public.RatingNotOffered),
        ((registered(rules=LATER), scheduled()), public.RatingScheduled),
        (WAITING, public.RatingOffered),
        ((*WAITING, sealed(rated(5, at(1)))), public.RatingGiven),
        ((*WAITING, rated(5, at(1)), sealed(changed(3, at(2)))), public.RatingChanged),
        ((*WAITING, declined(at(1))), public.RatingDeclined),
        ((*WAITING, expired(at(60))), public.RatingExpired),
        ((*WAITING, cancelled("reopened")), public.RatingCancelled),
        ((*WAITING, cancelled("erased")), public.RatingCancelled),
        ((*BY_MAIL, delivery_failed(at(1)), undeliverable(at(1))), public.RatingUndeliverable),
    ],
)
def test_says_each_event_with_the_attribution_of_the_close(
    history: tuple[RatingEvent, ...], kind: type
) -> None:
    event = last_published(*history)
    assert isinstance(event, kind)
    assert isinstance(event, public.RatingEventBase)
    assert (event.dialog, event.close_seq, event.channel, event.client) == ("d1", 1, "shop", "c1")
    assert (event.operator, event.team, event.locale) == ("o1", "north", "en")


@pytest.mark.parametrize("event", [registered(), reopening_registered()])
def test_keeps_private_what_it_only_registered(event: RatingEvent) -> None:
    assert last_published(event) is None


@pytest.mark.parametrize("event", [sent(), reminded(at(1)), delivery_failed(at(1))])
def test_keeps_private_how_a_delivery_went(event: RatingEvent) -> None:
    assert last_published(registered(rules=BOTH, **REACHED), offered(), event) is None


def test_says_the_best_way_of_a_form_and_all_that_were_tried() -> None:
    mail_first = BOTH.model_copy(update={"ways": BOTH.ways[::-1]})
    best = ((MAILED, public.Way.EMAIL), (BOTH, public.Way.WIDGET), (mail_first, public.Way.EMAIL))
    for rules, way in best:
        offer = last_published(registered(rules=rules, **REACHED), offered())
        assert isinstance(offer, public.RatingOffered)
        assert offer.way is way
    given_up = last_published(*BY_MAIL, undeliverable(at(1), "opted_out"))
    assert isinstance(given_up, public.RatingUndeliverable)
    assert (given_up.ways, given_up.reason, given_up.given_up_at) == (
        (public.Way.EMAIL,),
        "opted_out",
        at(1),
    )


@pytest.mark.parametrize("answer", [rated(5, at(1)), declined(at(1))])
def test_an_erasure_changes_no_number_of_those_who_count(answer: RatingEvent) -> None:
    assert last_published(*WAITING, answer, forgotten()) is None


@pytest.mark.parametrize(
    "reason",
    ["reopened", "erased", "spam", "kind_of_close", "no_reply", "too_late", "unreachable", "opted_out"],
)
def test_every_reason_has_a_public_name(reason: str) -> None:
    event = last_published(registered(), not_offered(reason))
    assert isinstance(event, public.RatingNotOffered)
    assert event.reason == reason


@pytest.mark.parametrize(("score", "satisfied"), [(1, False), (3, False), (4, True), (5, True)])
def test_says_who_is_satisfied_by_the_forms_own_scale(score: int, *, satisfied: bool) -> None:
    event = last_published(*WAITING, rated(score, at(1)))
    assert isinstance(event, public.RatingGiven)
    assert event.satisfied is satisfied
    assert event.form_version == 1


def test_a_change_keeps_the_time_and_the_window_of_the_first_answer() -> None:
    event = last_published(*WAITING, rated(5, at(1)), changed(2, at(9)))
    assert isinstance(event, public.RatingChanged)
    assert (event.given_at, event.editable_until) == (at(1), at(1) + WINDOW)
    assert (event.changed_at, event.change, event.score) == (at(9), 1, 2)


def test_a_change_of_the_score_alone_says_the_comment_again() -> None:
    history = (*WAITING, sealed(rated(5, at(1))))
    (change,) = RATING.decide(RATING.fold(RATING.initial, history), give(4, at(2)))
    event = last_published(*history, change)
    assert isinstance(event, public.RatingChanged)
    assert (event.score, event.comment) == (4, SEALED)


def test_an_answer_belongs_to_its_own_close_whoever_closed_the_dialog_since() -> None:
    since = snapshot(2).model_copy(update={"operator": "o2", "team": "south"})
    closed_again = registered(2).model_copy(update={"snapshot": since})
    event = last_published(*WAITING, closed_again, offered(close_seq=2), rated(5, at(1)))
    assert isinstance(event, public.RatingGiven)
    assert (event.close_seq, event.operator, event.team) == (1, "o1", "north")
