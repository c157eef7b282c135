"""What happens to each stored event before it is said: forms are written, keys published."""

from collections.abc import Sequence

from chassis.crypto_shredding import KeyRing
from chassis.outbox.commit_handler import CommitHandler, PublicEvent, RecordedEvent
from contracts.ratings import RatingChanged, RatingGiven
from rating.domain.rating.decider import RATING
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating
from rating.messaging.outbound import to_public
from rating.processes.erasure import ClientErasure
from rating.read_models.forms import Forms


def commit_handlers(
    forms: Forms, erasure: ClientErasure, keys: KeyRing
) -> CommitHandler[Rating, RatingEvent]:
    """Joins the read model the erasure and the keys to the follower."""

    async def project(batch: Sequence[RecordedEvent[Rating, RatingEvent]]) -> None:
        await erasure.catch_up(await forms.project(batch))

    async def keys_first(said: Sequence[PublicEvent]) -> None:
        sealed = {public.key for public in said if _has_words(public)}
        if sealed:
            await keys.publish(sealed)

    return CommitHandler(decider=RATING, to_public=to_public, project=project, before_publish=keys_first)


def _has_words(public: PublicEvent) -> bool:
    return isinstance(public.event, RatingGiven | RatingChanged) and public.event.comment is not None
