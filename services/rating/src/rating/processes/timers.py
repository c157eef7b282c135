"""Offers and expires forms when their time has come."""

from datetime import datetime

from chassis.eventstore.handle import handle
from chassis.eventstore.repository import Repository
from chassis.timers import Document, Timers
from contracts.ratings import CloseState
from rating.domain.rating.decider import RATING, ExpireForm, OfferForm
from rating.read_models.form_documents import FormDocument, due_at
from rating.read_models.forms import Forms


def form_timers(forms: Forms, repository: Repository) -> Timers:
    """Works through the forms that are due."""

    async def settle(document: Document) -> datetime | None:
        form = FormDocument.model_validate(document)
        kind = OfferForm if form.state is CloseState.SCHEDULED else ExpireForm
        command = kind(form.close_seq, repository.clock.now())
        result = await handle(repository, RATING, RATING.stream(form.dialog), command)
        return due_at(result.state.close(form.close_seq))

    return Timers("timers", forms.due, settle, repository.clock, service=repository.service)
