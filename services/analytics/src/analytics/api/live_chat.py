"""The Live Chat questions. Supervisors ask them about their channels; an operator never does."""

from typing import Annotated

from fastapi import Depends, Query

from analytics.api.parameters import CloseParameters, ReviewParameters, SummaryParameters
from analytics.api.queries import LiveChatQueries
from analytics.api.schemas import Reconciliation, ReviewPage, Summary
from chassis.http.auth import allow
from chassis.http.problems import COMMON, ChannelNotCovered, NoChannelCovered
from chassis.http.routes import Router
from contracts.access import Claims, Role


def routes(answers: LiveChatQueries) -> Router:
    """The routes under ``/v1/live-chat``; 401 without a token, 403 for anybody but a supervisor."""
    forbidden = COMMON.responses(ChannelNotCovered.code, NoChannelCovered.code)
    router = Router(prefix="/v1/live-chat", tags=["live chat"], responses=forbidden)
    supervisor = allow(Role.SUPERVISOR, never=frozenset({Role.OPERATOR, Role.VISITOR}))
    Supervisor = Annotated[Claims, Depends(supervisor)]  # noqa: N806 - a type

    @router.get("/summary")
    async def summary(asked: Annotated[SummaryParameters, Query()], claims: Supervisor) -> Summary:
        """All numbers of the closes asked for, from one moment; with `by`, also per day or hour of `tz`."""
        return await answers.summary(asked, claims)

    @router.get("/reviews")
    async def reviews(asked: Annotated[ReviewParameters, Query()], claims: Supervisor) -> ReviewPage:
        """Closes one by one, the newest first, rated or not. Who read them is recorded first."""
        return await answers.reviews(asked, claims)

    @router.get("/reconcile")
    async def reconcile(asked: Annotated[CloseParameters, Query()], claims: Supervisor) -> Reconciliation:
        """Recounts the closes asked for, and compares with the counters that the summary is made of."""
        return await answers.reconcile(asked, claims)

    return router
