"""Text that expires with its document opens in its place only."""

import pytest

from chassis.crypto_shredding.temporary import open_temporarily, seal_temporarily
from chassis.errors import DecryptionFailed

KEY = b"m" * 32


def test_what_was_sealed_opens_again() -> None:
    sealed = seal_temporarily("Zo\u00eb", KEY, subject="c1", purpose="name")
    assert "Zo" not in sealed
    assert open_temporarily(sealed, KEY, subject="c1", purpose="name") == "Zo\u00eb"


@pytest.mark.parametrize(
    "place", [{"subject": "c2", "purpose": "name"}, {"subject": "c1", "purpose": "email"}]
)
def test_it_opens_nowhere_else(place: dict[str, str]) -> None:
    with pytest.raises(DecryptionFailed):
        open_temporarily(seal_temporarily("Zoe", KEY, subject="c1", purpose="name"), KEY, **place)


def test_another_master_key_has_lost_it() -> None:
    sealed = seal_temporarily("Zoe", b"o" * 32, subject="c1", purpose="name")
    assert open_temporarily(sealed, KEY, subject="c1", purpose="name") is None
