"""What visitors ask for themselves: their dialogs, what changes in these, and a fresh token."""

from fastapi import Request

from chassis.errors import CommandRejected
from chassis.http.live import EventStream
from chassis.http.routes import Router
from chat.api.dependencies import Dialogs, Live, Repository, Tokens, Visitors
from chat.api.origins import FROM_ALLOWED_PAGES
from chat.api.permissions import AVisitor
from chat.api.problems import problems
from chat.api.reading import WATCHED
from chat.api.schemas import OwnDialogList, OwnDialogView, VisitorGiven
from chat.domain.client import CLIENT, UnknownClient, refuse_if_erased
from chat.domain.rejections import Rejection

router = Router(prefix="/v1/visitors/me", tags=["visitors"], dependencies=FROM_ALLOWED_PAGES)


@router.get("/dialogs")
async def list_own_dialogs(visitor: AVisitor, dialogs: Dialogs) -> OwnDialogList:
    """The visitor's dialogs. One that was opened just now may come a moment later."""
    found = await dialogs.of_client(visitor.client)
    return OwnDialogList(dialogs=[OwnDialogView.model_validate(document) for document in found])


@router.get("/changes", response_class=EventStream, responses=dict(WATCHED))
async def watch_own_dialogs(request: Request, visitor: AVisitor, dialogs: Dialogs, live: Live) -> EventStream:
    """A stream of how far the visitor's dialogs have come: at once, then whenever it is more."""
    topics = [f"client:{visitor.client}"]
    return live.stream(request, lambda: dialogs.watched_by_client(visitor.client), topics)


@router.post("/token", responses=problems(Rejection.CLIENT_ERASED, Rejection.VISITOR_EXPIRED))
async def renew_token(
    visitor: AVisitor, repository: Repository, visitors: Visitors, tokens: Tokens
) -> VisitorGiven:
    """Another token for the same client. Worth asking for in the last third of a token's time.

    The token that asks for it stays good until it expires.
    """
    client = (await repository.load(CLIENT, CLIENT.stream(visitor.client))).state
    refuse_if_erased(client)
    now = repository.clock.now()
    token, expires_at = tokens.issue(visitor.client, visitor.channel, now)
    if isinstance(client, UnknownClient) and not await visitors.keep(visitor.client, now, expires_at):
        raise CommandRejected(Rejection.VISITOR_EXPIRED)
    return VisitorGiven(token=token, client=visitor.client, expires_at=expires_at)
