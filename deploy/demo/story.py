"""What clients do after a close, and a count of it that knows nothing of the services."""

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx

from deploy.demo.people import NotYet, Operator, Visitor


class Mood(StrEnum):
    """What a client does with the form."""

    RATES = "rates"
    COMMENTS = "rates and comments"
    CHANGES = "changes the rating"
    DECLINES = "declines"
    IGNORES = "never answers"
    RETURNS = "reopens, then rates the second close"


COMMENTS = (
    "Solved in two minutes",
    "Had to repeat myself, but it works now",
    "Спасибо, всё понятно",
    "Réponse claire et rapide",
    "The link you sent was the wrong one",
)


@dataclass
class Ending:
    """What has come of one close, as its client knows it."""

    channel: str
    operator: str
    state: str = "closed"
    score: int | None = None
    comment: str | None = None


@dataclass
class Ledger:
    """What was acknowledged to the clients, by dialog and close number."""

    endings: dict[tuple[str, int], Ending] = field(default_factory=dict)

    def closed(self, dialog: str, close_seq: int, channel: str, operator: str) -> None:
        """A close was acknowledged; it is credited to the operator who wrote last."""
        self.endings[dialog, close_seq] = Ending(channel, operator)

    def settled(
        self, dialog: str, close_seq: int, state: str, score: int | None = None, comment: str | None = None
    ) -> None:
        """A close has come to its end."""
        ending = self.endings[dialog, close_seq]
        ending.state, ending.score, ending.comment = state, score, comment

    def of(self, channel: str) -> dict[tuple[str, int], Ending]:
        """The closes of a channel."""
        return {close: ending for close, ending in self.endings.items() if ending.channel == channel}

    def undone(self, channel: str) -> int:
        """How many closes of a channel were taken back by a reopening."""
        return sum(ending.state == "undone" for ending in self.of(channel).values())


@dataclass(frozen=True)
class Encounter:
    """One dialog from the first word to the end of its last form."""

    visitor: Visitor
    operator: Operator
    operator_id: str
    channel: str
    mood: Mood
    score: int
    comment: str | None = None
    looks_for: float = 30.0
    """How long the client looks for the form, in seconds."""

    async def play(self, ledger: Ledger) -> None:
        """Chats, closes, and does what the client's mood is."""
        dialog = self.visitor.name_dialog()
        await self.visitor.open(dialog)
        await self.visitor.post_message(dialog, "m1", "Hello, I can't find my certificate")
        await self.operator.take(dialog)
        await self.operator.post_message(dialog, "m2", "Let me look. It is under Profile, Documents")
        await self.visitor.post_message(dialog, "m3", "Found it, thank you")
        await self._close(dialog, 1, ledger)
        match self.mood:
            case Mood.RATES | Mood.COMMENTS:
                await self._rate(dialog, 1, ledger)
            case Mood.CHANGES:
                await self._change(dialog, ledger)
            case Mood.DECLINES:
                await self._decline(dialog, ledger)
            case Mood.RETURNS:
                await self._return(dialog, ledger)
            case Mood.IGNORES:
                ledger.settled(dialog, 1, "expired")

    async def _close(self, dialog: str, close_seq: int, ledger: Ledger) -> None:
        await self.operator.close(dialog, close_seq)
        ledger.closed(dialog, close_seq, self.channel, self.operator_id)

    async def _rate(self, dialog: str, close_seq: int, ledger: Ledger) -> None:
        if form := await self._form(dialog, close_seq, ledger):
            response = await self.visitor.answer(form["token"], self.score, self.comment)
            ledger.settled(dialog, close_seq, *_given(response, self.score, self.comment))

    async def _change(self, dialog: str, ledger: Ledger) -> None:
        if form := await self._form(dialog, 1, ledger):
            first = await self.visitor.answer(form["token"], 1)
            final = await self.visitor.answer(form["token"], self.score, self.comment)
            last = (self.score, self.comment) if final.is_success else (1, None)
            ledger.settled(dialog, 1, *_given(first, *last))

    async def _decline(self, dialog: str, ledger: Ledger) -> None:
        if form := await self._form(dialog, 1, ledger):
            declined = _in_time(await self.visitor.decline(form["token"]))
            ledger.settled(dialog, 1, "declined" if declined else "expired")

    async def _form(self, dialog: str, close_seq: int, ledger: Ledger) -> dict[str, Any] | None:
        try:
            return await self.visitor.form(dialog, close_seq, self.looks_for)
        except NotYet:
            # Whether it comes later or never: nobody will answer it, so it has to expire.
            ledger.settled(dialog, close_seq, "expired")
            return None

    async def _return(self, dialog: str, ledger: Ledger) -> None:
        await self.visitor.reopen(dialog, 1)
        ledger.settled(dialog, 1, "undone")
        await self.visitor.post_message(dialog, "m4", "One more question")
        await self.operator.post_message(dialog, "m5", "Of course")
        await self._close(dialog, 2, ledger)
        await self._rate(dialog, 2, ledger)


def _given(response: httpx.Response, score: int, comment: str | None) -> tuple[str, int | None, str | None]:
    return ("given", score, comment) if _in_time(response) else ("expired", None, None)


def _in_time(response: httpx.Response) -> bool:
    if response.status_code not in {httpx.codes.OK, httpx.codes.CONFLICT}:
        raise AssertionError(f"an answer was met with {response.status_code}: {response.text}")
    return response.status_code == httpx.codes.OK


def moods(count: int, dice: random.Random) -> list[Mood]:
    """The usual mix of a support floor in random order; every mood occurs if there are at least twenty."""
    mix = [*[Mood.RATES] * 6, *[Mood.COMMENTS] * 4, Mood.CHANGES, *[Mood.DECLINES] * 2, *[Mood.RETURNS] * 2]
    mix += [Mood.IGNORES] * (20 - len(mix))
    drawn = [mix[index % len(mix)] for index in range(count)]
    dice.shuffle(drawn)
    return drawn
