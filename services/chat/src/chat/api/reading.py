"""Reading dialogs: an operator's list, and what was said in one."""

from itertools import zip_longest
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError

from chassis.audit import Audit
from chassis.errors import InvalidCursor
from chassis.http.auth import Verifier, allow
from chassis.http.errors import errors
from chat.api.dialogs import DialogCommands
from chat.api.permissions import PEOPLE, SUPERVISING, Reader, reader_of
from chat.api.schemas import DialogId, DialogList, DialogView, EndingView, SaidView, TranscriptView
from chat.domain.dialog.state import DialogDetails, Open
from chat.read_models.dialogs import Dialogs, DialogState
from chat.read_models.transcript import TranscriptMessage, transcript_of
from contracts.access import EVERY_CHANNEL, Claims, Role

MOST_OF_A_PAGE = 200

Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before; empty for the first.")
]
Limit = Annotated[int, Query(ge=1, le=MOST_OF_A_PAGE, description="How many there are on a page.")]


def routes(desk: DialogCommands, verifier: Verifier, dialogs: Dialogs, audit: Audit) -> APIRouter:
    """The routes that change nothing."""
    router = APIRouter(prefix="/v1/dialogs", tags=["dialogs"])
    operator = Annotated[Claims, Depends(allow(verifier, Role.OPERATOR))]
    readers = Annotated[Claims, Depends(allow(verifier, *PEOPLE, *SUPERVISING))]

    @router.get("", responses=errors(401, 403))
    async def list_dialogs(
        claims: operator, state: DialogState = "open", cursor: Cursor = None, limit: Limit = 50
    ) -> DialogList:
        """An operator's own dialogs and those that wait, in their channels: the longest open first."""
        channels = None if EVERY_CHANNEL in claims.channels else claims.channels
        try:
            page = await dialogs.of_operator(claims.sub, channels, state, cursor or None, limit)
        except InvalidCursor as error:
            raise _wrong_cursor(error) from None
        views = [DialogView.model_validate(document) for document in page.dialogs]
        return DialogList(dialogs=views, next_cursor=page.next)

    @router.get("/{dialog}", responses=errors(401, 403, 404))
    async def read_dialog(
        dialog: DialogId, claims: readers, cursor: Cursor = None, limit: Limit = MOST_OF_A_PAGE
    ) -> TranscriptView:
        """What was said, a page at a time, the oldest first.

        Its visitor, operators who have it or wrote in it, and supervisors and admins of the channel may read.

        An operator takes a waiting dialog first. That a supervisor or admin reads is put on record first.
        """
        state = await desk.dialog(dialog)
        talk, reader = reader_of(claims, state)
        if reader == "lead":
            now = desk.streams.clock.now()
            await audit.note("transcript.read", claims, now, dialog=dialog, channel=talk.channel)
        try:
            transcript = await transcript_of(
                desk.streams.store, desk.keys, dialog, talk.client, cursor or None, limit
            )
        except InvalidCursor as error:
            raise _wrong_cursor(error) from None
        return TranscriptView(
            **_facts(talk, reader),
            state="open" if isinstance(state, Open) else "closed",
            closes=_endings(talk),
            messages=[_said(said, reader) for said in transcript.messages],
            next_cursor=transcript.next,
        )

    return router


def _wrong_cursor(error: InvalidCursor) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": ("query", "cursor"), "msg": str(error)}])


def _facts(talk: DialogDetails, reader: Reader) -> dict[str, object]:
    assigned = talk.assigned
    return {
        "dialog": talk.dialog,
        "channel": talk.channel,
        "client": talk.client,
        "locale": talk.locale,
        "operator": assigned.id if assigned and reader != "client" else None,
        "operator_name": assigned.name if assigned else None,
        "opened_at": talk.opened_at,
    }


def _endings(talk: DialogDetails) -> list[EndingView]:
    turns = zip_longest(talk.closed_at, talk.closed_by, talk.reopened_at)
    return [
        EndingView(close_seq=number, closed_at=closed_at, closed_by=closed_by, reopened_at=reopened_at)
        for number, (closed_at, closed_by, reopened_at) in enumerate(turns, 1)
    ]


def _said(said: TranscriptMessage, reader: Reader) -> SaidView:
    posted = said.posted
    return SaidView(
        message=posted.message,
        author=posted.author,
        operator=posted.operator if reader != "client" else None,
        name=posted.name,
        posted_at=posted.posted_at,
        text=said.text,
        erased=said.text is None,
    )
