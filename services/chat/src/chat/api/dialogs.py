"""Dialogs: opened, written in, taken, closed and reopened. Every request can be repeated."""

from dataclasses import asdict
from functools import partial
from typing import Any

from fastapi import Response, status

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import CommandResult
from chassis.http.routes import Router
from chat.api.dependencies import Keys, Repository, Visitors
from chat.api.origins import FROM_ALLOWED_PAGES
from chat.api.permissions import Assigner, AVisitor, Poster, Writer
from chat.api.problems import problems
from chat.api.reservations import opening, reopening
from chat.api.schemas import (
    CloseBody,
    CloseView,
    DialogId,
    MessageBody,
    MessageId,
    MessageView,
    OpeningBody,
    OpeningView,
    OperatorBody,
    OperatorView,
    ReopeningView,
)
from chat.domain.channel import CHANNEL, PublishedChannel
from chat.domain.client import (
    CLIENT,
    Client,
    RegisteredClient,
    UnknownClient,
    refuse_if_erased,
)
from chat.domain.dialog.actor import writer_of
from chat.domain.dialog.decider import (
    DIALOG,
    AssignOperator,
    CloseDialog,
    OpenDialog,
    PostMessage,
    ReopenDialog,
)
from chat.domain.dialog.events import DialogEvent, ParticipantKind
from chat.domain.dialog.state import Dialog, Operator, details_of
from chat.domain.rejections import Rejection
from chat.personal_data import registration, sealed_close, sealed_message
from contracts.dialogs import Author

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Done now; 200 if it was done before."}}
AUTHORS = (Rejection.NO_SUCH_DIALOG, Rejection.TAKE_IT_FIRST, Rejection.NOT_YOUR_DIALOG)

router = Router(prefix="/v1/dialogs/{dialog}", tags=["dialogs"], dependencies=FROM_ALLOWED_PAGES)


@router.put(
    "",
    responses=CREATED
    | problems(
        Rejection.NO_SUCH_DIALOG,
        Rejection.CLIENT_ERASED,
        Rejection.VISITOR_EXPIRED,
        Rejection.CHANNEL_CLOSED,
        Rejection.TOO_MANY_OPEN_DIALOGS,
        Rejection.OPENED_OTHERWISE,
    ),
)
async def open_dialog(
    dialog: DialogId,
    visitor: AVisitor,
    repository: Repository,
    visitors: Visitors,
    keys: Keys,
    response: Response,
    body: OpeningBody | None = None,
) -> OpeningView:
    """Opens a dialog in the channel of the visitor's token. A client has five open at most."""
    client, now = await _client(repository, visitor.client), repository.clock.now()
    refuse_if_erased(client)
    pending = await visitors.find(visitor.client, now) if isinstance(client, UnknownClient) else None
    known = client if isinstance(client, RegisteredClient) else pending
    locale = (body and body.locale) or (known.locale if known else None)
    closed = await _takes_no_dialogs(repository, visitor.channel)
    command = OpenDialog(dialog, visitor.client, visitor.channel, closed, now, locale)
    register = partial(registration, keys, **asdict(pending)) if pending else None
    complete = opening(repository, command, register)
    stream = DIALOG.stream(dialog)
    result = await handle(repository, DIALOG, stream, command, complete=complete, read_first=True)
    if pending:
        await visitors.remove(visitor.client)
    response.status_code = _created(result)
    return OpeningView.model_validate(details_of(result.state), from_attributes=True)


@router.put(
    "/messages/{message}",
    responses=CREATED
    | problems(
        *AUTHORS,
        Rejection.CLIENT_ERASED,
        Rejection.DIALOG_CLOSED,
        Rejection.DIALOG_FULL,
        Rejection.DIALOG_TOO_LARGE,
        Rejection.MESSAGE_ID_TAKEN,
        Rejection.NOT_YOUR_KIND,
    ),
)
async def post_message(
    dialog: DialogId,
    message: MessageId,
    body: MessageBody,
    actor: Poster,
    repository: Repository,
    keys: Keys,
    response: Response,
) -> MessageView:
    """Writes. The visitor of the dialog may, and the operator who has it.

    So may a service with the scope `dialogs:write` for a bot or a system: they reply in no operator's name.
    """
    unsaid = ParticipantKind.BOT if actor.service else ParticipantKind.PERSON
    kind = ParticipantKind(body.kind) if body.kind else unsaid
    command = PostMessage(actor, message, len(body.text), repository.clock.now(), kind=kind)

    async def sealed(state: Dialog) -> PostMessage:
        details, _ = writer_of(actor, state, kind)
        refuse_if_erased(await _client(repository, details.client))
        return await sealed_message(keys, command, body.text, dialog, state)

    result = await handle(repository, DIALOG, DIALOG.stream(dialog), command, complete=sealed)
    response.status_code = _created(result)
    posted = details_of(result.state).messages[message]
    author = Author.OPERATOR if posted.operator else Author.CLIENT
    return MessageView(dialog=dialog, message=message, author=author, posted_at=posted.at)


@router.put(
    "/operator",
    responses=problems(
        Rejection.NO_SUCH_DIALOG,
        Rejection.OPERATOR_MISSING,
        Rejection.ONLY_FOR_YOURSELF,
        Rejection.DIALOG_CLOSED,
        Rejection.TAKEN_BY_ANOTHER,
    ),
)
async def assign_operator(
    dialog: DialogId, actor: Assigner, repository: Repository, body: OperatorBody | None = None
) -> OperatorView:
    """An operator takes a waiting dialog; supervisors and admins give it to anybody."""
    whom = Operator(body.operator, body.name, body.team) if body else None
    command = AssignOperator(actor, repository.clock.now(), whom)
    result = await handle(repository, DIALOG, DIALOG.stream(dialog), command)
    operator = details_of(result.state).assigned
    if operator is None:
        raise TypeError("assigning left a dialog without an operator")
    return OperatorView(dialog=dialog, operator=operator.id, name=operator.name, team=operator.team)


@router.post(
    "/close",
    responses=problems(
        *AUTHORS, Rejection.DIALOG_CLOSED, Rejection.NOT_THE_NEXT_CLOSE, Rejection.NOTHING_NEW
    ),
)
async def close_dialog(
    dialog: DialogId, actor: Writer, repository: Repository, keys: Keys, body: CloseBody | None = None
) -> CloseView:
    """Closes. The visitor of the dialog may, and the operator who has it."""
    close_seq = body.close_seq if body else None
    command = CloseDialog(actor, repository.clock.now(), close_seq)

    async def with_contact(state: Dialog) -> CloseDialog:
        if not DIALOG.decide(state, command):
            return command
        client = details_of(state).client
        return await sealed_close(keys, command, dialog, client, await _client(repository, client))

    result = await handle(repository, DIALOG, DIALOG.stream(dialog), command, complete=with_contact)
    details = details_of(result.state)
    number = close_seq or details.closes
    return CloseView(dialog=dialog, close_seq=number, closed_at=details.closed_at[number - 1])


@router.post(
    "/reopen",
    responses=problems(
        *AUTHORS,
        Rejection.CLIENT_ERASED,
        Rejection.NO_SUCH_CLOSE,
        Rejection.CLOSED_TOO_OFTEN,
        Rejection.TOO_MANY_OPEN_DIALOGS,
    ),
)
async def reopen_dialog(
    dialog: DialogId, actor: Writer, repository: Repository, body: CloseBody | None = None
) -> ReopeningView:
    """Undoes a close, 49 times at most. The visitor of the dialog may, and the operator who has it."""
    close_seq = body.close_seq if body else None
    command = ReopenDialog(actor, repository.clock.now(), close_seq)
    complete = reopening(repository, dialog, command)
    stream = DIALOG.stream(dialog)
    result = await handle(repository, DIALOG, stream, command, complete=complete, read_first=True)
    reopened_at = details_of(result.state).reopened_at
    number = close_seq or len(reopened_at)
    moment = reopened_at[number - 1] if number else None
    return ReopeningView(dialog=dialog, close_seq=number or None, reopened_at=moment)


async def _client(repository: Repository, client: str) -> Client:
    return (await repository.load(CLIENT, CLIENT.stream(client))).state


async def _takes_no_dialogs(repository: Repository, channel: str) -> bool:
    state = (await repository.load(CHANNEL, CHANNEL.stream(channel))).state
    return not isinstance(state, PublishedChannel) or state.closed


def _created(result: CommandResult[Dialog, DialogEvent]) -> int:
    return status.HTTP_201_CREATED if result.events else status.HTTP_200_OK
