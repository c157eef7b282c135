"""Sealed words are JWE: anybody's library opens ours, and we open theirs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe as theirs
from joserfc.jwk import OctKey
from pydantic import TypeAdapter

from chassis.crypto_shredding import jwe as ours
from chassis.errors import DecryptionFailed
from contracts.envelope import Id, Sealed

KEY, OTHER = ours.new_key(), ours.new_key()
KID = ours.new_kid()
HEADER = {"alg": "dir", "enc": "A256GCM", "kid": KID}


@given(st.binary(max_size=2000))
def test_joserfc_opens_what_we_seal(words: bytes) -> None:
    opened = theirs.decrypt_compact(ours.seal(words, KEY, KID), OctKey.import_key(KEY))
    assert opened.plaintext == words
    assert opened.headers() == HEADER


@given(st.binary(max_size=2000))
def test_we_open_what_joserfc_seals(words: bytes) -> None:
    sealed = theirs.encrypt_compact(HEADER, words, OctKey.import_key(KEY))
    assert ours.unseal(sealed, KEY) == words
    assert ours.kid_of(sealed) == KID


@given(st.binary(max_size=100))
def test_the_contract_knows_the_form(words: bytes) -> None:
    TypeAdapter(Sealed).validate_python(ours.seal(words, KEY, KID))
    TypeAdapter(Id).validate_python(ours.new_kid())
    TypeAdapter(Id).validate_python(ours.short_hash(KEY))


def test_the_same_words_are_never_sealed_alike() -> None:
    assert ours.seal(b"fine", KEY, KID) != ours.seal(b"fine", KEY, KID)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(DecryptionFailed):
        ours.unseal(ours.seal(b"fine", KEY, KID), OTHER)


@pytest.mark.parametrize("part", [0, 2, 3, 4])
def test_a_changed_letter_anywhere_is_noticed(part: int) -> None:
    parts = ours.seal(b"fine words", KEY, KID).split(".")
    changed = "B" if parts[part][5] != "B" else "C"
    parts[part] = parts[part][:5] + changed + parts[part][6:]
    with pytest.raises(DecryptionFailed):
        ours.unseal(".".join(parts), KEY)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "A256KW", "enc": "A256GCM", "kid": KID},
        {"alg": "dir", "enc": "A128CBC-HS256", "kid": KID},
        {"alg": "dir", "enc": "A256GCM"},
        {"alg": "dir", "enc": "A256GCM", "kid": 7},
        {"alg": "dir", "enc": "A256GCM", "kid": KID, "zip": "DEF"},
        {"alg": "dir", "enc": "A256GCM", "kid": KID, "crit": ["exp"]},
        ["dir"],
    ],
)
def test_any_other_header_is_refused(header: object) -> None:
    encoded = ours._encode(TypeAdapter(object).dump_json(header))
    _, _, rest = ours.seal(b"fine", KEY, KID).partition(".")
    with pytest.raises(DecryptionFailed):
        ours.unseal(f"{encoded}.{rest}", KEY)
    with pytest.raises(DecryptionFailed):
        ours.kid_of(f"{encoded}.{rest}")


@pytest.mark.parametrize(
    "sealed", ["", "fine", "....", "a.b.c", "\x00..a.b.c", "e30..AAAA.AAAA.AAAA", "ä..a.b.c"]
)
def test_what_is_no_jwe_is_unreadable(sealed: str) -> None:
    with pytest.raises(DecryptionFailed):
        ours.unseal(sealed, KEY)


def test_letters_outside_of_base64url_are_not_skipped() -> None:
    sealed = ours.seal(b"fine", KEY, KID)
    with pytest.raises(DecryptionFailed):
        ours.unseal(sealed + "=", KEY)
    with pytest.raises(DecryptionFailed):
        ours.unseal(re.sub(r"\.(?=[^.]*$)", ".!", sealed), KEY)
