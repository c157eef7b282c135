"""Forms: those that wait for a visitor; read, answered and declined with a form's token."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import Query, Request, Response, status

from chassis.crypto_shredding import KeyRing
from chassis.errors import CommandRejected, SubjectErased
from chassis.eventstore.handle import handle
from chassis.http.live import EventStream
from chassis.http.routes import Router
from chassis.validation.text import LocaleHint, is_blank
from contracts.keys import Purpose
from contracts.ratings import CloseState
from rating.api.dependencies import Forms, Keys, Live, Repository, Tokens, Views
from rating.api.permissions import AVisitor, NoOperator
from rating.api.problems import problems
from rating.api.schemas import (
    HINT,
    AnswerBody,
    AnsweredView,
    DeclinedView,
    FormList,
    FormReadBody,
    FormTokenBody,
    FormView,
)
from rating.api.tokens import FormKey
from rating.domain.rating.answers import NOT_SEALED, Comment, KeepComment, RemoveComment, WrittenComment
from rating.domain.rating.decider import RATING, DeclineRating, GiveRating
from rating.domain.rating.state import Rating, ReopenedFirst, Unregistered
from rating.domain.rejections import Rejection
from rating.read_models.form_documents import FormDocument, form_document

NOT_ASKED = frozenset(
    {CloseState.UNDECIDED, CloseState.NOT_OFFERED, CloseState.SCHEDULED, CloseState.UNDELIVERABLE}
)

mine = Router(prefix="/v1/forms/mine", tags=["forms"])
router = Router(prefix="/v1/forms", tags=["forms"], dependencies=[NoOperator])


@mine.get("")
async def list_my_forms(
    visitor: AVisitor,
    forms: Forms,
    repository: Repository,
    views: Views,
    locale: Annotated[LocaleHint | None, Query(description=HINT)] = None,
) -> FormList:
    """The forms that the visitor can answer now, or whose answer they can still change; newest first.

    Each with the answer that they gave, in their own words. Changes nothing.
    """
    mine = await forms.mine(visitor.client, visitor.channel, repository.clock.now())
    return FormList(forms=await views.forms(mine, locale))


@mine.get("/changes", response_class=EventStream, status_code=status.HTTP_200_OK)
async def follow_my_forms(visitor: AVisitor, forms: Forms, live: Live, request: Request) -> Response:
    """Tells when something about the visitor's forms has changed: `{"forms": {"d1.1": 7}}`.

    That is each of the newest 100 forms that were offered, with a number that grows whenever it changes: at
    once, and then whenever it differs. What the forms say is read as before. Changes nothing.
    """

    async def look() -> Mapping[str, Mapping[str, int]]:
        return {"forms": await forms.positions(visitor.client, visitor.channel)}

    return live.stream(request, look, [visitor.client])


@router.post("/read", responses=problems(Rejection.NO_SUCH_FORM))
async def read_form(body: FormReadBody, tokens: Tokens, repository: Repository, views: Views) -> FormView:
    """The form of the token, with what its client answered; also after it expired or was withdrawn.

    Changes nothing.
    """
    form = tokens.read(body.token)
    loaded = await repository.load(RATING, RATING.stream(form.dialog))
    return await views.form(_shown(loaded.state, form, loaded.position), body.locale)


@router.post(
    "/answer",
    responses=problems(
        Rejection.NO_SUCH_FORM,
        Rejection.CLIENT_ERASED,
        Rejection.FORM_WITHDRAWN,
        Rejection.RATING_WINDOW_OVER,
        Rejection.CHANGE_WINDOW_OVER,
        Rejection.CHANGED_TOO_OFTEN,
        Rejection.SCORE_NOT_ON_SCALE,
        Rejection.COMMENT_TOO_LONG,
        Rejection.COMMENT_NOT_ASKED,
        Rejection.COMMENT_REQUIRED,
    ),
)
async def answer_form(
    body: AnswerBody, tokens: Tokens, repository: Repository, keys: Keys, views: Views
) -> AnsweredView:
    """Rates, or changes the rating inside its edit window; the same answer again is the same answer.

    A comment that isn't sent, or is null, stays as it was: send an empty one to remove it.
    """
    form = tokens.read(body.token)
    command = GiveRating(form.close_seq, body.score, repository.clock.now())

    async def sealed(rating: Rating) -> GiveRating:
        comment = await _comment(keys, rating, command, body.comment)
        return replace(command, comment=comment, now=repository.clock.now())

    result = await handle(repository, RATING, RATING.stream(form.dialog), command, complete=sealed)
    return await views.answered(_shown(result.state, form, result.position))


@router.post(
    "/decline",
    responses=problems(
        Rejection.NO_SUCH_FORM,
        Rejection.CLIENT_ERASED,
        Rejection.FORM_WITHDRAWN,
        Rejection.RATING_WINDOW_OVER,
        Rejection.ALREADY_RATED,
    ),
)
async def decline_form(body: FormTokenBody, tokens: Tokens, repository: Repository) -> DeclinedView:
    """Says "No, thanks" to the question; the client can still rate until the form expires."""
    form = tokens.read(body.token)
    command = DeclineRating(form.close_seq, repository.clock.now())
    result = await handle(repository, RATING, RATING.stream(form.dialog), command)
    return DeclinedView.model_validate(_shown(result.state, form, result.position).model_dump())


async def _comment(keys: KeyRing, rating: Rating, command: GiveRating, text: str | None) -> Comment:
    if text is None:
        return KeepComment()
    if is_blank(text):
        return RemoveComment()
    close = rating.close(command.close_seq)
    if isinstance(close, Unregistered | ReopenedFirst):
        raise CommandRejected(Rejection.NO_SUCH_FORM)
    whose = {"subject": close.form.snapshot.client, "scope": close.form.snapshot.dialog}
    # Makes no key. Whether a comment is the one before, only its fingerprint shows.
    known = await keys.fingerprint(text, **whose)
    written = WrittenComment(NOT_SEALED, known or NOT_SEALED, len(text))
    if not RATING.decide(rating, replace(command, comment=written)):
        return written  # the same answer again; what is refused raises, and so leaves no key
    try:
        sealed = await keys.seal(text, **whose, purpose=Purpose.COMMENT)
    except SubjectErased:
        raise CommandRejected(Rejection.CLIENT_ERASED) from None
    if (fingerprint := await keys.fingerprint(text, **whose)) is None:
        raise CommandRejected(Rejection.CLIENT_ERASED)
    return WrittenComment(sealed, fingerprint, len(text))


def _shown(rating: Rating, form: FormKey, position: int) -> FormDocument:
    close = rating.close(form.close_seq)
    if isinstance(close, Unregistered | ReopenedFirst):
        raise CommandRejected(Rejection.NO_SUCH_FORM)
    document = form_document(close, position)
    if document.state in NOT_ASKED:
        raise CommandRejected(Rejection.NO_SUCH_FORM)
    return document
