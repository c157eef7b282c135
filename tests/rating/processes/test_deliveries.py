"""Forms reach their clients by e-mail, once each if all goes well, and nobody who doesn't wait for one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from analytics.domain.close import Close, CloseEvent
from chassis.eventstore.handle import handle
from contracts.ratings import CloseState, RatingOffered, RatingUndeliverable, Way
from rating.adapters.mail import WITHIN_SECONDS as MAILED_WITHIN
from rating.adapters.webhooks import WITHIN_SECONDS as POSTED_WITHIN
from rating.domain.rating.decider import RATING, GiveRating
from rating.domain.rating.state import Offered
from rating.domain.rating.ways import DeliveryWay
from rating.domain.rating.ways import Way as OwnWay
from rating.personal_data import Addresses
from rating.processes.deliveries import AT_ONCE, PAUSES, MailDeliveries
from rating.processes.delivery_worker import AWAITED, LEASE
from tests.rating.api_client import open_api_client
from tests.rating.builders import BOTH, CLOSED_AT, EXPIRY, MAILED, MINUTE, at
from tests.rating.harness import closed, reopened
from tests.rating.mailing import SENDER, ZOE, Mailing, link, open_mailing, reader_of, with_contact
from tests.waiting import until

pytestmark = pytest.mark.real

REMINDING = MAILED.model_copy(update={"reminder": 30 * MINUTE})
GREYLISTED, REFUSED = "451 4.7.1 Try again later", "550 5.1.1 No such user"
LONGER = timedelta(seconds=1.2 * PAUSES[0].total_seconds())
"""Than the first pause, whatever its jitter."""


@pytest.fixture
async def mailing(mongo: str, database: str) -> AsyncIterator[Mailing]:
    """Forms come by e-mail alone, at once."""
    async with open_mailing(mongo, database) as mailing:
        yield mailing


def alarms() -> float:
    labels = {"service": "rating", "kind": "delivery_failed"}
    return REGISTRY.get_sample_value("candor_alarms_total", labels) or 0


async def answer(mailing: Mailing, dialog: str = "d1") -> None:
    command = GiveRating(1, 5, mailing.harness.clock.now())
    await handle(mailing.harness.repository, RATING, RATING.stream(dialog), command)
    await mailing.harness.relayed()


async def document(mailing: Mailing, delivery: str = "d1.1:invitation") -> dict[str, Any]:
    found = await mailing.harness.database["deliveries"].find_one({"_id": delivery})
    assert found is not None
    return found


async def due_at(mailing: Mailing) -> Any:
    return (await document(mailing))["due_at"]


class TestInvitation:
    async def test_its_link_answers_the_form(self, mailing: Mailing) -> None:
        await mailing.close()
        await mailing.deliver()
        mail = mailing.mailbox.only_mail()
        assert (mail["To"], mail["From"]) == (ZOE, f"shop <{SENDER}>")
        assert mail["Reply-To"] is None
        offered = mailing.harness.notes.ratings[0]
        assert isinstance(offered, RatingOffered)
        assert offered.way is Way.EMAIL
        async with open_api_client(mailing.harness) as api:
            assert await api.mine() == []  # the widget is no way of this channel
            given = await api.post("answer", {"token": link(mail, "form"), "score": 5})
            assert given.status_code == 200, given.text
        await mailing.harness.relayed()
        assert mailing.published() == ["offered", "given"]

    async def test_it_is_sent_once(self, mailing: Mailing) -> None:
        await mailing.close()
        for _ in range(3):
            await mailing.deliver()
            mailing.harness.clock.advance(LEASE)
        assert len(mailing.mailbox.taken) == 1

    async def test_no_word_of_an_address_is_stored_or_logged(self, mailing: Mailing) -> None:
        mailing.mailbox.replies["rcpt"] = [GREYLISTED]
        with structlog.testing.capture_logs() as logs:
            await mailing.close()
            await mailing.deliver()
            mailing.harness.clock.advance(LONGER)
            await mailing.deliver()
        assert mailing.mailbox.only_mail()["To"] == ZOE
        assert "zoe" not in str(logs)
        database = mailing.harness.database
        for name in await database.list_collection_names():
            assert "zoe" not in str(await database[name].find().to_list(None)), name

    async def test_it_waits_for_its_time_and_not_a_millisecond_less(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, BOTH) as mailing:
            await mailing.close()
            mailing.harness.clock.advance(10 * MINUTE - timedelta(milliseconds=1))
            await mailing.deliver()
            assert mailing.mailbox.taken == []
            mailing.harness.clock.advance(timedelta(milliseconds=1))
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == 1
            async with open_api_client(mailing.harness) as api:
                assert len(await api.mine()) == 1

    async def test_who_has_answered_meanwhile_gets_none(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, BOTH) as mailing:
            await mailing.close()
            await answer(mailing)
            mailing.harness.clock.advance(10 * MINUTE)
            await mailing.deliver()
            assert mailing.mailbox.taken == []
            assert await due_at(mailing) is None

    async def test_a_dialog_that_was_reopened_gets_none(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, BOTH) as mailing:
            await mailing.close()
            await mailing.harness.inbound.on_dialog_reopened(reopened())
            mailing.harness.clock.advance(10 * MINUTE)
            await mailing.deliver()
            assert mailing.mailbox.taken == []

    async def test_past_the_deadline_none_is_sent_even_before_the_timer_comes(self, mailing: Mailing) -> None:
        await mailing.close()
        mailing.harness.clock.advance(EXPIRY)
        await mailing.deliver()
        assert mailing.mailbox.taken == []

    async def test_the_form_is_looked_at_as_it_is_and_not_as_it_was(self, mailing: Mailing) -> None:
        await mailing.close()
        stale = await document(mailing)
        await answer(mailing)
        await mailing.harness.database["deliveries"].replace_one({"_id": stale["_id"]}, stale)
        assert await mailing.worker.deliver_due() == 1
        assert mailing.mailbox.taken == []
        assert await due_at(mailing) is None

    async def test_what_was_stored_as_sent_is_not_sent_again(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, REMINDING) as mailing:
            await mailing.close()
            stale = [await document(mailing)]
            await mailing.deliver()
            stale.append(await document(mailing, "d1.1:reminder"))
            mailing.harness.clock.advance(30 * MINUTE)
            await mailing.deliver()
            for each in stale:
                await mailing.harness.database["deliveries"].replace_one({"_id": each["_id"]}, each)
            done = 0

            async def both_are_settled() -> bool:  # what is due before the last one is found by a sweep
                nonlocal done
                done += await mailing.worker.deliver_due()
                return done == 2

            await until(both_are_settled)
            assert len(mailing.mailbox.taken) == 2

    async def test_an_erased_client_gets_none_from_the_moment_they_are_marked(self, mailing: Mailing) -> None:
        await mailing.close()
        await mailing.harness.erased.mark("c1", CLOSED_AT)
        await mailing.worker.deliver_due()
        assert mailing.mailbox.taken == []

    async def test_a_client_without_an_address_is_not_asked(self, mailing: Mailing) -> None:
        await mailing.harness.inbound.on_dialog_closed(closed())
        await mailing.deliver()
        assert (mailing.published(), mailing.mailbox.taken) == (["not-offered"], [])


class TestTryingAgain:
    async def test_a_server_that_greylists_gets_it_again_and_takes_one(self, mailing: Mailing) -> None:
        mailing.mailbox.replies["rcpt"] = [GREYLISTED] * 3
        await mailing.close()
        for pause in PAUSES[:4]:
            await mailing.deliver()
            due = await due_at(mailing)
            if due is not None:
                assert 0.9 * pause <= due - mailing.harness.clock.now() <= 1.1 * pause
                mailing.harness.clock.advance(due - mailing.harness.clock.now())
        assert len(mailing.mailbox.taken) == 1
        assert await due_at(mailing) is None

    async def test_a_mail_of_which_nobody_knows_comes_again_with_its_id(self, mailing: Mailing) -> None:
        mailing.mailbox.breaks_off_after_data = True
        await mailing.close()
        await mailing.deliver()
        mailing.mailbox.breaks_off_after_data = False
        mailing.harness.clock.advance(LONGER)
        await mailing.deliver()
        first, second = (mail["Message-ID"] for mail in mailing.mailbox.taken)
        assert first == second

    async def test_whoever_goes_on_for_a_worker_that_was_killed_sends_the_same_id(
        self, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await mailing.close()

        async def killed(*_: Any) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patched:
            patched.setattr(mailing.worker, "_sent", killed)  # after the mail, before it is stored
            with pytest.raises(asyncio.CancelledError):
                await mailing.worker.deliver_due()
        await mailing.deliver()
        assert len(mailing.mailbox.taken) == 1  # it is still claimed
        mailing.harness.clock.advance(LEASE)
        await mailing.deliver()
        first, second = (mail["Message-ID"] for mail in mailing.mailbox.taken)
        assert first == second
        assert "d1" not in first
        assert await due_at(mailing) is None

    async def test_a_form_that_never_left_in_time_is_undeliverable(self, mailing: Mailing) -> None:
        mailing.mailbox.replies["rcpt"] = [GREYLISTED] * 100
        await mailing.close()
        while mailing.harness.clock.now() < at(0) + EXPIRY:
            await mailing.deliver()
            mailing.harness.clock.advance(5 * MINUTE)
        await mailing.harness.timers.settle_due()
        await mailing.deliver()
        assert mailing.published() == ["offered", "undeliverable"]
        assert await due_at(mailing) is None

    @pytest.mark.parametrize(("reply", "raised"), [("550 5.7.1 Not allowed here", 1), (GREYLISTED, 0)])
    async def test_what_somebody_has_to_set_right_is_an_alarm(
        self, mailing: Mailing, reply: str, raised: int
    ) -> None:
        before = alarms()
        mailing.mailbox.replies["rcpt"] = [reply]
        await mailing.close()
        await mailing.deliver()
        assert alarms() - before == raised
        mailing.harness.clock.advance(LONGER)
        await mailing.deliver()
        assert len(mailing.mailbox.taken) == 1

    async def test_a_key_that_is_still_to_come_is_waited_for(self, mailing: Mailing) -> None:
        event = await with_contact(mailing.harness, closed(), ZOE, key_known=False)
        await mailing.harness.inbound.on_dialog_closed(event)
        await mailing.deliver()
        assert await due_at(mailing) == mailing.harness.clock.now() + AWAITED
        assert mailing.published() == ["offered"]


class TestUndeliverable:
    async def test_a_refused_address_as_the_only_way_is_published_and_counted(self, mailing: Mailing) -> None:
        mailing.mailbox.replies["rcpt"] = [REFUSED]
        await mailing.close()
        await mailing.deliver()
        offered, given_up = mailing.harness.notes.ratings
        assert isinstance(given_up, RatingUndeliverable)
        assert (given_up.ways, given_up.reason) == ((Way.EMAIL,), "recipient_refused")
        events: dict[type[CloseEvent], CloseEvent] = {
            type(each): each for each in (closed(), offered, given_up)
        }
        assert Close("d1", 1, events).state is CloseState.UNDELIVERABLE
        async with open_api_client(mailing.harness) as api:
            assert (await api.answer(5)).status_code == 404

    async def test_a_form_that_never_left_takes_no_question_from_the_next_close(
        self, mongo: str, database: str
    ) -> None:
        rules = MAILED.model_copy(update={"cool_down": timedelta(hours=1)})
        async with open_mailing(mongo, database, rules) as mailing:
            mailing.mailbox.replies["rcpt"] = [REFUSED]
            await mailing.close()
            await mailing.deliver()
            await mailing.close("d2")
            assert mailing.published() == ["offered", "undeliverable", "offered"]

    async def test_a_refused_address_leaves_the_widget(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, BOTH) as mailing:
            mailing.mailbox.replies["rcpt"] = [REFUSED]
            await mailing.close()
            mailing.harness.clock.advance(10 * MINUTE)
            await mailing.deliver()
            assert mailing.published() == ["offered"]
            assert await due_at(mailing) is None
            async with open_api_client(mailing.harness) as api:
                assert len(await api.mine()) == 1

    async def test_what_was_stored_as_failed_is_not_tried_again(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, BOTH) as mailing:
            await mailing.close()
            stale = await document(mailing)
            mailing.mailbox.replies["rcpt"] = [REFUSED]
            mailing.harness.clock.advance(10 * MINUTE)
            await mailing.deliver()
            await mailing.harness.database["deliveries"].replace_one({"_id": stale["_id"]}, stale)
            assert await mailing.worker.deliver_due() == 1
            assert mailing.mailbox.taken == []

    async def test_an_address_whose_key_was_erased_is_none(self, mailing: Mailing) -> None:
        event = await with_contact(mailing.harness, closed(), ZOE, key_known=False)
        await mailing.harness.inbound.on_dialog_closed(event)
        await mailing.harness.relayed()

        async def read_to_end() -> bool:
            return True

        mailing.worker._addresses = Addresses(reader_of(mailing.harness), read_to_end)
        await mailing.deliver()
        given_up = mailing.harness.notes.ratings[-1]
        assert isinstance(given_up, RatingUndeliverable)
        assert given_up.reason == "no_address"

    async def test_who_opts_out_while_a_mail_waits_gets_none(self, mongo: str, database: str) -> None:
        late = MAILED.model_copy(update={"ways": (DeliveryWay(way=OwnWay.EMAIL, after=10 * MINUTE),)})
        async with open_mailing(mongo, database, late) as mailing:
            await mailing.close()
            opt_outs = mailing.harness.opt_outs
            await opt_outs.remember(await opt_outs.recipient("shop", ZOE), CLOSED_AT)
            mailing.harness.clock.advance(10 * MINUTE)
            await mailing.deliver()
            assert mailing.mailbox.taken == []
            given_up = mailing.harness.notes.ratings[-1]
            assert isinstance(given_up, RatingUndeliverable)
            assert given_up.reason == "opted_out"


class TestReminder:
    async def test_it_comes_once(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, REMINDING) as mailing:
            await mailing.close()
            await mailing.deliver()
            mailing.harness.clock.advance(30 * MINUTE - timedelta(milliseconds=1))
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == 1
            mailing.harness.clock.advance(timedelta(milliseconds=1))
            for _ in range(3):
                await mailing.deliver()
                mailing.harness.clock.advance(LEASE)
            invitation, reminder = mailing.mailbox.taken
            assert reminder["Subject"] == "shop: you can still rate your chat"
            assert link(reminder, "form") == link(invitation, "form")
            assert reminder["Message-ID"] != invitation["Message-ID"]
            close = (await mailing.harness.repository.load(RATING, "rating:d1")).state.close(1)
            assert isinstance(close, Offered)
            assert close.reminded

    async def test_who_has_answered_is_not_reminded(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, REMINDING) as mailing:
            await mailing.close()
            await mailing.deliver()
            await answer(mailing)
            mailing.harness.clock.advance(30 * MINUTE)
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == 1

    async def test_who_has_opted_out_since_is_not_reminded(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, REMINDING) as mailing:
            await mailing.close()
            await mailing.deliver()
            opt_outs = mailing.harness.opt_outs
            await opt_outs.remember(await opt_outs.recipient("shop", ZOE), CLOSED_AT)
            mailing.harness.clock.advance(30 * MINUTE)
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == 1

    async def test_a_mail_that_was_late_reminds_by_itself(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, REMINDING) as mailing:
            await mailing.close()
            mailing.harness.clock.advance(31 * MINUTE)
            await mailing.deliver()
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == 1

    async def test_one_that_is_refused_changes_nothing_of_the_form(self, mongo: str, database: str) -> None:
        async with open_mailing(mongo, database, REMINDING) as mailing:
            await mailing.close()
            await mailing.deliver()
            mailing.mailbox.replies["rcpt"] = [REFUSED]
            mailing.harness.clock.advance(30 * MINUTE)
            await mailing.deliver()
            await mailing.deliver()
            assert len(mailing.mailbox.taken) == 1
            assert mailing.published() == ["offered"]


@pytest.mark.parametrize("within", [MAILED_WITHIN, POSTED_WITHIN])
def test_no_second_attempt_begins_during_one_by_either_way(within: float) -> None:
    assert timedelta(seconds=within) < LEASE


class TestWorkers:
    async def test_a_backlog_is_worked_off_in_order(self, mailing: Mailing) -> None:
        for number in (3, 1, 2):
            await mailing.close(f"d{number}", f"zoe{number}@school.test", client=f"c{number}")
            mailing.harness.clock.advance(MINUTE)
        await mailing.deliver()
        assert [mail["To"][3] for mail in mailing.mailbox.taken] == ["3", "1", "2"]

    async def test_two_that_run_send_each_mail_once(self, mailing: Mailing) -> None:
        other = MailDeliveries(
            mailing.harness.repository,
            mailing.worker._deliveries,
            mailing.worker._mailer,
            mailing.worker._mails,
            mailing.worker._low_scores,
            mailing.worker._addresses,
            mailing.worker._opt_outs,
            mailing.harness.erased,
        )
        for number in range(20):
            await mailing.close(f"d{number}", f"zoe{number}@school.test", client=f"c{number}")
        running = [asyncio.create_task(worker.run()) for worker in (mailing.worker, other)]

        async def all_settled() -> bool:
            waiting = {"due_at": {"$type": "date"}}
            return await mailing.harness.database["deliveries"].count_documents(waiting) == 0

        await until(all_settled)
        for each in running:
            each.cancel()
        await asyncio.wait(running)
        assert sorted(mail["To"] for mail in mailing.mailbox.taken) == sorted(
            f"zoe{number}@school.test" for number in range(20)
        )

    async def test_who_lost_the_lease_puts_nothing_off(self, mailing: Mailing) -> None:
        await mailing.close()
        deliveries, clock = mailing.worker._deliveries, mailing.harness.clock
        (late,) = await deliveries.due.claim(clock.now(), LEASE, 1)
        clock.advance(LEASE)
        (own,) = await deliveries.due.claim(clock.now(), LEASE, 1)
        await deliveries.postpone(late, 1, clock.now() + LEASE)
        assert (await document(mailing))["claim"] == own["claim"]

    async def test_a_worker_that_crashed_has_as_much_room_as_before(
        self, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def broken(*_: Any) -> None:
            raise KeyError

        with monkeypatch.context() as patched:
            patched.setattr(mailing.worker, "_claim", broken)
            for _ in range(AT_ONCE):
                with pytest.raises(KeyError):
                    await mailing.worker.run()
        await mailing.close()
        running = asyncio.create_task(mailing.worker.run())
        await until(lambda: mailing.mailbox.taken)
        running.cancel()
        await asyncio.wait([running])

    async def test_a_server_that_is_slow_holds_up_no_other_mail_and_is_stored_at_the_end(
        self, mailing: Mailing
    ) -> None:
        mailing.mailbox.slow_by_seconds = 0.3
        for number in range(4):
            await mailing.close(f"d{number}", f"zoe{number}@school.test", client=f"c{number}")
        running = asyncio.create_task(mailing.worker.run())
        await until(lambda: mailing.mailbox.connections == 4)
        assert mailing.mailbox.taken == []
        running.cancel()
        await asyncio.wait([running])
        await mailing.harness.relayed()
        assert len(mailing.mailbox.taken) == 4
        waiting = {"due_at": {"$type": "date"}}
        assert await mailing.harness.database["deliveries"].count_documents(waiting) == 0
