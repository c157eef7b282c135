"""Words of people, on their way into the domain and out of it: sealed before they are first written."""

from chassis.crypto_shredding import KeyRing
from chassis.errors import CommandRejected, SubjectErased
from chat.domain.client import ERASED, Client, RegisteredClient, Registration

Contact = tuple[str | None, str | None]
"""E-mail and name, sealed."""


def contact_key(client: str) -> str:
    """The name of the key under which a client's contact lies before there is a dialog."""
    return f"client:{client}"  # never a dialog's id, which clients choose


async def seal_contact(
    keys: KeyRing, name_of_key: str, client: str, email: str | None, name: str | None
) -> Contact:
    """E-mail and name, sealed, as far as they are given."""
    try:
        sealed = [word and await keys.seal(name_of_key, client, word) for word in (email, name)]
    except SubjectErased:
        raise CommandRejected(ERASED) from None
    return sealed[0], sealed[1]


async def registration(
    keys: KeyRing, client: str, channel: str, locale: str | None, email: str | None, name: str | None
) -> Registration:
    """Who a client is, sealed for good under the client's own key."""
    sealed = await seal_contact(keys, contact_key(client), client, email, name)
    return Registration(channel, locale, *sealed)


async def contact_for(keys: KeyRing, dialog: str, client: str, state: Client) -> Contact:
    """E-mail and name, sealed again under the dialog's key, so that its readers need no other."""
    if not isinstance(state, RegisteredClient) or not (state.email or state.name):
        return None, None
    email = await keys.open(state.email) if state.email else None
    name = await keys.open(state.name) if state.name else None
    try:
        return await seal_contact(keys, dialog, client, email, name)
    except CommandRejected:
        return None, None  # erased meanwhile: the dialog can be closed all the same


async def seal_message(keys: KeyRing, dialog: str, client: str, text: str) -> tuple[str, str]:
    """The text, sealed, and its fingerprint. `CommandRejected` if the client is erased."""
    try:
        return await keys.seal(dialog, client, text), await keys.fingerprint(dialog, client, text)
    except SubjectErased:
        raise CommandRejected(ERASED) from None
