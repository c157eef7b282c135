"""Reading dialogs: an operator's list, and the messages of one."""

from itertools import zip_longest
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator

from chassis.http.routes import Router
from chat.api.dependencies import Audit, Dialogs, Keys, Repository
from chat.api.permissions import OperatorClaims, Reader, ReaderClaims
from chat.api.problems import problems
from chat.api.schemas import (
    DialogId,
    DialogList,
    DialogView,
    EndingView,
    TranscriptMessageView,
    TranscriptView,
)
from chat.domain.dialog.actor import DialogRole, role_in
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.state import Dialog, DialogDetails, Open
from chat.domain.rejections import Rejection
from chat.read_models.transcript import Transcript, TranscriptMessage, commit_of, transcript_of
from contracts.access import EVERY_CHANNEL
from contracts.dialogs import Author, ClosedBy, DialogState

MOST_OF_A_PAGE = 200


def known_cursor(cursor: str) -> str:
    """`cursor`, if it is empty or a cursor of transcripts. Raises `InvalidCursor`."""
    if cursor:
        commit_of(cursor)
    return cursor


PAGE = Query(max_length=200, description="`next_cursor` of the page before; empty for the first.")
Cursor = Annotated[str | None, PAGE]
TranscriptCursor = Annotated[Annotated[str, AfterValidator(known_cursor)] | None, PAGE]
"""Checked before anything is done: what is on record as read was given."""
Limit = Annotated[int, Query(ge=1, le=MOST_OF_A_PAGE, description="How many there are on a page.")]

router = Router(prefix="/v1/dialogs", tags=["dialogs"])


@router.get("")
async def list_dialogs(
    claims: OperatorClaims,
    dialogs: Dialogs,
    state: DialogState = DialogState.OPEN,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DialogList:
    """An operator's own dialogs and those that wait, in their channels: the longest open first."""
    channels = None if EVERY_CHANNEL in claims.channels else claims.channels
    page = await dialogs.of_operator(claims.sub, channels, state, cursor or None, limit)
    views = [DialogView.model_validate(document) for document in page.dialogs]
    return DialogList(dialogs=views, next_cursor=page.next)


@router.get("/{dialog}", responses=problems(Rejection.NO_SUCH_DIALOG, Rejection.TAKE_IT_FIRST))
async def read_dialog(
    dialog: DialogId,
    actor: Reader,
    claims: ReaderClaims,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    cursor: TranscriptCursor = None,
    limit: Limit = MOST_OF_A_PAGE,
) -> TranscriptView:
    """A dialog and its messages, a page at a time, the oldest first.

    Its visitor, operators who have it or wrote in it, and supervisors and admins of the channel may read.

    An operator takes a waiting dialog first. That a supervisor or admin reads is put on record first.
    """
    state = (await repository.load(DIALOG, DIALOG.stream(dialog))).state
    details, role = role_in(actor, state)
    if role is DialogRole.SUPERVISOR:
        now = repository.clock.now()
        await audit.note("transcript.read", claims, now, dialog=dialog, channel=details.channel)
    transcript = await transcript_of(repository.store, keys, dialog, details.client, cursor or None, limit)
    return _transcript_view(state, details, role, transcript)


def _transcript_view(
    state: Dialog, details: DialogDetails, role: DialogRole, transcript: Transcript
) -> TranscriptView:
    assigned = details.assigned
    closes = zip_longest(details.closed_at, details.closed_by, details.reopened_at)
    return TranscriptView(
        dialog=details.dialog,
        channel=details.channel,
        client=details.client,
        locale=details.locale,
        state=DialogState.OPEN if isinstance(state, Open) else DialogState.CLOSED,
        operator=assigned.id if assigned and role is not DialogRole.CLIENT else None,
        operator_name=assigned.name if assigned else None,
        opened_at=details.opened_at,
        closes=[
            EndingView(close_seq=number, closed_at=closed, closed_by=ClosedBy(by), reopened_at=reopened)
            for number, (closed, by, reopened) in enumerate(closes, 1)
        ],
        messages=[_message_view(message, role) for message in transcript.messages],
        next_cursor=transcript.next,
    )


def _message_view(message: TranscriptMessage, role: DialogRole) -> TranscriptMessageView:
    posted = message.posted
    return TranscriptMessageView(
        message=posted.message,
        author=Author(posted.author),
        operator=posted.operator if role is not DialogRole.CLIENT else None,
        name=posted.name,
        posted_at=posted.posted_at,
        text=message.text,
    )
