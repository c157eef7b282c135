"""Writes the mail that asks a client, and the one that reminds them."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from rating.adapters.mail import Mail
from rating.adapters.mails import CANDOR, Button, render
from rating.domain.form_colours import form_colours
from rating.domain.quality_control.texts import shown
from rating.domain.rating.state import Offered
from rating.read_models.channels import Channels
from rating.read_models.deliveries import DeliveryKind
from rating.read_models.form_documents import form_id
from rating.read_models.opt_outs import OptOuts, Recipient
from rating.read_models.quality_control import QualityControlVersions


@dataclass(frozen=True)
class FormMails:
    """Mails with links to pages at `url`; `token_of` gives the token of a form, by dialog and close."""

    versions: QualityControlVersions
    channels: Channels
    opt_outs: OptOuts
    url: str
    token_of: Callable[[str, int], str]

    async def write(
        self, kind: DeliveryKind, close: Offered, address: str, recipient: Recipient, now: datetime
    ) -> Mail:
        """The mail about a form, in the language that its client had in the dialog.

        Tokens that only the form or a click may use are in fragments, which no server logs. The one that mail
        programs post to (RFC 8058) can't be.
        """
        snapshot, rules = close.form.snapshot, close.form.rules
        settings = (await self.versions.at(snapshot.channel, rules.version)).settings
        locale = snapshot.locale or rules.default_locale
        stop = await self.opt_outs.token(recipient)
        name = await self.channels.name(snapshot.channel)
        rendered = render(
            "reminder" if kind is DeliveryKind.REMINDER else "invitation",
            locale=locale,
            channel=name,
            question=shown(settings.texts, [locale], rules.default_locale)["question"][1],
            link=f"{self.url}/form#{self.token_of(snapshot.dialog, snapshot.close_seq)}",
            until=close.expires_at,
            time_zone=await self.channels.time_zone(snapshot.channel),
            unsubscribe=f"{self.url}/unsubscribe#{stop}",
            button=button_of(settings.accent),
        )
        form = form_id(snapshot.dialog, snapshot.close_seq)
        return Mail(
            to=address,
            from_name=name,
            **asdict(rendered),
            id=f"{hashlib.sha256(form.encode()).hexdigest()[:32]}.{kind}",
            sent_at=now,
            unsubscribe=f"{self.url}/v1/mail/unsubscribe?token={stop}",
        )


def button_of(accent: str | None) -> Button:
    """The button in the colours of the form."""
    if accent is None:
        return CANDOR
    colours = form_colours(accent)
    light, dark = colours.light, colours.dark
    return Button(light.accent, light.on_accent, dark.accent, dark.on_accent)
