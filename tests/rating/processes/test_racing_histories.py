"""Generated histories, played by eight replicas at once on the real store: the rules of a form hold.

A few large ones by default; ``CANDOR_RACES=300`` plays as many (`make races`). A history is its seed.
"""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from random import Random
from typing import NamedTuple

import pytest

from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.mongo import MongoEventStore
from chassis.eventstore.repository import Repository
from chassis.eventstore.serialization import read_events
from contracts.clients import ClientErased
from contracts.dialogs import ClosedBy, Contact, DialogClosed
from rating.domain.rating.answers import WrittenComment
from rating.domain.rating.decider import RATING, DeclineRating, GiveRating
from rating.domain.rating.delivery import DeliveryCommand, RecordFailure, RecordReminder, RecordSending
from rating.domain.rating.eligibility import Eligibility, KindOfClose, ReopenedPolicy
from rating.domain.rating.events import AnswerRecorded, FormOffered, FormScheduled, RatingEvent
from rating.domain.rating.form_version import CancelledReason, FormVersion
from rating.domain.rating.state import (
    Cancelled,
    CloseToRate,
    Declined,
    Given,
    Offered,
    Rating,
    Scheduled,
    Unregistered,
)
from rating.domain.rating.ways import DeliveryFailureReason, DeliveryWay, Way
from rating.processes.timers import form_timers
from rating.read_models.forms import Forms
from tests.rating.builders import CLOSED_AT, DELAY, EXPIRY, MINUTE, RULES
from tests.rating.harness import Harness, always, closed, reopened
from tests.rating.invariants import check_dialog
from tests.waiting import until

RACES = int(os.environ.get("CANDOR_RACES", "12"))
REPLICAS = 8
WITH_TIMERS = 2
STEPS = 240
AT_ONCE = 12
"""Steps that are begun together, each by one to three replicas."""

LAST_CLOSE = 4
SENT_LATELY = 12
CLIENTS_OF_DIALOGS = ("c1", "c1", "c1", "c2", "c2", "c3", "c4", "c5")
WEIGHTS = {
    "close": 60, "reopen": 16, "answer": 100, "decline": 10, "erase": 1, "time": 28, "timers": 18,
    "delivery": 40,
}  # fmt: skip
WAYS = [
    (Way.WIDGET,),
    (Way.WIDGET, Way.EMAIL),
    (Way.EMAIL, Way.WIDGET),
    (Way.WEBHOOK, Way.EMAIL),
    (Way.EMAIL,),
]
SEALED = "eyJraWQiOiJrMSJ9..AAAA.BBBB.CCCC"
PRIVATE = {"close-registered", "reopening-registered", "forgotten", "sent", "delivery-failed", "reminded"}

pytestmark = [pytest.mark.real, pytest.mark.long]


class Close(NamedTuple):
    """One close of a dialog."""

    dialog: str
    close_seq: int


class TakenAnswer(NamedTuple):
    """An answer that was acknowledged; each that is sent has words of its own."""

    close: Close
    score: int
    words: str | None


class Replica:
    """One of the service's, with a cache, locks and timers of its own."""

    def __init__(self, harness: Harness, rules: FormVersion) -> None:
        store = MongoEventStore(harness.database)
        self.repository = Repository(store, harness.clock, wake=harness.repository.wake, service="rating")
        contacts = replace(harness.inbound.contacts, mail_available=True)
        self.inbound = replace(
            harness.inbound,
            repository=self.repository,
            form_version_of=always(rules),
            contacts=contacts,
        )
        self.timers = form_timers(Forms(harness.database), self.repository)


class History:
    """What happens to eight dialogs of five clients, in any order, some of it twice or three times."""

    def __init__(self, harness: Harness, seed: int) -> None:
        self.dice = Random(seed)
        self.harness = harness
        self.rules = any_rules(self.dice)
        self.replicas = [Replica(harness, self.rules) for _ in range(REPLICAS)]
        self.taken: set[TakenAnswer] = set()
        self.erased: set[str] = set()
        # Other dialogs for each seed: what is sampled follows from their ids.
        self.clients = {f"d{seed}-{n}": client for n, client in enumerate(CLIENTS_OF_DIALOGS)}
        self.closes = {
            Close(dialog, close_seq): any_close(self.dice, dialog, close_seq, client)
            for dialog, client in self.clients.items()
            for close_seq in range(1, LAST_CLOSE + 1)
        }
        self.sent: list[Close] = []

    async def play(self) -> None:
        """All steps, while the timers of some replicas run; then time passes until nothing is due."""
        running = [asyncio.create_task(each.timers.run()) for each in self.replicas[:WITH_TIMERS]]
        for first in range(0, STEPS, AT_ONCE):
            steps = [self._step(number) for number in range(first, first + AT_ONCE)]
            await asyncio.gather(*(one for step in steps for one in step))
        for _ in range(2):
            self.harness.clock.advance(DELAY + EXPIRY)
            await until(self._nothing_is_due, within=20)
        await self.harness.erasures_done()
        assert not any(task.done() for task in running)
        for task in running:
            task.cancel()
        await asyncio.wait(running)

    def _step(self, number: int) -> Iterator["asyncio.Future[None]"]:
        """The same by one to three replicas at once."""
        [kind] = self.dice.choices(list(WEIGHTS), list(WEIGHTS.values()))
        close = self._any_close(kind)
        score, minutes = self.dice.randint(1, 5), self.dice.choice([1, 5, 15, 30])
        if kind == "erase" and number < STEPS // 2:
            kind = "timers"
        if kind == "time":
            self.harness.clock.advance(minutes * MINUTE)
            return
        delivery = any_delivery(self.dice, close.close_seq, self.harness.clock.now())
        for replica in self.dice.sample(self.replicas, self.dice.choice([1, 2, 3])):
            if kind == "delivery":
                yield asyncio.ensure_future(self._record(replica, close, delivery))
            else:
                yield asyncio.ensure_future(self._do(replica, kind, close, score, f"words {number}"))

    def _any_close(self, kind: str) -> Close:
        """Closes mostly in the order of their dialog; all else mostly of closes that were sent."""
        if kind != "close" and self.sent and self.dice.randrange(10):
            return self.dice.choice(self.sent[-SENT_LATELY:])
        left = [close for close in self.closes if close not in self.sent]
        if kind != "close" or not left or self.dice.randrange(4) == 0:
            return self.dice.choice(list(self.closes))
        close = min(self.dice.sample(left, min(4, len(left))), key=lambda one: one.close_seq)
        self.sent.append(close)
        return close

    async def _do(self, replica: Replica, kind: str, close: Close, score: int, words: str) -> None:
        client, now = self.clients[close.dialog], self.harness.clock.now()
        match kind:
            case "close":
                await replica.inbound.on_dialog_closed(self.closes[close])
            case "reopen":
                await replica.inbound.on_dialog_reopened(reopened(*close, client))
            case "answer":
                await self._answer(replica.repository, close, score, words)
            case "decline":
                with suppress(CommandRejected):
                    command = DeclineRating(close.close_seq, now)
                    await handle(replica.repository, RATING, RATING.stream(close.dialog), command)
            case "erase":
                self.erased.add(client)
                await replica.inbound.on_client_erased(ClientErased(client=client, erased_at=now))
            case "timers":
                await replica.timers.settle_due()

    async def _record(self, replica: Replica, close: Close, command: DeliveryCommand) -> None:
        await handle(replica.repository, RATING, RATING.stream(close.dialog), command)

    async def _answer(self, repository: Repository, close: Close, score: int, words: str) -> None:
        command = GiveRating(
            close.close_seq, score, repository.clock.now(), WrittenComment(SEALED, words, len(words))
        )

        async def stamped(_: Rating) -> GiveRating:
            return replace(command, now=repository.clock.now())

        with suppress(CommandRejected):
            await handle(repository, RATING, RATING.stream(close.dialog), command, complete=stamped)
            self.taken.add(TakenAnswer(close, score, words))

    async def _nothing_is_due(self) -> bool:
        due = {"due_at": {"$lte": self.harness.clock.now()}}
        await self.harness.relayed()
        return not await self.harness.database["forms"].count_documents(due)

    async def stored(self, dialog: str) -> list[RatingEvent]:
        """The events of a dialog, read by nobody who played."""
        store = MongoEventStore(self.harness.database)
        commits = await store.read(RATING.stream(dialog), limit=1000)
        return [event for commit in commits for event in read_events(RATING, commit)]


def any_rules(dice: Random) -> FormVersion:
    """Any of the rules that a supervisor could have set."""
    eligibility = Eligibility(
        closed_by=dice.choice([tuple(KindOfClose), (KindOfClose.OPERATOR,)]),
        share=dice.choice([100, 100, 100, 60]),
        reopened=dice.choice([ReopenedPolicy.EACH_CLOSE, *ReopenedPolicy]),
        once_within=60 * MINUTE,
    )
    delay, cool_down = dice.choice([timedelta(0), DELAY]), dice.choice([timedelta(0), 45 * MINUTE])
    ways = tuple(DeliveryWay(way=way) for way in dice.choice(WAYS))
    changes = {"eligibility": eligibility, "delay": delay, "cool_down": cool_down, "ways": ways}
    return RULES.model_copy(update=changes)


def any_delivery(dice: Random, close_seq: int, now: datetime) -> DeliveryCommand:
    """What a worker records of a form that it has sent, could not send, or reminded of."""
    way, reason = dice.choice([Way.EMAIL, Way.WEBHOOK]), DeliveryFailureReason.RECIPIENT_REFUSED
    recorded: list[DeliveryCommand] = [
        RecordSending(close_seq, way, now),
        RecordFailure(close_seq, way, reason, now),
        RecordReminder(close_seq, now),
    ]
    return dice.choice(recorded)


def any_close(dice: Random, dialog: str, close_seq: int, client: str) -> DialogClosed:
    """A close as chat would publish it; every third after the first resumes the one before."""
    resumes = close_seq - 1 if close_seq > 1 and dice.randrange(3) == 0 else None
    kinds = [ClosedBy.SYSTEM] if resumes else [ClosedBy.OPERATOR, ClosedBy.OPERATOR, ClosedBy.IDLE]
    return closed(
        dialog,
        close_seq,
        client,
        closed_by=dice.choice(kinds),
        resumes=resumes,
        closed_at=CLOSED_AT + (close_seq - 1) * 20 * MINUTE,
        spam=dice.randrange(10) == 0,
        contact=dice.choice([None, Contact(email=SEALED)]),
        external_id=dice.choice([None, None, "ticket-1"]),
    )


def asked_at(events: Sequence[RatingEvent]) -> datetime | None:
    """When the cool-down of an offered close began: when its form was due, however late the timer."""
    if not any(isinstance(event, FormOffered) for event in events):
        return None
    [moment, *_] = [
        event.due_at if isinstance(event, FormScheduled) else event.offered_at
        for event in events
        if isinstance(event, FormScheduled | FormOffered)
    ]
    return moment


def check_cool_down(history: History, asked: dict[Close, datetime], states: dict[Close, CloseToRate]) -> None:
    """Nobody is asked twice within it, but about the next close of a dialog whose form was withdrawn."""
    for one, other in combinations(sorted(asked, key=lambda close: asked[close]), 2):
        clients = {history.clients[close.dialog] for close in (one, other)}
        if len(clients) == 2 or asked[other] - asked[one] >= history.rules.cool_down:
            continue
        before = states[one]
        withdrawn = isinstance(before, Cancelled) and before.reason is CancelledReason.REOPENED
        assert one.dialog == other.dialog, (one, other)
        assert withdrawn or one.close_seq > other.close_seq, (one, other, before)


def check_published(harness: Harness, dialog: str, events: Sequence[RatingEvent]) -> None:
    """Every public event once, in the order of the stream: one offer a close, and given or expired."""
    published = [event for event in harness.notes.ratings if event.dialog == dialog]
    told = [(event.type, event.close_seq) for event in published]
    assert told == [
        (f"candor.rating.{event.type}.v1", event.close_seq) for event in events if event.type not in PRIVATE
    ]
    kinds: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for kind, close_seq in told:
        kinds[close_seq][kind] += 1
    for counts in kinds.values():
        assert counts["candor.rating.offered.v1"] <= 1
        assert counts["candor.rating.given.v1"] + counts["candor.rating.expired.v1"] <= 1


@pytest.mark.parametrize("seed", range(1, RACES + 1))
async def test_whatever_races_the_rules_hold_and_nothing_acknowledged_is_lost(
    harness: Harness, seed: int
) -> None:
    history = History(harness, seed)
    await history.play()
    asked: dict[Close, datetime] = {}
    states: dict[Close, CloseToRate] = {}
    answers: set[TakenAnswer] = set()
    for dialog, client in history.clients.items():
        events = await history.stored(dialog)
        check_published(harness, dialog, events)
        for close_seq, close in check_dialog(events).closes.items():
            own = [event for event in events if event.close_seq == close_seq]
            key = Close(dialog, close_seq)
            states[key] = close
            if moment := asked_at(own):
                asked[key] = moment
            answers |= {
                TakenAnswer(key, event.score, event.fingerprint)
                for event in own
                if isinstance(event, AnswerRecorded)
            }
            assert not isinstance(close, Unregistered | Scheduled | Offered), key
            if client in history.erased and isinstance(close, Given | Declined):
                assert close.forgotten, key
    assert answers == history.taken
    check_cool_down(history, asked, states)
