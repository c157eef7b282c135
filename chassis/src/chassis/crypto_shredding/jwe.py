"""Sealed text: JWE compact serialization (RFC 7516), `dir` + `A256GCM`, the key's id in `kid`.

`ctx`, a private member of the header, binds a text to what it is: the protected header is the additional
authenticated data of AES-GCM (RFC 7516, 5.1), so neither can be changed without the key, and whoever opens a
text compares `ctx` with what the text should be.

Written with AES-GCM directly: a few µs a text, so it can be done inline; joserfc takes thirty times that.
"""

import json
import secrets
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json

from chassis.errors import DecryptionFailed

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
CONTEXT_BYTES = 16

# What `base64` does, without its layers: half of the time that opening a text took. What stands in base64
# alone becomes a sign of neither.
TO_URLSAFE, FROM_URLSAFE = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_+/=", b"+/!!!")
PADDING = (b"", b"", b"==", b"=")

CACHE_SIZE = 4096


class Context(NamedTuple):
    """What a sealed text is: whose, in which scope, and for what purpose. None of them holds a line break."""

    subject: str
    scope: str
    purpose: str


def key_context(subject: str, scope: str, kid: str) -> Context:
    """What the wrapped key `kid` is."""
    return Context(subject, scope, f"key:{kid}")


def new_key() -> bytes:
    """A random data key: 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def new_kid() -> str:
    """A random key id: 128 bits in hex."""
    return secrets.token_hex(16)


def short_hash(key: bytes) -> str:
    """The id of a master key or readers' key: 64 bits of its hash in hex, which tell nothing about it."""
    return sha256(b"candor key id\0" + key).hexdigest()[:16]


def seal(text: bytes, key: bytes, kid: str, context: Context) -> str:
    """`text` sealed with `key` (32 bytes), which readers find by `kid`; it opens as `context` only."""
    header = _header(kid, context)
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text, header)
    ciphertext, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    return f"{header.decode()}..{_encode(nonce)}.{_encode(ciphertext)}.{_encode(tag)}"


def unseal(sealed: str, key: bytes, context: Context) -> bytes:
    """The text in `sealed`. Raises `DecryptionFailed`, also if it is anything else than `context`."""
    match sealed.split("."):
        case [header, "", *encoded] if len(encoded) == 3:  # noqa: PLR2004 - RFC 7516, 7.1
            nonce, ciphertext, tag = map(_decode, encoded)
        case _:
            raise DecryptionFailed("Not a JWE in compact serialization with a direct key")
    _check(header, context)
    if len(nonce) != NONCE_BYTES or len(tag) != TAG_BYTES:
        raise DecryptionFailed("The nonce or the tag has a wrong length")
    try:
        return AESGCM(key).decrypt(nonce, ciphertext + tag, header.encode())
    except InvalidTag:
        raise DecryptionFailed("This key does not open this text") from None


def kid_of(sealed: str, context: Context) -> str:
    """The id of the key that opens `sealed` as `context`. Raises `DecryptionFailed`."""
    return _check(sealed.partition(".")[0], context)


class WrappingKeys:
    """Keys that wrap data keys: the one that is used, and those that open besides while it is rotated."""

    def __init__(self, key: bytes, before: Sequence[bytes] = ()) -> None:
        self._key = key
        self.kid = short_hash(key)
        self._known = {short_hash(each): each for each in (*before, key)}

    def wrap(self, raw: bytes, context: Context) -> str:
        """The data key, wrapped with the key that is used."""
        return seal(raw, self._key, self.kid, context)

    def unwrap(self, wrapped: str, context: Context) -> bytes:
        """The data key. Raises `DecryptionFailed`."""
        if (key := self._known.get(kid_of(wrapped, context))) is None:
            raise DecryptionFailed("This key is wrapped by another key than those in the settings")
        return unseal(wrapped, key, context)


def context_hash(context: Context) -> str:
    """The `ctx` of a context: 128 bits of the SHA-256 of its parts, joined by line breaks, in base64url."""
    joined = "\n".join(context)
    if joined.count("\n") >= len(context):
        raise ValueError("no part of a context holds a line break")
    return _encode(sha256(joined.encode()).digest()[:CONTEXT_BYTES])


@lru_cache(maxsize=CACHE_SIZE)
def _header(kid: str, context: Context) -> bytes:
    header = {"alg": "dir", "enc": "A256GCM", "kid": kid, "ctx": context_hash(context)}
    return _encode(json.dumps(header, separators=(",", ":")).encode()).encode()


@lru_cache(maxsize=CACHE_SIZE)
def _check(encoded: str, context: Context) -> str:
    """The kid in a header that is of `context`."""
    try:
        header = from_json(_decode(encoded))
    except ValueError:
        raise DecryptionFailed("The header is no JSON") from None
    if not isinstance(header, dict):
        raise DecryptionFailed("The header is no JSON object")
    # An exact match: an unknown member (crit, zip) would change what the rest means.
    if header.keys() != {"alg", "enc", "kid", "ctx"} or (header["alg"], header["enc"]) != ("dir", "A256GCM"):
        raise DecryptionFailed("Only dir with A256GCM, a kid and a ctx is read")
    if not isinstance(header["kid"], str):
        raise DecryptionFailed("The kid is no text")
    if header["ctx"] != context_hash(context):
        raise DecryptionFailed("This text was sealed as something else")
    return header["kid"]


def _encode(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).rstrip(b"=").translate(TO_URLSAFE).decode()


def _decode(text: str) -> bytes:
    try:
        encoded = text.encode().translate(FROM_URLSAFE)
        return a2b_base64(encoded + PADDING[len(encoded) % 4], strict_mode=True)
    except ValueError:
        raise DecryptionFailed("Not base64url") from None
