"""Writes the mails that tell supervisors of low scores."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import structlog

from chassis.eventstore.repository import Repository
from chassis.telemetry.metrics import DELIVERIES
from rating.adapters.mail import Mail
from rating.adapters.mails import More, render_low_score
from rating.domain.rating.decider import RATING
from rating.domain.rating.state import Given
from rating.read_models.channels import Channels
from rating.read_models.erased_clients import ErasedClients
from rating.read_models.low_scores import LOW_SCORE, LowScores
from rating.read_models.quality_control import QualityControlVersions

TRIED_FOR: Final = timedelta(days=1)
"""From the answer: what could not be told by then is on Live Chat anyway."""

Document = dict[str, Any]

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class DueMail:
    """A mail, and the documents besides its own that it tells of."""

    mail: Mail
    besides: Sequence[Document]


@dataclass(frozen=True)
class LowScoreMails:
    """Mails with links to Live Chat at `url`."""

    low_scores: LowScores
    repository: Repository
    versions: QualityControlVersions
    channels: Channels
    erased: ErasedClients
    url: str

    async def due(self, document: Document, now: datetime) -> DueMail | datetime | None:
        """The mail, or from when on its recipient may be written to again; None if nothing is to be told.

        An answer is looked at as it is now: nobody is told of one that its client has changed to a better
        one, nor of one whose client was erased.
        """
        if now >= document["given_at"] + TRIED_FOR:
            DELIVERIES.labels(self.repository.service, LOW_SCORE, "given_up").inc()
            log.warning("alert_given_up", delivery=document["_id"])
            return None
        if (close := await self._low(document)) is None:
            return None
        if (until := await self.low_scores.take_turn(document, now)) is not None:
            return until
        besides = await self.low_scores.besides(document)
        told = [each for each in besides if await self._low(each)]
        return DueMail(await self._write(document, close, told, now), besides)

    async def settle(self, documents: Sequence[Document]) -> None:
        """These were told of."""
        await self.low_scores.settle(documents)

    async def _low(self, document: Document) -> Given | None:
        """The close, if its score is still low; None of an erased client's."""
        rating = await self.repository.load(RATING, RATING.stream(document["dialog"]))
        close = rating.state.close(document["close_seq"])
        settings = (await self.versions.at(document["channel"], document["version"])).settings
        if not isinstance(close, Given) or await self.erased.among([document["client"]]):
            return None
        return close if settings.alerts_of(close.answer.score, close.form.rules.scale) else None

    async def _write(self, document: Document, close: Given, told: Sequence[Document], now: datetime) -> Mail:
        name = await self.channels.name(document["channel"])
        time_zone = await self.channels.time_zone(document["channel"])
        since = min(each["given_at"] for each in (document, *told))
        rendered = render_low_score(
            locale=document["locale"],
            channel=name,
            score=close.answer.score,
            highest=close.form.rules.scale.highest,
            link=self._review(document),
            more=More(len(told), since, time_zone) if told else None,
        )
        return Mail(
            to=document["to"],
            from_name=name,
            **asdict(rendered),
            id=f"{hashlib.sha256(document['_id'].encode()).hexdigest()[:32]}.{LOW_SCORE}",
            sent_at=now,
        )

    def _review(self, document: Document) -> str:
        """The review in Live Chat's drawer, before the list of the channel's low scores."""
        review = f"{document['dialog']}.{document['close_seq']}"
        shown = {"channel": document["channel"], "state": "unsatisfied", "review": review}
        return f"{self.url}/live-chat?{urlencode(shown)}"
