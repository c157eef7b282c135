"""What happens to each stored event before it is published: forms are written, keys published."""

from collections.abc import Sequence

from chassis.crypto_shredding import KeyRing
from chassis.outbox.commit_handler import CommitHandler, PublicEvent
from contracts.ratings import RatingChanged, RatingGiven
from rating.domain.rating.decider import RATING
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating
from rating.messaging.outbound import to_public
from rating.read_models.forms import Forms


def commit_handlers(forms: Forms, keys: KeyRing) -> CommitHandler[Rating, RatingEvent]:
    """Joins the read model and the keys to the relay."""

    async def publish_keys(public: Sequence[PublicEvent]) -> None:
        if needed := {one.key for one in public if _has_words(one)}:
            await keys.publish(needed)

    return CommitHandler(RATING, to_public, forms.project, publish_keys)


def _has_words(public: PublicEvent) -> bool:
    return isinstance(public.event, RatingGiven | RatingChanged) and public.event.comment is not None
