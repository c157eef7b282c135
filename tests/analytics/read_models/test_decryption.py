"""Sealed texts: open, waiting, erased, damaged, another dialog's."""

from collections.abc import AsyncIterator, Sequence

import pytest

from analytics.api.client_texts import sealed_texts
from analytics.api.review_schemas import Review
from analytics.domain.close import Close, fold_all
from analytics.read_models.decryption import DecryptedText, DecryptionState, Decryptor, SealedText
from chassis.crypto_shredding import KeyReader, jwe
from chassis.errors import DecryptionFailed
from chassis.mongo import connect
from contracts.keys import KeyPublished
from tests.analytics.builders import ExpectedClose
from tests.chassis.crypto_shredding.sealing import receive


def text(sealed: str) -> SealedText:
    return SealedText(sealed, "c1", "d1", "comment")


A, B, DAMAGED = text("a"), text("b"), text("damaged")


class Keys:
    """Opens what it has a key for, as the reader of keys does."""

    def __init__(self, **known: str) -> None:
        self.known = known

    async def open_all(self, texts: Sequence[SealedText]) -> list[str | DecryptionFailed | None]:
        assert {text[1:] for text in texts} <= {("c1", "d1", "comment")}
        broken = DecryptionFailed("the seal is broken")
        return [broken if text.sealed == "damaged" else self.known.get(text.sealed) for text in texts]


def opener(keys: Keys, *, read: bool) -> Decryptor:
    async def read_to_end() -> bool:
        return read

    return Decryptor(keys, read_to_end)


async def test_a_text_with_a_key_is_open() -> None:
    found = await opener(Keys(a="Thanks!"), read=False).open({A})
    assert found == {A: DecryptedText(DecryptionState.OPEN, "Thanks!")}


async def test_a_missing_key_waits_until_its_topic_was_read_to_the_end() -> None:
    keys = Keys(a="Thanks!")
    waiting = await opener(keys, read=False).open({A, B})
    assert waiting == {
        A: DecryptedText(DecryptionState.OPEN, "Thanks!"),
        B: DecryptedText(DecryptionState.WAITING),
    }
    assert (await opener(keys, read=True).open({B})) == {B: DecryptedText(DecryptionState.ERASED)}


async def test_a_key_that_comes_while_the_end_is_looked_up_is_not_taken_for_erased() -> None:
    keys = Keys()

    async def meanwhile() -> bool:
        keys.known["a"] = "Just in time"
        return True

    assert await Decryptor(keys, meanwhile).open({A}) == {
        A: DecryptedText(DecryptionState.OPEN, "Just in time")
    }


async def test_a_damaged_text_does_not_hide_the_others() -> None:
    found = await opener(Keys(a="Thanks!"), read=True).open({A, DAMAGED})
    assert found[A].text == "Thanks!"
    assert found[DAMAGED] == DecryptedText(DecryptionState.UNREADABLE)


class TestTextOfAnotherDialog:
    """Whoever can write to a topic puts what was sealed in one dialog into an event of another."""

    pytestmark = pytest.mark.real

    @pytest.fixture
    async def decryptor(self, mongo: str, database: str) -> AsyncIterator[Decryptor]:
        client, readers_key = connect(mongo), jwe.new_key()
        self.raw, self.kid = jwe.new_key(), jwe.new_kid()
        context = jwe.key_context("c-d1", "d1", self.kid)
        wrapped = jwe.seal(self.raw, readers_key, jwe.short_hash(readers_key), context)
        reader = KeyReader(client[database], readers_key=readers_key)
        key = KeyPublished(kid=self.kid, scope="d1", subject="c-d1", wrapped=wrapped)
        await receive(reader, {self.kid: key})

        async def read_to_end() -> bool:
            return True

        yield Decryptor(reader, read_to_end)
        client.close()

    def sealed(self, purpose: str) -> str:
        return jwe.seal(b"zoe@school.example", self.raw, self.kid, jwe.Context("c-d1", "d1", purpose))

    async def review(self, decryptor: Decryptor, told: ExpectedClose) -> Review:
        close = fold_all(Close(told.dialog, told.close_seq), told.events())
        return Review.of(close, await decryptor.open(sealed_texts([close])))

    async def test_is_unreadable(self, decryptor: Decryptor) -> None:
        for dialog, purpose in (("d2", "comment"), ("d2", "email"), ("d1", "email"), ("d1", "name")):
            review = await self.review(decryptor, ExpectedClose(dialog, comment=self.sealed(purpose)))
            assert review.comment is not None
            assert (review.comment.state, review.comment.text) == (DecryptionState.UNREADABLE, None)

    async def test_opens_where_it_was_written(self, decryptor: Decryptor) -> None:
        told = ExpectedClose("d1", comment=self.sealed("comment"), contact=self.sealed("name"))
        review = await self.review(decryptor, told)
        assert review.comment
        assert review.client_name
        assert [review.comment.text, review.client_name.text] == ["zoe@school.example"] * 2
