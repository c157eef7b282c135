"""Sealed words are JWE: anybody's library opens ours, and we open theirs."""

from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe as theirs
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter
from pydantic import TypeAdapter

from chassis.crypto_shredding import jwe as ours
from chassis.errors import DecryptionFailed
from contracts.envelope import Id, Sealed

KEY, OTHER = ours.new_key(), ours.new_key()
KID = ours.new_kid()
HERE = ours.Context("c1", "d1", "comment")
CTX = urlsafe_b64encode(sha256(b"c1\nd1\ncomment").digest()[:16]).rstrip(b"=").decode()
HEADER = {"alg": "dir", "enc": "A256GCM", "kid": KID, "ctx": CTX}
REGISTRY = theirs.JWERegistry(header_registry={"ctx": HeaderParameter("what it is", "str")})


@given(st.binary(max_size=2000))
def test_joserfc_opens_what_we_seal(words: bytes) -> None:
    opened = theirs.decrypt_compact(
        ours.seal(words, KEY, KID, HERE), OctKey.import_key(KEY), registry=REGISTRY
    )
    assert opened.plaintext == words
    assert opened.headers() == HEADER


@given(st.binary(max_size=2000))
def test_we_open_what_joserfc_seals(words: bytes) -> None:
    sealed = theirs.encrypt_compact(HEADER, words, OctKey.import_key(KEY), registry=REGISTRY)
    assert ours.unseal(sealed, KEY, HERE) == words
    assert ours.kid_of(sealed, HERE) == KID


@given(st.binary(max_size=100))
def test_the_contract_knows_the_form(words: bytes) -> None:
    TypeAdapter(Sealed).validate_python(ours.seal(words, KEY, KID, HERE))
    TypeAdapter(Id).validate_python(ours.new_kid())
    TypeAdapter(Id).validate_python(ours.short_hash(KEY))


def test_the_same_words_are_never_sealed_alike() -> None:
    assert ours.seal(b"fine", KEY, KID, HERE) != ours.seal(b"fine", KEY, KID, HERE)


@pytest.mark.parametrize(
    "elsewhere",
    [HERE._replace(subject="c2"), HERE._replace(scope="d2"), HERE._replace(purpose="email")],
)
def test_it_opens_as_what_it_was_sealed_only(elsewhere: ours.Context) -> None:
    sealed = ours.seal(b"fine", KEY, KID, HERE)
    with pytest.raises(DecryptionFailed, match="something else"):
        ours.unseal(sealed, KEY, elsewhere)
    with pytest.raises(DecryptionFailed, match="something else"):
        ours.kid_of(sealed, elsewhere)


def test_the_context_cannot_be_exchanged() -> None:
    elsewhere = HERE._replace(scope="d2")
    _, _, rest = ours.seal(b"fine", KEY, KID, HERE).partition(".")
    header, _, _ = ours.seal(b"fine", KEY, KID, elsewhere).partition(".")
    with pytest.raises(DecryptionFailed, match="does not open"):
        ours.unseal(f"{header}.{rest}", KEY, elsewhere)


@pytest.mark.parametrize("place", range(3))
def test_a_context_with_a_line_break_would_be_ambiguous(place: int) -> None:
    with pytest.raises(ValueError, match="line break"):
        ours.context_hash(ours.Context(*("a\nb" if n == place else "a" for n in range(3))))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(DecryptionFailed):
        ours.unseal(ours.seal(b"fine", KEY, KID, HERE), OTHER, HERE)


@pytest.mark.parametrize("part", [0, 2, 3, 4])
def test_a_changed_letter_anywhere_is_noticed(part: int) -> None:
    parts = ours.seal(b"fine words", KEY, KID, HERE).split(".")
    changed = "B" if parts[part][5] != "B" else "C"
    parts[part] = parts[part][:5] + changed + parts[part][6:]
    with pytest.raises(DecryptionFailed):
        ours.unseal(".".join(parts), KEY, HERE)


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "A256KW"},
        {**HEADER, "enc": "A128CBC-HS256"},
        {"alg": "dir", "enc": "A256GCM", "ctx": CTX},
        {"alg": "dir", "enc": "A256GCM", "kid": KID},
        {**HEADER, "kid": 7},
        {**HEADER, "ctx": 7},
        {**HEADER, "zip": "DEF"},
        {**HEADER, "crit": ["exp"]},
        ["dir"],
    ],
)
def test_any_other_header_is_refused(header: object) -> None:
    encoded = ours._encode(TypeAdapter(object).dump_json(header))
    _, _, rest = ours.seal(b"fine", KEY, KID, HERE).partition(".")
    with pytest.raises(DecryptionFailed):
        ours.unseal(f"{encoded}.{rest}", KEY, HERE)
    with pytest.raises(DecryptionFailed):
        ours.kid_of(f"{encoded}.{rest}", HERE)


@pytest.mark.parametrize(
    "sealed", ["", "fine", "....", "a.b.c", "\x00..a.b.c", "e30..AAAA.AAAA.AAAA", "ä..a.b.c"]
)
def test_what_is_no_jwe_is_unreadable(sealed: str) -> None:
    with pytest.raises(DecryptionFailed):
        ours.unseal(sealed, KEY, HERE)


@pytest.mark.parametrize("added", ["=", "!!!!", "\n\n\n\n", "ééé", "\ud800"])
def test_letters_outside_of_base64url_are_not_skipped(added: str) -> None:
    sealed = ours.seal(b"fine", KEY, KID, HERE)
    for at in (sealed.rindex(".") + 1, len(sealed)):
        with pytest.raises(DecryptionFailed):
            ours.unseal(sealed[:at] + added + sealed[at:], KEY, HERE)


def test_letters_of_base64_are_none_of_base64url() -> None:
    sealed = next(text for _ in range(1_000) if "-" in (text := ours.seal(b"fine", KEY, KID, HERE)))
    with pytest.raises(DecryptionFailed):
        ours.unseal(sealed.replace("-", "+"), KEY, HERE)
