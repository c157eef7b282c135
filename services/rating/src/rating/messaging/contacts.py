"""How the client of a close can be reached."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from contracts.dialogs import DialogClosed
from rating.domain.rating.form_version import FormVersion
from rating.domain.rating.ways import Way, after_of, mails
from rating.personal_data import Addresses
from rating.read_models.opt_outs import OptOuts


class Reach(NamedTuple):
    """The ways that lead to a client; the address, sealed, if it may be used; whether they have opted out."""

    ways: tuple[Way, ...]
    email: str | None = None
    opted_out: bool = False


@dataclass(frozen=True)
class Contacts:
    """What is known of addresses; without `mail_available` none is kept, as nothing could be sent there.

    `webhook_gone` tells whether the webhook of a channel is switched off, at that version of its settings.
    """

    addresses: Addresses
    opt_outs: OptOuts
    mail_available: bool
    webhook_gone: Callable[[str, int], Awaitable[bool]]

    async def reach(self, event: DialogClosed, rules: FormVersion) -> Reach:
        """How the client of the close can be reached in a channel that asks by these rules.

        The widget is on the channel's own sites, so it reaches nobody whose dialog was in another system. An
        address whose key isn't here within a second counts: whether it has opted out is found before it is
        sent to, too. The channel's own system reaches everybody, unless its endpoint is gone.
        """
        ways = (Way.WIDGET,) if event.external_id is None else ()
        is_chosen = after_of(rules.ways, Way.WEBHOOK) is not None
        if not (is_chosen and await self.webhook_gone(event.channel, rules.version)):
            ways = (*ways, Way.WEBHOOK)
        email = event.contact.email if event.contact and self.mail_available else None
        if email is None:
            return Reach(ways)
        if mails(rules.ways) and await self.opt_outs.any_in(event.channel):
            address = await self.addresses.open_soon(email, client=event.client, dialog=event.dialog)
            if isinstance(address, str):
                recipient = await self.opt_outs.recipient(event.channel, address)
                if await self.opt_outs.has(recipient):
                    return Reach(ways, opted_out=True)
        return Reach((*ways, Way.EMAIL), email)
