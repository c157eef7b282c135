"""Builders of closes: events as their sources publish them, and what a close must count."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from analytics.domain.close import CloseEvent
from chassis.kafka.records import ReceivedEvent
from contracts.dialogs import AttributedBy, ClosedBy, Contact, DialogClosed, DialogReopened, Participant
from contracts.envelope import Envelope
from contracts.ratings import (
    Answer,
    CancelledReason,
    NotOfferedReason,
    RatingCancelled,
    RatingChanged,
    RatingDeclined,
    RatingExpired,
    RatingGiven,
    RatingNotOffered,
    RatingOffered,
    RatingScheduled,
    RatingUndeliverable,
    Scale,
    Way,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STARS = Scale(name="stars", lowest=1, highest=5, satisfied_from=4)
FACES = Scale(name="faces v2.0 $", lowest=-1, highest=1, satisfied_from=1)
SEALED = "eyJraWQiOiJrMSJ9..AAAA.BBBB.CCCC"
PARTITIONS = 3


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@dataclass(frozen=True)
class ExpectedClose:
    """Everything that is ever published about one close."""

    dialog: str = "d1"
    close_seq: int = 1
    channel: str = "course-a"
    operator: str | None = "ann"
    team: str | None = "first.line"
    closed_at: datetime = NOON
    operator_name: str = "Ann Lee"
    way: str = "given"
    score: int = 5
    scale: Scale = STARS
    changes: tuple[int, ...] = ()
    contact: str | None = None
    comment: str | None = None
    tags: tuple[str, ...] = ("fast",)
    answers: Mapping[str, Answer] = field(default_factory=dict, hash=False)
    """To follow-up questions, of each answer."""
    locale: str | None = None
    form_version: int = 1
    answered_after: timedelta = timedelta(minutes=1)
    participants: tuple[Participant, ...] = (Participant(id="ann", name="Ann Smith", messages=2),)

    @property
    def who(self) -> dict[str, Any]:
        return {
            "dialog": self.dialog,
            "close_seq": self.close_seq,
            "channel": self.channel,
            "operator": self.operator,
            "team": self.team,
            "client": f"c-{self.dialog}",
            "locale": self.locale,
        }

    @property
    def rated_at(self) -> datetime:
        """When the client answers first, if ever."""
        return self.closed_at + self.answered_after

    def closed(self) -> DialogClosed:
        return DialogClosed(
            **self.who,
            closed_at=self.closed_at,
            opened_at=self.closed_at - timedelta(minutes=9),
            closed_by=ClosedBy.OPERATOR,
            attributed_by=AttributedBy.LAST_REPLY if self.operator else AttributedBy.NOBODY,
            operator_name=self.operator_name if self.operator else None,
            participants=self.participants,
            client_messages=2,
            operator_messages=2,
            longest_client_text=40,
            contact=Contact(name=self.contact) if self.contact else None,
        )

    def reopened(self) -> DialogReopened:
        return DialogReopened(**self.who, reopened_at=self.closed_at + timedelta(hours=2))

    def not_offered(self, reason: NotOfferedReason = NotOfferedReason.SPAM) -> RatingNotOffered:
        return RatingNotOffered(**self.who, reason=reason, settings_version=1, decided_at=self.closed_at)

    def scheduled(self) -> RatingScheduled:
        return RatingScheduled(**self.who, due_at=self.closed_at, form_version=self.form_version)

    def offered(self) -> RatingOffered:
        return RatingOffered(
            **self.who,
            offered_at=self.closed_at,
            expires_at=self.closed_at + timedelta(days=1),
            way=Way.WIDGET,
            form_version=self.form_version,
        )

    def _answer(self, score: int, change: int = 0) -> dict[str, Any]:
        given_at = self.rated_at
        return {
            **self.who,
            "scale": self.scale,
            "score": score,
            "satisfied": score >= self.scale.satisfied_from,
            "comment": self.comment,
            "tags": self.tags if change == len(self.changes) else ("before",),
            "answers": self.answers,
            "form_version": self.form_version,
            "given_at": given_at,
            "editable_until": given_at + timedelta(minutes=15),
        }

    def given(self) -> RatingGiven:
        return RatingGiven(**self._answer(self.score))

    def changed(self, change: int = 1, score: int = 2) -> RatingChanged:
        changed_at = self.rated_at + timedelta(minutes=change)
        return RatingChanged(**self._answer(score, change), change=change, changed_at=changed_at)

    def declined(self) -> RatingDeclined:
        return RatingDeclined(**self.who, declined_at=self.closed_at)

    def expired(self) -> RatingExpired:
        return RatingExpired(**self.who, expired_at=self.closed_at)

    def cancelled(self, reason: CancelledReason = CancelledReason.REOPENED) -> RatingCancelled:
        return RatingCancelled(**self.who, reason=reason, cancelled_at=self.closed_at)

    def undeliverable(self) -> RatingUndeliverable:
        return RatingUndeliverable(**self.who, ways=(Way.WIDGET,), reason="gone", given_up_at=self.closed_at)

    def events(self) -> list[CloseEvent]:
        """The events in order, from the closing to the end of the way."""
        changed = [self.changed(number, score) for number, score in enumerate(self.changes, start=1)]
        ways: dict[str, list[CloseEvent]] = {
            "undecided": [],
            "not_offered": [self.not_offered()],
            "scheduled": [self.scheduled()],
            "pending": [self.scheduled(), self.offered()],
            "given": [self.offered(), self.given(), *changed],
            "given late": [self.scheduled(), self.offered(), self.declined(), self.given(), *changed],
            "given, reopened": [self.offered(), self.given(), *changed, self.reopened()],
            "declined": [self.offered(), self.declined()],
            "expired": [self.scheduled(), self.offered(), self.expired()],
            "cancelled": [self.offered(), self.reopened(), self.cancelled()],
            "undeliverable": [self.offered(), self.undeliverable()],
        }
        return [self.closed(), *ways[self.way]]

    @property
    def state(self) -> str:
        """The state that its way ends in."""
        return self.way.split(maxsplit=1)[0].rstrip(",")

    @property
    def last(self) -> int:
        """The score that counts, if it ends in an answer."""
        return self.changes[-1] if self.changes else self.score

    def counts(self) -> Counter[str]:
        """What this close must count, worked out from the way and not from the events."""
        state = self.state
        counts = Counter(["closed", state])
        reason = {"not_offered": "spam", "cancelled": "reopened"}.get(state)
        if reason:
            counts[f"{state}:{reason}"] += 1
        if state == "given":
            last = self.last
            counts["satisfied"] += last >= self.scale.satisfied_from
            counts["commented"] += self.comment is not None
            name = {"stars": "scale:stars:1:5"}.get(self.scale.name, "scale:faces%20v2%2E0%20%24:-1:1")
            counts[f"{name}:{last}"] += 1
        return counts


WAYS = (
    "undecided", "not_offered", "scheduled", "pending", "given", "given late", "given, reopened",
    "declined", "expired", "cancelled", "undeliverable",
)  # fmt: skip


def many(random: Random, number: int, days: int = 3) -> list[ExpectedClose]:
    """Closes of every kind, on two channels, over some days, several of one dialog."""
    closes = []
    for index in range(number):
        scale = random.choice([STARS, STARS, FACES])
        scores = range(scale.lowest, scale.highest + 1)
        closes.append(
            ExpectedClose(
                dialog=f"d{index // 2}",
                close_seq=index % 2 + 1,
                channel=random.choice(["course-a", "course-b"]),
                operator=random.choice(["ann", "bo", None]),
                team=random.choice(["first.line", None]),
                closed_at=NOON + timedelta(milliseconds=random.randrange(days * 86_400_000)),
                way=random.choice(WAYS),
                comment=random.choice([SEALED, None]),
                scale=scale,
                score=random.choice(scores),
                changes=tuple(random.choices(scores, k=random.randrange(3))),
            )
        )
    return closes


def shuffled(random: Random, closes: Iterable[ExpectedClose]) -> list[CloseEvent]:
    """All events, in any order, and some of them more than once."""
    events = [event for close in closes for event in close.events()]
    events += random.choices(events, k=len(events) // 3)
    random.shuffle(events)
    return events


def batches(random: Random, events: Sequence[CloseEvent]) -> list[Sequence[CloseEvent]]:
    """The events cut into batches of any size."""
    cuts = sorted(random.choices(range(len(events) + 1), k=random.randrange(1, 8)))
    return [events[start:end] for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]


def received(event: Any, offset: int = 0) -> ReceivedEvent[Any]:
    """An event as it comes from Kafka."""
    envelope = Envelope(
        id=f"{event.dialog}:{offset}",
        type=event.type,
        source="/candor/test",
        time=NOON,
        subject=event.dialog,
        sequence=1,
    )
    partition = sum(event.dialog.encode()) % PARTITIONS
    value = event.model_dump_json().encode()
    return ReceivedEvent(event, envelope, event.dialog, "candor.dialogs", partition, offset, value)
