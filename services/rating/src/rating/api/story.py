"""The route under `/v1/closes`: how it came that a close was asked about, or wasn't."""

from typing import Annotated, Final

from fastapi import Path

from chassis.eventstore.serialization import read_events
from chassis.http.problems import NotFound, raises
from chassis.http.routes import Router
from rating.api.dependencies import Audit, Forms, Repository, Versions
from rating.api.permissions import SupervisorClaims
from rating.api.story_schemas import CloseStory
from rating.domain.rating.decider import RATING
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.story import story_of

SLICE: Final = 500
"""Commits that are read at once."""

CLOSE_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\.[1-9][0-9]{0,9}$"
CloseId = Annotated[
    str, Path(pattern=CLOSE_ID, description="The close's id, `<dialog>.<close_seq>`.", examples=["d1.1"])
]

router = Router(prefix="/v1/closes", tags=["closes"])


@router.get("/{close}/story")
@raises(NotFound)
async def tell_story(
    close: CloseId,
    claims: SupervisorClaims,
    forms: Forms,
    repository: Repository,
    versions: Versions,
    audit: Audit,
) -> CloseStory:
    """Why a close got a form, or none, rule by rule, and what happened to the form since.

    No client's words are in it: its texts are the form's. Who read it is recorded first. A close of a channel
    or team that the token doesn't cover isn't there, as one that never was.
    """
    if not await forms.is_seen_by(claims, close):
        raise NotFound
    await audit.note("story.read", claims, repository.clock.now(), close=close)
    dialog, _, close_seq = close.rpartition(".")
    story = story_of(await _events_of(repository, dialog), int(close_seq))
    if story is None:
        raise NotFound
    channel = story.form.snapshot.channel
    asked_by = await versions.at(channel, story.form.rules.version)
    current = await versions.current(channel)
    return CloseStory.of(story, asked_by.settings, current.version)


async def _events_of(repository: Repository, dialog: str) -> list[RatingEvent]:
    stream, events, after = RATING.stream(dialog), list[RatingEvent](), 0
    while commits := await repository.store.read(stream, after, limit=SLICE):
        events += [event for commit in commits for event in read_events(RATING, commit)]
        after = commits[-1].number
    return events
