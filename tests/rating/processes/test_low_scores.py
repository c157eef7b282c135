"""Supervisors are told of low scores by e-mail: once, without a client's word, and not by the thousand."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY, generate_latest

from chassis.eventstore.handle import handle
from rating.domain.quality_control.decider import QUALITY_CONTROL, SaveQualityControl
from rating.domain.quality_control.events import StaffMember
from rating.domain.quality_control.settings import LowScoreAlert
from rating.domain.rating.decider import RATING, GiveRating
from rating.processes.deliveries import PAUSES, MailDeliveries
from rating.processes.delivery_worker import LEASE
from rating.processes.low_score_mails import TRIED_FOR
from rating.read_models.low_scores import APART
from tests.rating.api_client import open_api_client
from tests.rating.builders import CLOSED_AT, MINUTE
from tests.rating.harness import closed
from tests.rating.mailing import Mailing, open_mailing
from tests.waiting import until

pytestmark = pytest.mark.real

CLARA, IVO = "clara@school.test", "ivo@school.test"
GREYLISTED, REFUSED = "451 4.7.1 Try again later", "550 5.1.1 No such user"
SECOND = timedelta(seconds=1)
LONGER = timedelta(seconds=1.2 * PAUSES[0].total_seconds())


@pytest.fixture
async def mailing(mongo: str, database: str) -> AsyncIterator[Mailing]:
    """Clara is told of scores of at most 2."""
    async with open_mailing(mongo, database, rules=None) as mailing:
        await tell(mailing, CLARA)
        yield mailing


async def tell(mailing: Mailing, *to: str, locale: str = "en", channel: str = "shop") -> None:
    """From now on these are told of scores of at most 2; without any, nobody."""
    harness = mailing.harness
    found = await harness.app.state.quality_control.current(channel)
    alert = LowScoreAlert(at_or_below=2, to=to, locale=locale) if to else None
    command = SaveQualityControl(
        found.settings.model_copy(update={"alert": alert, "edit_window": timedelta(hours=2)}),
        found.version,
        StaffMember(id="clara", name="Clara Moen"),
        harness.clock.now(),
    )
    await handle(harness.repository, QUALITY_CONTROL, QUALITY_CONTROL.stream(channel), command)


async def close(mailing: Mailing, dialog: str = "d1", **more: Any) -> None:
    event = closed(dialog, client=f"c-{dialog}", closed_at=mailing.harness.clock.now(), **more)
    await mailing.harness.inbound.on_dialog_closed(event)


async def answer(mailing: Mailing, score: int, dialog: str = "d1") -> None:
    command = GiveRating(1, score, mailing.harness.clock.now())
    await handle(mailing.harness.repository, RATING, RATING.stream(dialog), command)


async def rate(mailing: Mailing, score: int, dialog: str = "d1", **more: Any) -> None:
    await close(mailing, dialog, **more)
    await answer(mailing, score, dialog)


async def waiting(mailing: Mailing) -> int:
    return await mailing.harness.database["deliveries"].count_documents({"due_at": {"$type": "date"}})


def given_up() -> float:
    labels = {"service": "rating", "kind": "low_score", "outcome": "given_up"}
    return REGISTRY.get_sample_value("candor_deliveries_total", labels) or 0


def text_of(mail: Any) -> str:
    return str(next(mail.iter_parts()).get_content())


class TestTold:
    async def test_a_low_score_comes_with_its_review_and_without_a_word(self, mailing: Mailing) -> None:
        await close(mailing)
        async with open_api_client(mailing.harness) as api:
            assert (await api.answer(2, "CANARY of the client")).status_code == 200
        await mailing.deliver()
        mail = mailing.mailbox.only_mail()
        assert (mail["To"], mail["Subject"]) == (CLARA, "shop: rated 2 of 5")
        assert mail["List-Unsubscribe"] is None
        (review,) = re.findall(r"^\S+/live-chat\?\S+", text_of(mail), re.MULTILINE)
        assert review.endswith("/live-chat?channel=shop&state=unsatisfied&review=d1.1")
        assert "CANARY" not in mail.as_string()
        assert "/form#" not in mail.as_string()
        assert not re.search(r"d1|clara", mail["Message-ID"])
        assert await waiting(mailing) == 0

    async def test_each_address_gets_its_own_in_the_language_that_was_chosen(self, mailing: Mailing) -> None:
        await tell(mailing, CLARA, IVO, locale="fr")
        await rate(mailing, 1)
        await mailing.deliver()
        assert sorted(mail["To"] for mail in mailing.mailbox.taken) == [CLARA, IVO]
        assert {mail["Subject"] for mail in mailing.mailbox.taken} == {"shop\xa0: note de 1 sur 5"}
        assert len({mail["Message-ID"] for mail in mailing.mailbox.taken}) == 2

    @pytest.mark.parametrize("score", [3, 4, 5])
    async def test_nobody_is_told_of_any_other_score(self, mailing: Mailing, score: int) -> None:
        await rate(mailing, score)
        await mailing.deliver()
        assert mailing.mailbox.taken == []

    async def test_a_change_from_above_is_told_and_one_from_below_is_not(self, mailing: Mailing) -> None:
        await rate(mailing, 5)
        for score, mails in ((1, 1), (2, 1), (3, 1), (2, 2)):
            await answer(mailing, score)
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == mails, score
            mailing.harness.clock.advance(APART)
        first, second = (mail["Message-ID"] for mail in mailing.mailbox.taken)
        assert first != second

    async def test_what_was_changed_to_better_before_the_mail_is_not_told(self, mailing: Mailing) -> None:
        await rate(mailing, 1)
        await answer(mailing, 5)
        await mailing.deliver()
        assert (mailing.mailbox.taken, await waiting(mailing)) == ([], 0)

    async def test_an_erased_client_is_not_told_of(self, mailing: Mailing) -> None:
        await rate(mailing, 1)
        await mailing.harness.erased.mark("c-d1", CLOSED_AT)
        await mailing.deliver()
        assert (mailing.mailbox.taken, await waiting(mailing)) == ([], 0)

    async def test_a_channel_that_tells_nobody_sends_nothing(self, mailing: Mailing) -> None:
        await rate(mailing, 1, channel="blog")
        await mailing.deliver()
        assert mailing.mailbox.taken == []

    async def test_a_change_is_told_by_the_settings_of_its_own_moment(self, mailing: Mailing) -> None:
        await tell(mailing)
        await rate(mailing, 5)
        mailing.harness.clock.advance(2 * SECOND)
        await tell(mailing, IVO)
        mailing.harness.clock.advance(2 * SECOND)
        await answer(mailing, 1)
        await mailing.deliver()
        assert mailing.mailbox.only_mail()["To"] == IVO

    async def test_the_settings_are_those_of_the_moment_of_the_answer(
        self, mongo: str, database: str
    ) -> None:
        async with open_mailing(mongo, database, rules=None, relaying=False) as mailing:
            clock = mailing.harness.clock
            await close(mailing, "before")
            await close(mailing, "after")
            await tell(mailing, CLARA)
            clock.advance(SECOND)
            await answer(mailing, 1, "before")
            clock.advance(SECOND)
            await tell(mailing, IVO)
            await tell(mailing)
            clock.advance(2 * SECOND)
            await answer(mailing, 1, "after")
            async with mailing.harness.at_work():  # the relay was away meanwhile
                await mailing.deliver()
            assert mailing.mailbox.only_mail()["To"] == CLARA


class TestFlood:
    async def test_one_mail_in_fifteen_minutes_says_how_many_there_were(self, mailing: Mailing) -> None:
        await rate(mailing, 1)
        await mailing.deliver()
        for number in range(7):
            mailing.harness.clock.advance(MINUTE)
            await rate(mailing, 2, f"more{number}")
            await mailing.deliver()
        assert "More low scores" not in text_of(mailing.mailbox.only_mail())
        mailing.harness.clock.advance(8 * MINUTE - timedelta(milliseconds=1))
        await mailing.deliver()
        assert len(mailing.mailbox.taken) == 1
        mailing.harness.clock.advance(timedelta(milliseconds=1))
        await mailing.deliver()
        _, second = mailing.mailbox.taken
        assert "More low scores since 1:00\u202fAM (UTC): 6." in text_of(second)
        assert await waiting(mailing) == 0

    async def test_an_address_has_one_time_however_it_is_written(self, mailing: Mailing) -> None:
        await rate(mailing, 1)
        await mailing.deliver()
        mailing.harness.clock.advance(2 * SECOND)
        await tell(mailing, CLARA.upper())
        mailing.harness.clock.advance(2 * SECOND)
        await rate(mailing, 1, "d2")
        await mailing.deliver()
        assert (len(mailing.mailbox.taken), await waiting(mailing)) == (1, 1)

    async def test_what_waited_for_its_turn_comes_at_once_then(self, mailing: Mailing) -> None:
        await rate(mailing, 1)
        await mailing.deliver()
        mailing.harness.clock.advance(APART - SECOND)
        await rate(mailing, 1, "d2")
        for taken in (1, 2):
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == taken
            mailing.harness.clock.advance(SECOND)

    async def test_it_counts_what_is_still_low_and_of_nobody_erased(self, mailing: Mailing) -> None:
        await rate(mailing, 1)
        await mailing.deliver()
        for name in ("a", "b", "better", "erased"):
            await rate(mailing, 1, name)
        await answer(mailing, 5, "better")
        await mailing.harness.erased.mark("c-erased", CLOSED_AT)
        mailing.harness.clock.advance(APART)
        await mailing.deliver()
        _, second = mailing.mailbox.taken
        assert "More low scores since 12:59\u202fAM (UTC): 1." in text_of(second)
        assert await waiting(mailing) == 0

    async def test_other_addresses_and_channels_have_times_of_their_own(self, mailing: Mailing) -> None:
        await tell(mailing, CLARA, channel="blog")
        await rate(mailing, 1)
        await mailing.deliver()
        mailing.harness.clock.advance(2 * SECOND)
        await tell(mailing, CLARA, IVO)
        await rate(mailing, 1, "d2")
        await rate(mailing, 1, "d3", channel="blog")
        await mailing.deliver()
        assert sorted((mail["To"], mail["Subject"][:4]) for mail in mailing.mailbox.taken) == [
            (CLARA, "blog"), (CLARA, "shop"), (IVO, "shop"),
        ]  # fmt: skip

    async def test_workers_that_run_side_by_side_send_one(self, mailing: Mailing) -> None:
        own = mailing.worker
        other = MailDeliveries(
            mailing.harness.repository, own._deliveries, own._mailer, own._mails, own._low_scores,
            own._addresses, own._opt_outs, mailing.harness.erased,
        )  # fmt: skip
        mailing.mailbox.slow_by_seconds = 0.1
        for number in range(12):
            await rate(mailing, 1, f"d{number}")
        await mailing.harness.relayed()
        running = [asyncio.create_task(worker.run()) for worker in (own, other)]

        async def none_is_due() -> bool:
            due = {"due_at": {"$type": "date", "$lte": mailing.harness.clock.now()}}
            return await mailing.harness.database["deliveries"].count_documents(due) == 0

        await until(none_is_due)
        for each in running:
            each.cancel()
        await asyncio.wait(running)
        assert len(mailing.mailbox.taken) == 1
        mailing.harness.clock.advance(APART)
        await mailing.deliver()
        assert len(mailing.mailbox.taken) <= 2
        assert await waiting(mailing) == 0


class TestTryingAgain:
    async def test_a_server_that_greylists_gets_the_same_again(self, mailing: Mailing) -> None:
        mailing.mailbox.breaks_off_after_data = True
        await rate(mailing, 1)
        await mailing.deliver()
        await rate(mailing, 1, "d2")
        mailing.mailbox.breaks_off_after_data = False
        mailing.harness.clock.advance(LONGER)
        await mailing.deliver()
        first, second = mailing.mailbox.taken
        assert first["Message-ID"] == second["Message-ID"]
        assert "More low scores" in text_of(second)
        assert await waiting(mailing) == 0

    async def test_what_a_mail_that_was_not_taken_would_have_told_of_is_told_later(
        self, mailing: Mailing
    ) -> None:
        mailing.mailbox.replies["rcpt"] = [GREYLISTED]
        await rate(mailing, 1)
        mailing.harness.clock.advance(SECOND)
        await rate(mailing, 1, "d2")
        await mailing.deliver()
        await answer(mailing, 5)
        mailing.harness.clock.advance(APART)
        await mailing.deliver()
        assert "review=d2.1" in text_of(mailing.mailbox.only_mail())
        assert await waiting(mailing) == 0

    async def test_whoever_goes_on_for_a_worker_that_was_killed_sends_the_same_id(
        self, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await rate(mailing, 1)

        async def killed(*_: Any) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patched:
            patched.setattr(mailing.worker, "_count", lambda *_: None)
            patched.setattr(mailing.harness.low_scores, "settle", killed)  # after the mail
            with pytest.raises(asyncio.CancelledError):
                await mailing.deliver()
        await mailing.deliver()
        assert len(mailing.mailbox.taken) == 1  # it is still claimed
        mailing.harness.clock.advance(LEASE)
        await mailing.deliver()
        first, second = (mail["Message-ID"] for mail in mailing.mailbox.taken)
        assert first == second

    async def test_a_relay_that_repeats_itself_has_nothing_sent_again(self, mailing: Mailing) -> None:
        await rate(mailing, 1)
        await mailing.deliver()
        await mailing.harness.database["alert_turns"].delete_many({})
        await mailing.harness.database["commits"].update_many({}, {"$set": {"relayed": False}})
        async with mailing.harness.at_work():
            await mailing.deliver()
        assert len(mailing.mailbox.taken) == 1

    async def test_it_is_given_up_after_a_day(self, mailing: Mailing) -> None:
        before = given_up()
        mailing.mailbox.replies["rcpt"] = [GREYLISTED] * 100
        await rate(mailing, 1)
        while mailing.harness.clock.now() < CLOSED_AT + TRIED_FOR:
            await mailing.deliver()
            assert await waiting(mailing) == 1
            mailing.harness.clock.advance(30 * MINUTE)
        mailing.harness.clock.advance(5 * 60 * MINUTE)
        mailing.mailbox.replies.clear()
        await mailing.deliver()
        assert (mailing.mailbox.taken, await waiting(mailing), given_up() - before) == ([], 0, 1)

    async def test_addresses_are_in_no_log_and_no_metric(self, mailing: Mailing) -> None:
        mailing.mailbox.replies["rcpt"] = [GREYLISTED, REFUSED]
        with structlog.testing.capture_logs() as logged:
            await rate(mailing, 1)
            await mailing.deliver()
            mailing.harness.clock.advance(LONGER)
            await mailing.deliver()
        assert [each["reason"] for each in logged if each["event"] == "mail_not_taken"] == [
            "deferred",
            "recipient_refused",
        ]
        assert CLARA not in str(logged)
        assert CLARA.encode() not in generate_latest()
        assert (mailing.mailbox.taken, await waiting(mailing)) == ([], 0)
