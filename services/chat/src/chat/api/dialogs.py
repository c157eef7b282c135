"""Dialogs: opened, written in, taken, closed and reopened. Every request can be repeated."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response, status

from chassis.crypto_shredding import KeyRing
from chassis.eventstore.handle import handle
from chassis.eventstore.repository import CommandResult, Repository
from chassis.http.auth import Verifier, allow, visitor_of
from chassis.http.errors import errors
from chassis.http.problems import NotFound
from chat.api.permissions import PEOPLE, STAFF, Actor, actor_of, assigning
from chat.api.reservations import reserve
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
    Registration,
    ReserveDialog,
    UnknownClient,
    refuse_if_erased,
)
from chat.domain.dialog.decider import (
    DIALOG,
    NO_SUCH_DIALOG,
    NOT_SEALED,
    AssignOperator,
    CloseDialog,
    DialogCommand,
    OpenDialog,
    PostMessage,
    ReopenDialog,
)
from chat.domain.dialog.events import DialogEvent
from chat.domain.dialog.state import Dialog, DialogDetails, Operator, Unopened, details_of
from chat.personal_data import fingerprinted_message, sealed_close, sealed_message, sealed_registration
from chat.read_models.pending_visitors import PendingVisitor, PendingVisitors
from contracts.access import Claims, Role

CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Done now; 200 if it was done before."}}


@dataclass(frozen=True)
class DialogCommands:
    """What the routes of dialogs work with."""

    streams: Repository
    keys: KeyRing
    visitors: PendingVisitors

    async def dialog(self, dialog: str) -> Dialog:
        """The dialog as it is stored now."""
        return (await self.streams.load(DIALOG, DIALOG.stream(dialog))).state

    async def client(self, client: str) -> Client:
        """The client as they are stored now."""
        return (await self.streams.load(CLIENT, CLIENT.stream(client))).state

    async def takes_no_dialogs(self, channel: str) -> bool:
        """Whether a channel is closed, or was never published."""
        state = (await self.streams.load(CHANNEL, CHANNEL.stream(channel))).state
        return not isinstance(state, PublishedChannel) or state.closed

    async def tell(self, dialog: str, command: DialogCommand) -> CommandResult[Dialog, DialogEvent]:
        """Has the dialog do something."""
        return await handle(self.streams, DIALOG, DIALOG.stream(dialog), command)

    async def open(
        self, claims: Claims, dialog: str, locale: str | None
    ) -> CommandResult[Dialog, DialogEvent]:
        """Has a visitor open a dialog; somebody else's is not there."""
        visitor = visitor_of(claims)
        known = await self.dialog(dialog)
        if not isinstance(known, Unopened) and known.talk.client != visitor.client:
            raise NotFound(NO_SUCH_DIALOG)
        client = await self.client(visitor.client)
        refuse_if_erased(client)
        now = self.streams.clock.now()
        pending = await self.visitors.find(visitor.client, now) if isinstance(client, UnknownClient) else None
        who = client if isinstance(client, RegisteredClient) else pending
        closed = await self.takes_no_dialogs(visitor.channel)
        wished = locale or (who.locale if who else None)
        command = OpenDialog(dialog, visitor.client, visitor.channel, closed, now, wished)
        if DIALOG.decide(known, command):  # what is refused, or was done before, needs no place
            await self._reserve(ReserveDialog(visitor.client, dialog, now), pending)
        return await self.tell(dialog, command)

    async def reopen(self, talk: DialogDetails, command: ReopenDialog) -> CommandResult[Dialog, DialogEvent]:
        """Has somebody reopen a dialog, if its client has a place for it."""
        if DIALOG.decide(await self.dialog(talk.dialog), command):
            await self._reserve(ReserveDialog(talk.client, talk.dialog, command.now, talk.closes))
        return await self.tell(talk.dialog, command)

    async def _reserve(self, command: ReserveDialog, visitor: PendingVisitor | None = None) -> None:
        if visitor is None:
            await reserve(self.streams, command)
        else:
            command = replace(command, registration=Registration(visitor.channel, visitor.locale))
            seal = partial(sealed_registration, self.keys, command, visitor.email, visitor.name)
            await reserve(self.streams, command, seal)
            await self.visitors.remove(visitor.client)

    async def post(
        self, talk: DialogDetails, side: Actor, message: str, text: str
    ) -> CommandResult[Dialog, DialogEvent]:
        """Has somebody write; the text is sealed once it is decided that they may."""
        refuse_if_erased(await self.client(talk.client))
        now = self.streams.clock.now()
        command = PostMessage(message, side.operator, NOT_SEALED, len(text), NOT_SEALED, now)
        to_seal = (self.keys, command, text, talk.dialog, talk.client)
        return await handle(
            self.streams,
            DIALOG,
            DIALOG.stream(talk.dialog),
            command,
            fingerprint=partial(fingerprinted_message, *to_seal),
            seal=partial(sealed_message, *to_seal),
        )

    async def close(
        self, talk: DialogDetails, side: Actor, close_seq: int | None
    ) -> CommandResult[Dialog, DialogEvent]:
        """Has somebody close; the contact is sealed for the dialog once it is decided that they may."""
        client = await self.client(talk.client)
        command = CloseDialog(side.kind, self.streams.clock.now(), close_seq, operator=side.operator_id)
        seal = partial(sealed_close, self.keys, command, talk.dialog, talk.client, client)
        return await handle(self.streams, DIALOG, DIALOG.stream(talk.dialog), command, seal=seal)


def routes(desk: DialogCommands, verifier: Verifier) -> APIRouter:
    """The routes that change dialogs."""
    router = APIRouter(prefix="/v1/dialogs/{dialog}", tags=["dialogs"])
    visitor = Annotated[Claims, Depends(allow(verifier, Role.VISITOR))]
    people = Annotated[Claims, Depends(allow(verifier, *PEOPLE))]
    staff = Annotated[Claims, Depends(allow(verifier, *STAFF))]

    @router.put("", responses=CREATED | errors(401, 403, 404, 409, 415))
    async def open_dialog(
        dialog: DialogId, claims: visitor, response: Response, body: OpeningBody | None = None
    ) -> OpeningView:
        """Opens a dialog in the channel of the visitor's token; a client has five open at most."""
        outcome = await desk.open(claims, dialog, body.locale if body else None)
        response.status_code = _created(outcome)
        return _opening(details_of(outcome.state))

    @router.put("/messages/{message}", responses=CREATED | errors(401, 403, 404, 409, 415))
    async def post_message(
        dialog: DialogId, message: MessageId, body: MessageBody, claims: people, response: Response
    ) -> MessageView:
        """Writes. The visitor of the dialog may, and the operator who has it."""
        talk, side = actor_of(claims, await desk.dialog(dialog))
        outcome = await desk.post(talk, side, message, body.text)
        response.status_code = _created(outcome)
        posted = details_of(outcome.state).messages[message]
        return MessageView(dialog=dialog, message=message, author=side.kind, posted_at=posted.at)

    @router.put("/operator", responses=errors(401, 403, 404, 409, 415))
    async def assign_operator(
        dialog: DialogId, claims: staff, body: OperatorBody | None = None
    ) -> OperatorView:
        """An operator takes a waiting dialog; supervisors and admins give it to anybody."""
        whom = Operator(body.operator, body.name, body.team) if body else None
        operator, takes = assigning(claims, await desk.dialog(dialog), whom)
        await desk.tell(dialog, AssignOperator(operator, takes, desk.streams.clock.now()))
        return OperatorView(dialog=dialog, operator=operator.id, name=operator.name, team=operator.team)

    @router.post("/close", responses=errors(401, 403, 404, 409, 415))
    async def close_dialog(dialog: DialogId, claims: people, body: CloseBody | None = None) -> CloseView:
        """Closes. The visitor of the dialog may, and the operator who has it."""
        talk, side = actor_of(claims, await desk.dialog(dialog))
        close_seq = body.close_seq if body else None
        outcome = await desk.close(talk, side, close_seq)
        return _close(details_of(outcome.state), close_seq)

    @router.post("/reopen", responses=errors(401, 403, 404, 409, 415))
    async def reopen_dialog(dialog: DialogId, claims: people, body: CloseBody | None = None) -> ReopeningView:
        """Undoes a close, 49 times at most. The visitor of the dialog may, and the operator who has it."""
        talk, side = actor_of(claims, await desk.dialog(dialog))
        refuse_if_erased(await desk.client(talk.client))
        close_seq = body.close_seq if body else None
        command = ReopenDialog(desk.streams.clock.now(), close_seq, side.operator_id)
        outcome = await desk.reopen(talk, command)
        return _reopening(details_of(outcome.state), close_seq)

    return router


def _created(outcome: CommandResult[Dialog, DialogEvent]) -> int:
    return status.HTTP_201_CREATED if outcome.events else status.HTTP_200_OK


def _opening(talk: DialogDetails) -> OpeningView:
    return OpeningView(
        dialog=talk.dialog,
        channel=talk.channel,
        client=talk.client,
        locale=talk.locale,
        opened_at=talk.opened_at,
    )


def _close(talk: DialogDetails, close_seq: int | None) -> CloseView:
    number = close_seq or talk.closes
    return CloseView(dialog=talk.dialog, close_seq=number, closed_at=talk.closed_at[number - 1])


def _reopening(talk: DialogDetails, close_seq: int | None) -> ReopeningView:
    number = close_seq or len(talk.reopened_at)
    moment = talk.reopened_at[number - 1] if number else None
    return ReopeningView(dialog=talk.dialog, close_seq=number or None, reopened_at=moment)
