"""The routes under `/v1/live-chat/closes/…/review`: what supervisors write, and who did."""

from typing import Annotated, Final

from fastapi import Depends, Header, Response

from analytics.api.close_review_schemas import (
    CloseReview,
    ExclusionBody,
    NoteBody,
    OwnScoreBody,
    ReviewChange,
    ReviewHistory,
    ScoreRange,
    StatusBody,
    sittings,
)
from analytics.api.covered_close import ACoveredClose, CoveredClose
from analytics.api.dependencies import Audit, Clock, Keys, Repository
from analytics.api.permissions import SupervisorClaims
from analytics.api.problems import problems
from analytics.domain.rejections import Rejection
from analytics.domain.review import (
    REVIEW,
    UNWRITTEN,
    NoteWritten,
    Review,
    ReviewCommand,
    ReviewedClose,
    SetExclusion,
    SetOwnScore,
    SetStatus,
    StaffMember,
    WriteNote,
    Writing,
)
from analytics.personal_data import opened_note, sealed_note
from chassis.crypto_shredding import PrivateKeyRing
from chassis.crypto_shredding.opened_text import OpenedText
from chassis.errors import CommandRejected
from chassis.eventstore.handle import handle
from chassis.eventstore.serialization import read_events
from chassis.http.etags import etag, version_of
from chassis.http.problems import raises
from chassis.http.routes import Router
from chassis.validation.text import LONGEST_NAME

router = Router(prefix="/v1/live-chat/closes/{dialog}/{close_seq}/review", tags=["live chat"])

LAST: Final = 100
"""Changes that the history is made of."""

UNRATED: Final = ScoreRange(lowest=1, highest=5)
"""The scale of an own score where no client chose one."""

refusals = problems(Rejection.CHANGED_MEANWHILE, Rejection.CHANGED_TOO_OFTEN)


@raises(Rejection.VERSION_MISSING)
async def _writing(
    asked: ACoveredClose,
    claims: SupervisorClaims,
    clock: Clock,
    if_match: Annotated[
        str | None, Header(description="The version of the review that was read.", examples=['"4"'])
    ] = None,
) -> Writing:
    if (version := version_of(if_match or "")) is None:
        raise CommandRejected(Rejection.VERSION_MISSING)
    close = ReviewedClose(channel=asked.closed.channel, closed_at=asked.closed.closed_at)
    by = StaffMember(id=claims.sub, name=(claims.name or claims.sub)[:LONGEST_NAME])
    return Writing(close, by, clock.now(), version)


AWriting = Annotated[Writing, Depends(_writing)]


@router.get("")
async def get_review(
    asked: ACoveredClose,
    claims: SupervisorClaims,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    clock: Clock,
    response: Response,
) -> CloseReview:
    """What supervisors wrote about a close. Who read it is recorded first."""
    await audit.note("review.read", claims, clock.now(), closes=[asked.name])
    return await shown(asked, await current(asked, repository), keys, response)


@router.get("/history")
async def get_review_history(
    asked: ACoveredClose,
    claims: SupervisorClaims,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    clock: Clock,
) -> ReviewHistory:
    """Who changed what supervisors wrote about a close. Who read it is recorded first."""
    await audit.note("review.read", claims, clock.now(), closes=[asked.name])
    written = (await current(asked, repository)).version - UNWRITTEN
    stream = REVIEW.stream(asked.name)
    commits = await repository.store.read(stream, max(0, written - LAST), limit=LAST)
    events = [event for commit in reversed(commits) for event in read_events(REVIEW, commit)]
    return ReviewHistory(
        changes=[
            ReviewChange.told(each, await _note(asked, each, keys) if isinstance(each, NoteWritten) else None)
            for each in sittings(events)
        ]
    )


@router.put("/note", responses=refusals | problems(Rejection.CLIENT_ERASED, Rejection.CHANGED_TOO_OFTEN))
async def write_note(
    asked: ACoveredClose,
    body: NoteBody,
    claims: SupervisorClaims,
    writing: AWriting,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    response: Response,
) -> CloseReview:
    """Makes this the note, unless somebody else has changed it since it was read."""
    await audit.note("review.note", claims, writing.now, closes=[asked.name])
    command = WriteNote(writing, None, None)

    async def sealed(review: Review) -> ReviewCommand:
        return await sealed_note(keys, command, body.note, asked.closed.client, asked.closed.dialog, review)

    result = await handle(repository, REVIEW, REVIEW.stream(asked.name), command, complete=sealed)
    return await shown(asked, result.state, keys, response)


@router.put("/status", responses=refusals)
async def set_status(
    asked: ACoveredClose,
    body: StatusBody,
    claims: SupervisorClaims,
    writing: AWriting,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    response: Response,
) -> CloseReview:
    """Says how far supervisors are, unless somebody else has since the status was read."""
    await audit.note("review.status", claims, writing.now, closes=[asked.name])
    command = SetStatus(writing, body.status)
    result = await handle(repository, REVIEW, REVIEW.stream(asked.name), command)
    return await shown(asked, result.state, keys, response)


@router.put("/own-score", responses=refusals | problems(Rejection.SCORE_NOT_ON_SCALE))
async def set_own_score(
    asked: ACoveredClose,
    body: OwnScoreBody,
    claims: SupervisorClaims,
    writing: AWriting,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    response: Response,
) -> CloseReview:
    """Gives a score beside the client's, unless somebody else has changed it since it was read."""
    await audit.note("review.own_score", claims, writing.now, closes=[asked.name])
    scale = scale_of(asked)
    command = SetOwnScore(writing, body.score, scale.lowest, scale.highest)
    result = await handle(repository, REVIEW, REVIEW.stream(asked.name), command)
    return await shown(asked, result.state, keys, response)


@router.put("/exclusion", responses=refusals)
async def set_exclusion(
    asked: ACoveredClose,
    body: ExclusionBody,
    claims: SupervisorClaims,
    writing: AWriting,
    repository: Repository,
    keys: Keys,
    audit: Audit,
    response: Response,
) -> CloseReview:
    """Leaves the close out of the numbers, or takes it in again; its row stays, and says so."""
    await audit.note("review.exclusion", claims, writing.now, closes=[asked.name])
    command = SetExclusion(writing, body.reason)
    result = await handle(repository, REVIEW, REVIEW.stream(asked.name), command)
    return await shown(asked, result.state, keys, response)


async def current(asked: CoveredClose, repository: Repository) -> Review:
    """What is written about a close now."""
    return (await repository.load(REVIEW, REVIEW.stream(asked.name))).state


async def shown(
    asked: CoveredClose, review: Review, keys: PrivateKeyRing, response: Response | None = None
) -> CloseReview:
    """What is written, as it is shown; with its version as the ETag of a `response`."""
    if response is not None:
        response.headers["ETag"] = etag(review.version)
    note = await _note(asked, review.note, keys) if review.note else None
    return CloseReview.shown(review, note, scale_of(asked))


async def _note(asked: CoveredClose, event: NoteWritten, keys: PrivateKeyRing) -> OpenedText | None:
    if event.note is None:
        return None
    return await opened_note(keys, event.note, asked.closed.client, asked.closed.dialog)


def scale_of(asked: CoveredClose) -> ScoreRange:
    """What an own score of the close is given on."""
    if (answer := asked.close.answer) is None:
        return UNRATED
    return ScoreRange(lowest=answer.scale.lowest, highest=answer.scale.highest)
