"""Rating with a real SMTP server, and clients whose addresses chat has sealed."""

import asyncio
import re
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

from chassis.crypto_shredding import KeyReader, jwe
from contracts.dialogs import Contact, DialogClosed
from contracts.keys import Purpose
from rating.domain.rating.form_version import FormVersion
from rating.personal_data import Addresses
from rating.processes.deliveries import MailDeliveries
from tests.rating.adapters.smtp_server import Mailbox, smtp_server
from tests.rating.builders import MAILED
from tests.rating.harness import KEY, Harness, closed, open_harness

READERS_KEY = urlsafe_b64decode(KEY)
SENDER = "no-reply@candor.test"
ZOE = "zoe@school.test"


class Mailing:
    """A service that can send mails, and where they go."""

    def __init__(self, harness: Harness, mailbox: Mailbox) -> None:
        self.harness = harness
        self.mailbox = mailbox

    @property
    def worker(self) -> MailDeliveries:
        assert self.harness.mailing is not None
        return self.harness.mailing

    async def deliver(self) -> None:
        """Everything that is due now is done, and what came of it relayed."""
        await self.harness.relayed()
        await self.worker.deliver_due()
        await self.harness.relayed()

    async def close(self, dialog: str = "d1", email: str = ZOE, **more: Any) -> None:
        """A dialog is closed whose client has given an address."""
        event = await with_contact(self.harness, closed(dialog, **more), email)
        await self.harness.inbound.on_dialog_closed(event)
        await self.harness.relayed()

    def published(self) -> list[str]:
        """The short names of what was published, in order."""
        return [
            event.type.removeprefix("candor.rating.").removesuffix(".v1")
            for event in self.harness.notes.ratings
        ]


async def with_contact(
    harness: Harness, event: DialogClosed, email: str, *, key_known: bool = True
) -> DialogClosed:
    """The close with an address sealed as chat does it, by a key that rating has received, if it is known."""
    raw, kid = jwe.new_key(), jwe.new_kid()
    if key_known:
        wrapped = jwe.WrappingKeys(READERS_KEY).wrap(raw, jwe.key_context(event.client, event.dialog, kid))
        key = {"_id": kid, "scope": event.dialog, "subject": event.client, "wrapped": wrapped}
        await harness.database["reader_keys"].insert_one({**key, "partition": "t:0", "scan": "s"})
    sealed = jwe.seal(email.encode(), raw, kid, jwe.Context(event.client, event.dialog, Purpose.EMAIL))
    return event.model_copy(update={"contact": Contact(email=sealed)})


async def late_key(mailing: Mailing, *, decided_first: bool) -> None:
    """A dialog is closed whose key rating receives while it waits for it, or once it waits no more."""
    harness, asked = mailing.harness, asyncio.Event()

    async def read_to_end() -> bool:
        asked.set()
        return False

    contacts = replace(harness.inbound.contacts, addresses=Addresses(reader_of(harness), read_to_end))
    event = await with_contact(harness, closed("late"), ZOE)
    key = await harness.database["reader_keys"].find_one_and_delete({"scope": "late"})
    assert key is not None
    deciding = asyncio.create_task(replace(harness.inbound, contacts=contacts).on_dialog_closed(event))
    await asyncio.wait_for(deciding if decided_first else asked.wait(), 30)
    await harness.database["reader_keys"].insert_one(key)
    await deciding
    await harness.relayed()


def reader_of(harness: Harness) -> KeyReader:
    """The keys that rating has received."""
    return KeyReader(harness.database, readers_key=READERS_KEY)


def link(mail: EmailMessage, page: str) -> str:
    """What a link to a page holds after its #."""
    text = next(mail.iter_parts()).get_content()
    (found,) = re.findall(rf"^\S+/{page}#(\S+)\s*$", text, re.MULTILINE)
    return str(found)


@asynccontextmanager
async def open_mailing(
    mongo: str, database: str, rules: FormVersion | None = MAILED, **more: Any
) -> AsyncIterator[Mailing]:
    """A harness whose mails go to a server of the test's own. `more` are settings."""
    mailbox = Mailbox()
    async with smtp_server(mailbox) as server:
        settings = {"smtp": server, "mail_from": SENDER, **more}
        async with open_harness(mongo, database, rules=rules, **settings) as harness:
            yield Mailing(harness, mailbox)
