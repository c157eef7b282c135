"""The routes under `/v1/live-chat/marks`: what happened when, by people and by systems."""

from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query, Response

from analytics.api.dependencies import Audit, Clock, MarksOfTime, Repository
from analytics.api.mark_schemas import MarkBody, MarkParameters, TimeMark, TimeMarks
from analytics.api.permissions import (
    NEVER,
    SupervisorClaims,
    permitted_channels,
    permitted_teams,
)
from analytics.api.problems import NOT_PERMITTED, problems
from analytics.domain.mark import MARK, PlaceMark, RemoveMark
from analytics.domain.rejections import Rejection
from analytics.domain.review import StaffMember
from analytics.read_models.marks import PlacedMark
from chassis.eventstore.handle import handle
from chassis.http.auth import allow
from chassis.http.problems import NoChannelCovered, NoTeamCovered
from chassis.http.routes import Router
from chassis.validation.text import LONGEST_NAME
from contracts.access import Claims, Role, Scope
from contracts.envelope import Id

router = Router(prefix="/v1/live-chat/marks", tags=["live chat"], responses=NOT_PERMITTED)

refusals = problems(Rejection.MARK_OF_OTHER_CHANNELS, NoChannelCovered.code, NoTeamCovered.code)

MOST: Final = 200
"""Marks of a response."""

WriterClaims = Annotated[
    Claims, Depends(allow(Role.SUPERVISOR, never=NEVER, service_scope=Scope.MARKS_WRITE))
]
"""The claims of a supervisor, or of a system that may write marks."""
MarkId = Annotated[Id, Path(description="The mark's id, chosen by whoever places it first.")]


@router.get("")
async def list_marks(
    asked: Annotated[MarkParameters, Query()], claims: SupervisorClaims, marks: MarksOfTime
) -> TimeMarks:
    """The marks of a period that are of the caller's channels, or of all."""
    channels = permitted_channels(claims, asked.channel)
    permitted_teams(claims, ())
    found = await marks.within(asked.period, channels, MOST + 1)
    covered = permitted_channels(claims, ())
    shown = [TimeMark.of(each, covered) for each in reversed(found[:MOST])]
    return TimeMarks(marks=shown, complete=len(found) <= MOST)


@router.put("/{mark}", responses=refusals | problems(Rejection.CHANGED_TOO_OFTEN))
async def place_mark(
    mark: MarkId,
    body: MarkBody,
    claims: WriterClaims,
    repository: Repository,
    audit: Audit,
    clock: Clock,
) -> TimeMark:
    """Places a mark, or places it anew; the same again changes nothing. Lists know of it moments later."""
    covered, now = permitted_channels(claims, ()), clock.now()
    permitted_teams(claims, ())
    command = PlaceMark(body.at, body.text, body.asked_channels, writer(claims), covered, now)
    await audit.note("mark.place", claims, now, mark=mark)
    result = await handle(repository, MARK, MARK.stream(mark), command)
    placed = result.state.placed
    assert placed is not None  # noqa: S101 - the state after a mark was placed
    fields: dict[str, Any] = placed.model_dump(exclude={"type"})
    return TimeMark.of(PlacedMark(mark, **fields), covered)


@router.delete("/{mark}", status_code=204, responses=refusals)
async def remove_mark(
    mark: MarkId, claims: WriterClaims, repository: Repository, audit: Audit, clock: Clock
) -> Response:
    """Removes a mark; one that isn't there is removed already."""
    covered, now = permitted_channels(claims, ()), clock.now()
    permitted_teams(claims, ())
    await audit.note("mark.remove", claims, now, mark=mark)
    await handle(repository, MARK, MARK.stream(mark), RemoveMark(writer(claims), covered, now))
    return Response(status_code=204)


def writer(claims: Claims) -> StaffMember:
    """Who writes, as their token names them."""
    return StaffMember(id=claims.sub, name=(claims.name or claims.sub)[:LONGEST_NAME])
