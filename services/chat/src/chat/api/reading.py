"""Reading dialogs: an operator's list and what changes in it, the messages of one, and its client."""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import AfterValidator

from chassis.crypto_shredding import KeyRing
from chassis.crypto_shredding.opened_text import OpenedText
from chassis.eventstore.repository import StreamState
from chassis.http.live import EventStream
from chassis.http.routes import Router
from chat.api.dependencies import Audit, Clients, Dialogs, Keys, Live, Repository
from chat.api.origins import FROM_ALLOWED_PAGES
from chat.api.permissions import Assigner, OperatorClaims, Reader, ReaderClaims, Staff
from chat.api.problems import problems
from chat.api.schemas import (
    LONGEST_BEGINNING,
    ClientView,
    DialogId,
    DialogList,
    DialogVersions,
    DialogView,
    EarlierDialogView,
    EndingView,
    TranscriptMessageView,
    TranscriptView,
)
from chat.domain.dialog.actor import DialogRole, role_in
from chat.domain.dialog.decider import DIALOG
from chat.domain.dialog.state import Dialog, DialogDetails, Open
from chat.domain.rejections import Rejection
from chat.personal_data import opened_contact
from chat.read_models.transcript import MOST_COMMITS, Transcript, TranscriptMessage, commit_of, transcript_of
from contracts.access import EVERY_CHANNEL
from contracts.dialogs import Author, ClosedBy, DialogState, ParticipantKind
from contracts.keys import Purpose

Document = dict[str, Any]

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

After = Annotated[
    int,
    Query(ge=0, le=MOST_COMMITS, description="The `version` of an earlier response; without a cursor."),
]
WATCHED: Mapping[int | str, dict[str, Any]] = {
    200: {"model": DialogVersions, "description": "Server-sent events; this is the data of each."}
}

router = Router(prefix="/v1/dialogs", tags=["dialogs"], dependencies=FROM_ALLOWED_PAGES)
changes = Router(tags=["dialogs"], dependencies=FROM_ALLOWED_PAGES)


@changes.get("/v1/changes", response_class=EventStream, responses=dict(WATCHED))
async def watch_dialogs(
    request: Request, claims: OperatorClaims, dialogs: Dialogs, live: Live
) -> EventStream:
    """A stream of how far the dialogs of an operator have come: at once, then whenever it differs.

    Those are the first 200 open ones of their list, and the last 20 of their own that were closed.
    """
    channels = None if EVERY_CHANNEL in claims.channels else claims.channels
    topics = [f"operator:{claims.sub}", *(f"channel:{channel}" for channel in claims.channels)]
    return live.stream(request, lambda: dialogs.watched_by_operator(claims.sub, channels), topics)


@router.get("")
async def list_dialogs(
    claims: OperatorClaims,
    dialogs: Dialogs,
    clients: Clients,
    keys: Keys,
    state: DialogState = DialogState.OPEN,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DialogList:
    """An operator's own dialogs and those that wait, in their channels: the longest open first."""
    channels = None if EVERY_CHANNEL in claims.channels else claims.channels
    page = await dialogs.of_operator(claims.sub, channels, state, cursor or None, limit)
    known = await clients.of({document["client"] for document in page.dialogs})
    views = [await _dialog_view(document, known, keys) for document in page.dialogs]
    return DialogList(dialogs=views, next_cursor=page.next)


@router.get("/{dialog}", responses=problems(Rejection.NO_SUCH_DIALOG, Rejection.TAKE_IT_FIRST))
async def read_dialog(
    dialog: DialogId,
    actor: Reader,
    claims: ReaderClaims,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    *,
    cursor: TranscriptCursor = None,
    after: After = 0,
    limit: Limit = MOST_OF_A_PAGE,
) -> TranscriptView:
    """A dialog and its messages, a page at a time, the oldest first; with `after` only newer ones.

    Its visitor, operators who have it or wrote in it, and supervisors and admins of the channel may read.

    An operator takes a waiting dialog first. That a supervisor or admin reads is put on record first.
    """
    loaded = await repository.load(DIALOG, DIALOG.stream(dialog))
    details, role = role_in(actor, loaded.state)
    if role is DialogRole.SUPERVISOR:
        now = repository.clock.now()
        await audit.note("transcript.read", claims, now, dialog=dialog, channel=details.channel)
    begin = commit_of(cursor) if cursor else after
    transcript = await transcript_of(
        repository.store, keys, dialog, details.client, begin, loaded.number, limit
    )
    return _transcript_view(loaded, details, role, transcript)


@router.get("/{dialog}/client", responses=problems(Rejection.NO_SUCH_DIALOG, Rejection.TAKE_IT_FIRST))
async def read_client(
    dialog: DialogId,
    actor: Assigner,
    claims: Staff,
    repository: Repository,
    dialogs: Dialogs,
    clients: Clients,
    keys: Keys,
    audit: Audit,
) -> ClientView:
    """The client of a dialog, and their other dialogs in the token's channels. Staff who may read it may.

    Supervisors who are limited to teams see no other dialogs.

    That a supervisor or admin reads is put on record first.
    """
    details, role = role_in(actor, (await repository.load(DIALOG, DIALOG.stream(dialog))).state)
    client = details.client
    if role is DialogRole.SUPERVISOR:
        now = repository.clock.now()
        await audit.note("client.read", claims, now, client=client, channel=details.channel)
    known = (await clients.of([client])).get(client, {})
    others = [
        other
        for other in await dialogs.of_client(client)
        if other["dialog"] != dialog
        and actor.covers(other["channel"])
        # Whose team a dialog of a list is of, nobody knows.
        and (actor.teams is None or role is DialogRole.OPERATOR)
    ]
    return ClientView(
        client=client,
        channel=details.channel,
        locale=known.get("locale") or details.locale,
        name=await opened_contact(keys, client, known.get("name"), Purpose.NAME),
        email=await opened_contact(keys, client, known.get("email"), Purpose.EMAIL),
        since=known.get("since") or details.opened_at,
        earlier=[
            EarlierDialogView.model_validate({**other, "own": claims.sub in other["operators"]})
            for other in others
        ],
    )


async def _dialog_view(document: Document, known: Mapping[str, Document], keys: KeyRing) -> DialogView:
    client, last = document["client"], document.get("last_message")
    sealed_name = known.get(client, {}).get("name")
    name = await opened_contact(keys, client, sealed_name, Purpose.NAME)
    if last:
        scope = {"subject": client, "scope": document["dialog"], "purpose": Purpose.MESSAGE}
        text = await OpenedText.of(keys, last["text"], **scope)
        beginning = text.text[:LONGEST_BEGINNING] if text.text else None
        last = {**last, "text": OpenedText(state=text.state, text=beginning)}
    return DialogView.model_validate({**document, "client_name": name, "last_message": last})


def _transcript_view(
    loaded: StreamState[Dialog], details: DialogDetails, role: DialogRole, transcript: Transcript
) -> TranscriptView:
    assigned = details.assigned
    closes = zip_longest(details.closed_at, details.closed_by, details.reopened_at)
    return TranscriptView(
        dialog=details.dialog,
        channel=details.channel,
        client=details.client,
        locale=details.locale,
        state=DialogState.OPEN if isinstance(loaded.state, Open) else DialogState.CLOSED,
        operator=assigned.id if assigned and role is not DialogRole.CLIENT else None,
        operator_name=assigned.name if assigned else None,
        opened_at=details.opened_at,
        closes=[
            EndingView(close_seq=number, closed_at=closed, closed_by=ClosedBy(by), reopened_at=reopened)
            for number, (closed, by, reopened) in enumerate(closes, 1)
        ],
        messages=[_message_view(message, role) for message in transcript.messages],
        next_cursor=transcript.next,
        version=loaded.number,
    )


def _message_view(message: TranscriptMessage, role: DialogRole) -> TranscriptMessageView:
    posted = message.posted
    return TranscriptMessageView(
        message=posted.message,
        author=Author(posted.author),
        operator=posted.operator if role is not DialogRole.CLIENT else None,
        name=posted.name,
        kind=ParticipantKind(posted.kind),
        posted_at=posted.posted_at,
        text=message.text,
    )
