"""Forms: those that wait for a visitor; read, answered and declined with a form's token."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, NamedTuple

from fastapi import Query, Request, Response, status

from chassis.crypto_shredding import KeyRing
from chassis.errors import CommandRejected, SubjectErased
from chassis.eventstore.handle import handle
from chassis.http.live import EventStream
from chassis.http.routes import Router
from chassis.validation.text import LocaleHint
from contracts.keys import Purpose
from contracts.ratings import CloseState
from rating.api.answers import with_answer
from rating.api.dependencies import Forms, Keys, Live, Repository, TestForms, Tokens, Views
from rating.api.permissions import AVisitor, NoStaff
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
from rating.domain.rating.answers import NOT_SEALED, WrittenComment
from rating.domain.rating.decider import RATING, DeclineRating, GiveRating
from rating.domain.rating.state import Rating, ReopenedFirst, Unregistered
from rating.domain.rejections import Rejection
from rating.read_models.form_documents import FormDocument, form_document

NOT_ASKED = frozenset(
    {CloseState.UNDECIDED, CloseState.NOT_OFFERED, CloseState.SCHEDULED, CloseState.UNDELIVERABLE}
)

mine = Router(prefix="/v1/forms/mine", tags=["forms"])
router = Router(prefix="/v1/forms", tags=["forms"], dependencies=[NoStaff])


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
async def read_form(
    body: FormReadBody,
    tokens: Tokens,
    tests: TestForms,
    repository: Repository,
    views: Views,
) -> FormView:
    """The form of the token, with what its client answered; also after it expired or was withdrawn.

    Or a test, for staff. Changes nothing.
    """
    if test := tests.of(body.token):
        return await tests.read(test, body.token)
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
        Rejection.TAG_NOT_OFFERED,
        Rejection.FOLLOW_UP_NOT_ASKED,
        Rejection.FOLLOW_UP_TOO_LONG,
    ),
)
async def answer_form(
    body: AnswerBody,
    tokens: Tokens,
    tests: TestForms,
    repository: Repository,
    keys: Keys,
    views: Views,
) -> AnsweredView:
    """Rates, or changes the rating inside its edit window; the same answer again is the same answer.

    A comment that isn't sent, or is null, stays as it was: send an empty one to remove it. Of a test nothing
    is stored.
    """
    if test := tests.of(body.token):
        return await tests.answer(test, body)
    form = tokens.read(body.token)
    command = GiveRating(form.close_seq, body.score, repository.clock.now())

    async def sealed(rating: Rating) -> GiveRating:
        whole = await _sealed_answer(keys, rating, command, body)
        return replace(whole, now=repository.clock.now())

    result = await handle(repository, RATING, RATING.stream(form.dialog), command, complete=sealed)
    return await views.answered(_shown(result.state, form, result.position), body.locale)


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
async def decline_form(
    body: FormTokenBody,
    tokens: Tokens,
    tests: TestForms,
    repository: Repository,
) -> DeclinedView:
    """Says "No, thanks" to the question; the client can still rate until the form expires."""
    if test := tests.of(body.token):
        return await tests.decline(test)
    form = tokens.read(body.token)
    command = DeclineRating(form.close_seq, repository.clock.now())
    result = await handle(repository, RATING, RATING.stream(form.dialog), command)
    return DeclinedView.model_validate(_shown(result.state, form, result.position).model_dump())


async def _sealed_answer(keys: KeyRing, rating: Rating, command: GiveRating, body: AnswerBody) -> GiveRating:
    """The command with the answer, its words sealed if it is taken and isn't what they wrote before."""
    close = rating.close(command.close_seq)
    if isinstance(close, Unregistered | ReopenedFirst):
        raise CommandRejected(Rejection.NO_SUCH_FORM)
    rules, whose = close.form.rules, _Whose(close.form.snapshot.client, close.form.snapshot.dialog)
    # Makes no key. Whether words are those from before, only their fingerprint shows.
    known = await with_answer(command, body, rules, partial(_known, keys, whose))
    if not RATING.decide(rating, known):
        return known  # the same answer again; what is refused raises, and so leaves no key
    return await with_answer(command, body, rules, partial(_sealed, keys, whose))


class _Whose(NamedTuple):
    """The data subject that words belong to, and the dialog."""

    subject: str
    scope: str


async def _known(keys: KeyRing, whose: _Whose, text: str, _: Purpose) -> WrittenComment:
    fingerprint = await keys.fingerprint(text, **whose._asdict())
    return WrittenComment(NOT_SEALED, fingerprint or NOT_SEALED, len(text))


async def _sealed(keys: KeyRing, whose: _Whose, text: str, purpose: Purpose) -> WrittenComment:
    try:
        sealed = await keys.seal(text, **whose._asdict(), purpose=purpose)
    except SubjectErased:
        raise CommandRejected(Rejection.CLIENT_ERASED) from None
    if (fingerprint := await keys.fingerprint(text, **whose._asdict())) is None:
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
