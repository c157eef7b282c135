"""What a webhook's message says of a public event, and which events it is told of."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from contracts.ratings import (
    Answer,
    CancelledReason,
    RatingCancelled,
    RatingChanged,
    RatingEvent,
    RatingExpired,
    RatingGiven,
    RatingNotOffered,
    RatingOffered,
    Scale,
    Way,
)
from contracts.ratings import NotOfferedReason as Reason
from rating.domain.webhook import Webhook, WebhookEvent, WebhookSettings
from rating.messaging.webhooks import body_of, is_wanted
from tests.rating.builders import at

SEALED = "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn"
STAMP = "2026-03-29T01:00:00.000Z"
CLOSE: dict[str, Any] = {"dialog": "d1", "close_seq": 1, "channel": "shop", "operator": "o1", "client": "c1"}
ANSWER: dict[str, Any] = {
    **CLOSE, "scale": Scale(name="stars", lowest=1, highest=5, satisfied_from=4), "score": 2,
    "satisfied": False, "form_version": 3, "given_at": at(1), "editable_until": at(16),
}  # fmt: skip
GIVEN = RatingGiven(**ANSWER)
EVENTS: dict[WebhookEvent, RatingEvent] = {
    WebhookEvent.NOT_OFFERED: RatingNotOffered(
        **CLOSE, reason=Reason.SPAM, settings_version=1, decided_at=at(0)
    ),
    WebhookEvent.OFFERED: RatingOffered(
        **CLOSE, offered_at=at(0), expires_at=at(9), way=Way.WIDGET, form_version=3
    ),
    WebhookEvent.GIVEN: GIVEN,
    WebhookEvent.CHANGED: RatingChanged(**ANSWER, change=1, changed_at=at(2)),
    WebhookEvent.EXPIRED: RatingExpired(**CLOSE, expired_at=at(9)),
}


def webhook(events: Sequence[WebhookEvent] = tuple(WebhookEvent), **more: Any) -> Webhook:
    return Webhook(1, WebhookSettings(url="https://crm.example/", events=tuple(events), **more))


@pytest.mark.parametrize("kind", WebhookEvent)
def test_each_kind_of_event_is_told_to_those_that_name_it(kind: WebhookEvent) -> None:
    assert is_wanted(webhook([kind]), EVENTS[kind])
    assert not is_wanted(webhook([each for each in WebhookEvent if each is not kind]), EVENTS[kind])


def test_of_other_events_nobody_is_told() -> None:
    withdrawn = RatingCancelled(**CLOSE, reason=CancelledReason.REOPENED, cancelled_at=at(1))
    assert not is_wanted(webhook(), withdrawn)


@pytest.mark.parametrize(("limit", "told"), [(1, False), (2, True), (3, True), (None, True)])
def test_a_limit_is_of_answers_alone(limit: int | None, told: bool) -> None:  # noqa: FBT001 - a table
    limited = webhook(score_at_or_below=limit)
    assert is_wanted(limited, GIVEN) is is_wanted(limited, EVENTS[WebhookEvent.CHANGED]) is told
    assert is_wanted(limited, EVENTS[WebhookEvent.EXPIRED])


def test_a_message_says_what_was_chosen_and_where_words_were_written() -> None:
    answers: dict[str, Answer] = {"solved": ("no",), "missing": SEALED}
    event = RatingGiven(**ANSWER, comment=SEALED, tags=("slow",), answers=answers)
    told = json.loads(body_of(event, STAMP))
    assert (told["type"], told["timestamp"]) == ("candor.rating.given.v1", STAMP)
    data = told["data"]
    assert (data["tags"], data["answers"], data["answered"]) == (["slow"], {"solved": ["no"]}, ["missing"])
    assert (data["commented"], data["score"], data["form_version"]) == (True, 2, 3)
    assert data.keys().isdisjoint({"type", "comment"})
    assert SEALED not in body_of(event, STAMP)


def test_a_message_says_that_nothing_was_written() -> None:
    data = json.loads(body_of(GIVEN, STAMP))["data"]
    assert (data["commented"], data["answers"], data["answered"]) == (False, {}, [])


@pytest.mark.parametrize("kind", [WebhookEvent.OFFERED, WebhookEvent.NOT_OFFERED, WebhookEvent.EXPIRED])
def test_what_is_no_answer_says_nothing_of_answers(kind: WebhookEvent) -> None:
    data = json.loads(body_of(EVENTS[kind], STAMP))["data"]
    assert data.keys().isdisjoint({"commented", "answers", "answered", "comment", "type"})
    moment = {"offered": "offered_at", "not_offered": "decided_at", "expired": "expired_at"}[kind]
    assert datetime.fromisoformat(data[moment]) == getattr(EVENTS[kind], moment)
