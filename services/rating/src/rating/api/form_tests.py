"""Forms that staff look at as tests: answered by the same rules, and stored nowhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chassis.clock import Clock
from chassis.crypto_shredding.opened_text import OpenedText, TextState
from contracts.keys import Purpose
from rating.api.answers import with_answer
from rating.api.schemas import AnswerBody, AnsweredView, DeclinedView, FollowUpAnswerView, FormView
from rating.api.tokens import FormTest, FormTestTokens
from rating.api.views import FormViews
from rating.domain.rating.answers import NOT_SEALED, WrittenComment
from rating.domain.rating.decider import RATING, DeclineRating, GiveRating, RatingCommand
from rating.domain.rating.eligibility import CloseFacts
from rating.domain.rating.form_version import Snapshot
from rating.domain.rating.state import Form, Offered, Rating
from rating.read_models.channels import Channels
from rating.read_models.form_documents import FormDocument, form_document
from rating.read_models.quality_control import QualityControlVersions

NOBODY: Final = "test"
"""The dialog and the client of a test."""


@dataclass(frozen=True)
class FormTests:
    """Shows the form of a version of the settings as if a client had just been asked, and takes answers."""

    tokens: FormTestTokens
    versions: QualityControlVersions
    channels: Channels
    views: FormViews
    clock: Clock

    def of(self, token: str) -> FormTest | None:
        """The test that a token is for; None if it is none of a test."""
        return self.tokens.read(token)

    async def read(self, test: FormTest, token: str) -> FormView:
        """The form, waiting, whatever was answered to it before."""
        view = await self.views.form(_document(await self._asked(test)))
        name = f"{NOBODY}.{test.channel}.{test.version}"
        return view.model_copy(update={"form": name, "token": token, "test": True})

    async def answer(self, test: FormTest, body: AnswerBody) -> AnsweredView:
        """What would be kept of the answer. Raises `CommandRejected` as for any form."""
        rating = await self._asked(test)
        rules = rating.closes[1].form.rules  # type: ignore[union-attr]  # it is offered
        command = GiveRating(1, body.score, self.clock.now())
        given = _document(_after(rating, await with_answer(command, body, rules, _unsealed)))
        # The words are the body's: they were sealed nowhere.
        words = {name: text for name, text in body.follow_ups.items() if name in given.given_follow_ups}
        unsealed: dict[str, object] = {"sealed_comment": None, "given_follow_ups": {}}
        answered = await self.views.answered(given.model_copy(update=unsealed), body.locale)
        follow_ups = {
            name: FollowUpAnswerView(option=each.option, text=None if each.option else _opened(words[name]))
            for name, each in given.given_follow_ups.items()
        }
        comment = _opened(body.comment or "") if given.sealed_comment is not None else None
        answer = answered.answer.model_copy(update={"comment": comment, "follow_ups": follow_ups})
        return answered.model_copy(update={"answer": answer})

    async def decline(self, test: FormTest) -> DeclinedView:
        """What a "No, thanks" would make of it."""
        declined = _after(await self._asked(test), DeclineRating(1, self.clock.now()))
        return DeclinedView.model_validate(_document(declined).model_dump())

    async def _asked(self, test: FormTest) -> Rating:
        settings = (await self.versions.at(test.channel, test.version)).settings
        rules = settings.form_version(test.version, await self.channels.default_locale(test.channel))
        now = self.clock.now()
        snapshot = Snapshot(
            dialog=NOBODY,
            close_seq=1,
            channel=test.channel,
            client=NOBODY,
            locale=test.locale,
            closed_at=now,
            opened_at=now - timedelta(minutes=15),
        )
        return Rating({1: Offered(Form(snapshot, rules, CloseFacts(), now), now + rules.expiry)})


def _after(rating: Rating, command: RatingCommand) -> Rating:
    events: Sequence[object] = RATING.decide(rating, command)
    return RATING.fold(rating, events)  # type: ignore[arg-type]


def _document(rating: Rating) -> FormDocument:
    return form_document(rating.closes[1], 0)  # type: ignore[arg-type]  # it is registered


async def _unsealed(text: str, _: Purpose) -> WrittenComment:
    return WrittenComment(NOT_SEALED, NOT_SEALED, len(text))


def _opened(text: str) -> OpenedText:
    return OpenedText(state=TextState.OPEN, text=text)
