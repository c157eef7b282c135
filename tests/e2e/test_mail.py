"""A form comes by e-mail: from the address in the chat, through all services, to the number."""

import secrets
from email.message import EmailMessage

import httpx
import pytest

from deploy.demo.people import Visitor
from deploy.demo.support_floor import SupportFloor
from tests.e2e.conftest import SETTLE_SECONDS
from tests.rating.adapters.smtp_server import MailServer
from tests.rating.mailing import link
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

BY_MAIL = [{"way": "email", "after": 0}]


async def closed(floor: SupportFloor, channel: str, address: str) -> Visitor:
    """Somebody whose dialog was closed."""
    visitor, operator = await floor.visitor(channel, email=address), floor.operator("ann", "Ann Lee")
    dialog = visitor.name_dialog()
    await visitor.open(dialog)
    await visitor.post_message(dialog, "m1", "Hello")
    await operator.take(dialog)
    await operator.post_message(dialog, "m2", "Hello")
    await operator.close(dialog, 1)
    return visitor


async def counted(floor: SupportFloor, channel: str, state: str, number: int) -> None:
    """Waits until so many closes of the channel are in that state on the dashboard."""
    supervisor = floor.supervisor()

    async def look() -> bool:
        summary = await supervisor.read("summary", channel=channel)
        return bool(summary[state] == number)

    await until(look, within=SETTLE_SECONDS)


def mails_to(server: MailServer, address: str) -> list[EmailMessage]:
    return [mail for mail in server.mailbox.taken if mail["To"] == address]


async def test_a_form_that_came_by_mail_is_answered_counted_and_the_last_one(
    floor: SupportFloor, channel: str, mail_server: MailServer, http: httpx.AsyncClient
) -> None:
    await floor.set_up(channel, ways=BY_MAIL, expiry=600)
    address = f"zoe-{secrets.token_hex(4)}@school.test"
    visitor = await closed(floor, channel, address)

    (mail,) = await until(lambda: mails_to(mail_server, address), within=SETTLE_SECONDS)
    assert (await visitor.answer(link(mail, "form"), 5)).status_code == 200
    await counted(floor, channel, "given", 1)

    stop = mail["List-Unsubscribe"].strip("<>")
    assert (await http.get(stop)).status_code == 405
    assert (await http.post(stop, content="List-Unsubscribe=One-Click")).status_code == 204
    await closed(floor, channel, address)
    await counted(floor, channel, "not_offered", 1)
    assert len(mails_to(mail_server, address)) == 1


async def test_an_address_that_is_refused_is_counted_as_undeliverable(
    floor: SupportFloor, channel: str, mail_server: MailServer
) -> None:
    await floor.set_up(channel, ways=BY_MAIL, expiry=600)
    mail_server.mailbox.replies["rcpt"] = ["550 5.1.1 No such user"]
    await closed(floor, channel, "nobody@school.test")
    await counted(floor, channel, "undeliverable", 1)
