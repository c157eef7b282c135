"""Text that expires with its document opens in its place only."""

import pytest

from chassis.crypto_shredding.temporary import TemporarySeal
from chassis.errors import DecryptionFailed

OLD, NEW = b"o" * 32, b"n" * 32
SEAL = TemporarySeal(OLD)


def test_what_was_sealed_opens_again() -> None:
    sealed = SEAL.seal("Zoe Canary", subject="c1", purpose="name")
    assert "Canary" not in sealed
    assert SEAL.open(sealed, subject="c1", purpose="name") == "Zoe Canary"


@pytest.mark.parametrize(("subject", "purpose"), [("c2", "name"), ("c1", "email")])
def test_it_opens_nowhere_else(subject: str, purpose: str) -> None:
    sealed = SEAL.seal("Zoe", subject="c1", purpose="name")
    with pytest.raises(DecryptionFailed):
        SEAL.open(sealed, subject=subject, purpose=purpose)


def test_a_master_key_of_the_past_opens_it_as_long_as_it_is_known() -> None:
    sealed = SEAL.seal("Zoe", subject="c1", purpose="name")
    assert TemporarySeal(NEW, [OLD]).open(sealed, subject="c1", purpose="name") == "Zoe"
    assert TemporarySeal(NEW).open(sealed, subject="c1", purpose="name") is None
