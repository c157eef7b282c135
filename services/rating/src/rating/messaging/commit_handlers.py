"""What happens to each stored event before it is published: forms are written, keys published."""

from collections.abc import Sequence
from typing import Any

from chassis.crypto_shredding import KeyRing
from chassis.outbox.commit_handler import CommitHandler, PublicEvent, RecordedEvent
from contracts.ratings import RatingChanged, RatingGiven
from rating.domain.cool_down import COOL_DOWN, QuestionReserved, Questions
from rating.domain.rating.decider import RATING
from rating.domain.rating.events import RatingEvent
from rating.domain.rating.state import Rating
from rating.messaging.outbound import to_public
from rating.read_models.forms import Forms


def commit_handlers(forms: Forms, keys: KeyRing) -> Sequence[CommitHandler[Any, Any]]:
    """Joins the read model and the keys to the relay. Reservations of questions concern nobody else."""
    return rating_handler(forms, keys), CommitHandler(COOL_DOWN, lambda *_: None, _nothing)


def rating_handler(forms: Forms, keys: KeyRing) -> CommitHandler[Rating, RatingEvent]:
    """What becomes of ratings."""

    async def publish_keys(public: Sequence[PublicEvent]) -> None:
        events = (each.event for each in public)
        answers = (event for event in events if isinstance(event, RatingGiven | RatingChanged))
        if needed := {answer.dialog for answer in answers if answer.comment is not None}:
            await keys.publish(needed)

    return CommitHandler(RATING, to_public, forms.project, publish_keys)


async def _nothing(_: Sequence[RecordedEvent[Questions, QuestionReserved]]) -> None:
    pass
