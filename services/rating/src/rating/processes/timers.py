"""Offers and expires forms when their time has come."""

from datetime import datetime

from chassis.eventstore.repository import Repository
from chassis.timers import Document, Timers
from contracts.ratings import CloseState
from rating.domain.rating.decider import RATING, ExpireForm, OfferForm
from rating.domain.rating.state import Rating
from rating.read_models.form_documents import due_at
from rating.read_models.forms import Forms


def form_timers(forms: Forms, repository: Repository) -> Timers:
    """Works through the forms that are due."""
    return Timers("timers", forms.due, repository, RATING, command=_command, due_next=_due_next)


def _command(form: Document, now: datetime) -> tuple[str, OfferForm | ExpireForm]:
    kind = OfferForm if form["state"] == CloseState.SCHEDULED else ExpireForm
    return RATING.stream(form["dialog"]), kind(form["close_seq"], now)


def _due_next(form: Document, rating: Rating) -> datetime | None:
    return due_at(rating.close(form["close_seq"]))
