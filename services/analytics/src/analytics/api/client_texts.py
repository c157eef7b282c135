"""What the client of a close wrote, sealed: what each text is, and what it reads now."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from analytics.domain.close import Close
from analytics.read_models.decryption import DecryptedText, DecryptionState, SealedText
from contracts.keys import Purpose
from contracts.ratings import RatingAnswer


class ReviewText(BaseModel):
    """What a client wrote: open, erased, waiting for its key, or damaged."""

    state: DecryptionState = Field(description="`waiting`: its key is still to be received.")
    text: str | None = Field(description="The text, if it is open.", examples=["Quick and kind."])

    @classmethod
    def of(cls, sealed: SealedText | None, opened: Mapping[SealedText, DecryptedText]) -> "ReviewText | None":
        """What `sealed` reads now; None where nobody wrote anything."""
        return None if sealed is None else cls(state=opened[sealed].state, text=opened[sealed].text)


def client_name(close: Close) -> SealedText | None:
    """The sealed name of the client."""
    contact = close.closed.contact if close.closed else None
    return _of(close, contact.name if contact else None, Purpose.NAME)


def comment(close: Close, answer: RatingAnswer | None) -> SealedText | None:
    """The sealed comment of one of its answers."""
    return _of(close, answer.comment if answer else None, Purpose.COMMENT)


def follow_up_words(close: Close, answer: RatingAnswer | None) -> Mapping[str, SealedText]:
    """The sealed words of one of its answers, by the ids of the follow-up questions."""
    words = {
        question: _of(close, given, Purpose.ANSWER)
        for question, given in (answer.answers if answer else {}).items()
        if isinstance(given, str)
    }
    return {question: sealed for question, sealed in words.items() if sealed}


def _of(close: Close, sealed: str | None, purpose: Purpose) -> SealedText | None:
    if sealed is None or close.closed is None:
        return None
    return SealedText(sealed, close.closed.client, close.closed.dialog, purpose)


def sealed_texts(closes: Sequence[Close]) -> set[SealedText]:
    """Every sealed text that a list of the closes shows."""
    found = {sealed for close in closes for sealed in (client_name(close), comment(close, close.answer))}
    return {sealed for sealed in found if sealed}


def sealed_answers(close: Close, answers: Sequence[RatingAnswer]) -> set[SealedText]:
    """Every sealed text of these answers."""
    return {
        sealed
        for answer in answers
        for sealed in (comment(close, answer), *follow_up_words(close, answer).values())
        if sealed
    }
