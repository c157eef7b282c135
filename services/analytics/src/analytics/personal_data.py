"""Supervisors' notes, on their way into the domain: they are about clients, so they are sealed."""

from dataclasses import replace
from typing import Final

from analytics.domain.rejections import Rejection
from analytics.domain.review import NOT_SEALED, REVIEW, Review, ReviewCommand, WriteNote
from chassis.crypto_shredding import PrivateKeyRing
from chassis.crypto_shredding.opened_text import OpenedText
from chassis.errors import CommandRejected, SubjectErased
from chassis.validation.text import is_blank

NOTE: Final = "note"
"""What a sealed note is, beside the purposes of what clients write."""


async def sealed_note(
    keys: PrivateKeyRing, command: WriteNote, text: str, client: str, dialog: str, review: Review
) -> ReviewCommand:
    """The command with the sealed note and its fingerprint; a blank note is none.

    Raises `CommandRejected` if the note is refused in that state, or its client erased.
    """
    if is_blank(text):
        return replace(command, note=None, fingerprint=None)
    # Makes no key. Whether a note is the one before, only its fingerprint shows.
    known = await keys.fingerprint(text, subject=client, scope=dialog)
    command = replace(command, note=NOT_SEALED, fingerprint=known or NOT_SEALED)
    if not REVIEW.decide(review, command):
        return command
    try:
        sealed = await keys.seal(text, subject=client, scope=dialog, purpose=NOTE)
    except SubjectErased:
        raise CommandRejected(Rejection.CLIENT_ERASED) from None
    if (fingerprint := await keys.fingerprint(text, subject=client, scope=dialog)) is None:
        raise CommandRejected(Rejection.CLIENT_ERASED)
    return replace(command, note=sealed, fingerprint=fingerprint)


async def opened_note(keys: PrivateKeyRing, sealed: str, client: str, dialog: str) -> OpenedText:
    """A note as it can be read now."""
    return await OpenedText.of(keys, sealed, subject=client, scope=dialog, purpose=NOTE)
