"""Text in documents that expire: sealed without a key of its own, which would have to be deleted as well.

The key is made from the service's master key, the data subject and the purpose (HMAC-SHA-256), so that a text
opens in its place only. It opens as long as there is a copy of it: nothing for events, logs or messages.
"""

import hmac

from chassis.crypto_shredding import jwe


def seal_temporarily(text: str, master_key: bytes, *, subject: str, purpose: str) -> str:
    """`text` sealed, to be opened with the same three."""
    return jwe.seal(text.encode(), _key(master_key, subject, purpose), jwe.short_hash(master_key))


def open_temporarily(sealed: str, master_key: bytes, *, subject: str, purpose: str) -> str | None:
    """The text; None if it was sealed under another master key. Raises `DecryptionFailed`."""
    if jwe.kid_of(sealed) != jwe.short_hash(master_key):
        return None
    return jwe.unseal(sealed, _key(master_key, subject, purpose)).decode()


def _key(master_key: bytes, subject: str, purpose: str) -> bytes:
    return hmac.digest(master_key, f"candor temporary\0{subject}\0{purpose}".encode(), "sha256")
