"""What happens to each stored event before it is said: forms are written, keys published."""

from collections.abc import Sequence

from chassis.eventlog.following import Followed, Following, Public
from chassis.sealing import KeyRing
from contracts.ratings import RatingChanged, RatingGiven
from rating.domain.closes import Rating
from rating.domain.events import AnyEvent
from rating.domain.rating import RATING
from rating.erasure import Erasure
from rating.messaging.outbound import to_public
from rating.read_models.forms import Forms


def following(forms: Forms, erasure: Erasure, keys: KeyRing) -> Following[Rating, AnyEvent]:
    """Joins the read model the erasure and the keys to the follower."""

    async def project(batch: Sequence[Followed[Rating, AnyEvent]]) -> None:
        await erasure.catch_up(await forms.project(batch))

    async def keys_first(said: Sequence[Public]) -> None:
        sealed = {public.key for public in said if _has_words(public)}
        if sealed:
            await keys.publish(sealed)

    return Following(decider=RATING, to_public=to_public, project=project, before_saying=keys_first)


def _has_words(public: Public) -> bool:
    return isinstance(public.event, RatingGiven | RatingChanged) and public.event.comment is not None
