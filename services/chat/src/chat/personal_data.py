"""What clients write and are called, on its way into the domain: sealed before it is first written."""

from dataclasses import replace

from chassis.crypto_shredding import KeyRing
from chassis.crypto_shredding.opened_text import OpenedText
from chassis.errors import CommandRejected, SubjectErased
from chat.domain.client import Client, RegisteredClient, Registration
from chat.domain.dialog.decider import DIALOG, NOT_SEALED, CloseDialog, PostMessage
from chat.domain.dialog.state import Dialog, details_of
from chat.domain.rejections import Rejection
from contracts.keys import Purpose


def contact_scope(client: str) -> str:
    """The scope in which a client's contact is sealed before there is a dialog."""
    return f"client:{client}"  # never a dialog's id, which clients choose


async def registration(
    keys: KeyRing, client: str, channel: str, locale: str | None, email: str | None, name: str | None
) -> Registration:
    """Who a client is, with e-mail and name sealed as far as they are given."""
    scope = contact_scope(client)
    return Registration(
        channel,
        locale,
        email=await _sealed(keys, email, client, scope, Purpose.EMAIL),
        name=await _sealed(keys, name, client, scope, Purpose.NAME),
    )


async def sealed_close(
    keys: KeyRing, command: CloseDialog, dialog: str, client: str, state: Client
) -> CloseDialog:
    """The command with e-mail and name, sealed again for the dialog: its readers need no other key.

    One that can't be opened is left out, as an erased one is: the dialog can be closed all the same.
    """
    if not isinstance(state, RegisteredClient):
        return command
    sealed: list[str | None] = []
    for text, purpose in ((state.email, Purpose.EMAIL), (state.name, Purpose.NAME)):
        opened = await opened_contact(keys, client, text, purpose)
        try:
            sealed.append(await _sealed(keys, opened.text if opened else None, client, dialog, purpose))
        except CommandRejected:
            return command  # erased meanwhile
    return replace(command, email=sealed[0], name=sealed[1])


async def sealed_message(
    keys: KeyRing, command: PostMessage, text: str, dialog: str, state: Dialog
) -> PostMessage:
    """The command with the sealed text and its fingerprint; only with this one if the message is known.

    Raises `CommandRejected` if the message is refused in that state, or its client erased.
    """
    client = details_of(state).client
    known = replace(
        command, fingerprint=await keys.fingerprint(text, subject=client, scope=dialog) or NOT_SEALED
    )
    if not DIALOG.decide(state, known):
        return known
    # Sealed once it is decided that they may: what is rejected leaves no key.
    sealed = await _sealed(keys, text, client, dialog, Purpose.MESSAGE)
    fingerprint = known.fingerprint or await keys.fingerprint(text, subject=client, scope=dialog)
    if sealed is None or fingerprint is None:
        raise CommandRejected(Rejection.CLIENT_ERASED)
    return replace(command, text=sealed, fingerprint=fingerprint)


async def opened_contact(
    keys: KeyRing, client: str, sealed: str | None, purpose: Purpose
) -> OpenedText | None:
    """A client's name or e-mail as it can be read now; None if none was given."""
    scope = contact_scope(client)
    return await OpenedText.of(keys, sealed, subject=client, scope=scope, purpose=purpose) if sealed else None


async def _sealed(keys: KeyRing, text: str | None, client: str, scope: str, purpose: Purpose) -> str | None:
    try:
        return text and await keys.seal(text, subject=client, scope=scope, purpose=purpose)
    except SubjectErased:
        raise CommandRejected(Rejection.CLIENT_ERASED) from None
