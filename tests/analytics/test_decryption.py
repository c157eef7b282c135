"""Sealed texts: open, waiting, erased, damaged."""

from analytics.read_models.decryption import DecryptedText, DecryptionState, Decryptor
from chassis.errors import DecryptionFailed


class Keys:
    """Opens what it has a key for, as the reader of keys does."""

    def __init__(self, **known: str) -> None:
        self.known = known

    async def open(self, sealed: str) -> str | None:
        if sealed == "damaged":
            raise DecryptionFailed("the seal is broken")
        return self.known.get(sealed)


def opener(keys: Keys, *, read: bool) -> Decryptor:
    async def read_to_end() -> bool:
        return read

    return Decryptor(keys, read_to_end)


async def test_a_text_with_a_key_is_open() -> None:
    found = await opener(Keys(a="Thanks!"), read=False).open({"a"})
    assert found == {"a": DecryptedText(DecryptionState.OPEN, "Thanks!")}


async def test_a_missing_key_waits_until_its_topic_was_read_to_the_end() -> None:
    keys = Keys(a="Thanks!")
    waiting = await opener(keys, read=False).open({"a", "b"})
    assert waiting == {
        "a": DecryptedText(DecryptionState.OPEN, "Thanks!"),
        "b": DecryptedText(DecryptionState.WAITING),
    }
    assert (await opener(keys, read=True).open({"b"})) == {"b": DecryptedText(DecryptionState.ERASED)}


async def test_a_key_that_comes_while_the_end_is_looked_up_is_not_taken_for_erased() -> None:
    keys = Keys()

    async def meanwhile() -> bool:
        keys.known["a"] = "Just in time"
        return True

    assert await Decryptor(keys, meanwhile).open({"a"}) == {
        "a": DecryptedText(DecryptionState.OPEN, "Just in time")
    }


async def test_a_damaged_text_does_not_hide_the_others() -> None:
    found = await opener(Keys(a="Thanks!"), read=True).open({"a", "damaged"})
    assert found["a"].text == "Thanks!"
    assert found["damaged"] == DecryptedText(DecryptionState.UNREADABLE)
