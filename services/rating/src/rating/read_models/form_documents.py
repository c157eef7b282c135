"""A form as its client sees it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, assert_never

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from contracts.ratings import CloseState
from rating.domain.dry_run import PastClose
from rating.domain.quality_control.state import DEFAULT_VERSION
from rating.domain.quality_control.texts import LAST_RESORT
from rating.domain.rating.eligibility import CloseFacts
from rating.domain.rating.form_version import (
    CancelledReason,
    CommentRule,
    FollowUpRule,
    NotOfferedReason,
    Scale,
    Snapshot,
    TagRule,
)
from rating.domain.rating.state import (
    Cancelled,
    CloseToRate,
    Declined,
    Expired,
    Given,
    NotOffered,
    Offered,
    Registered,
    Scheduled,
    Undeliverable,
)
from rating.domain.rating.ways import Way

RegisteredClose = (
    Registered | NotOffered | Scheduled | Offered | Given | Declined | Expired | Cancelled | Undeliverable
)
"""A registered close, of which it is known whom it belongs to."""


class GivenFollowUp(BaseModel):
    """The answer to a follow-up question: the id of an option, or sealed words."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    option: str | None = None
    text: str | None = Field(default=None, repr=False)


class FormDocument(BaseModel):
    """One form. `position` is that of the last event of its dialog's stream that it shows.

    `expires_at` and `editable_until` are there as long as the client may answer, or change the answer;
    `score`, `chosen_tags`, `given_follow_ups` and `sealed_comment` once they have answered; `expired_at`,
    `not_offered_reason` and `cancelled_reason` once it has come to that; `withdrawn_at` if it was cancelled
    before it was offered, or given up. `in_widget` if the widget shows it. Its texts are those of the
    `version` of the settings that it was made from.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    form: str = Field(validation_alias=AliasChoices("form", "_id"))
    dialog: str
    close_seq: int
    channel: str
    client: str
    team: str | None = None
    closed_at: datetime
    opened_at: datetime | None = None
    locale: str | None = None
    state: CloseState
    version: int = DEFAULT_VERSION
    default_locale: str = LAST_RESORT
    scale: Scale
    comment_limit: int
    comment_rule: CommentRule = CommentRule()
    edit_window: float | None = Field(default=None, description="in seconds")
    expires_at: datetime | None = None
    editable_until: datetime | None = None
    tags: tuple[TagRule, ...] = ()
    follow_ups: tuple[FollowUpRule, ...] = ()
    operator_name: str | None = None
    score: int | None = None
    chosen_tags: tuple[str, ...] = ()
    given_follow_ups: Mapping[str, GivenFollowUp] = Field(default_factory=dict, repr=False)
    sealed_comment: str | None = Field(default=None, repr=False)
    registered_at: datetime | None = None
    facts: CloseFacts = CloseFacts()
    expired_at: datetime | None = None
    not_offered_reason: NotOfferedReason | None = None
    withdrawn_at: datetime | None = None
    in_widget: bool = True
    cancelled_reason: CancelledReason | None = None
    position: int


SETTLED = frozenset({CloseState.GIVEN, CloseState.DECLINED, CloseState.EXPIRED})


def past_close(form: FormDocument) -> PastClose:
    """The close of a form, for a dry run."""
    return PastClose(
        snapshot=Snapshot.model_validate(form.model_dump(include=set(Snapshot.model_fields))),
        facts=form.facts,
        registered_at=form.registered_at or form.closed_at,
        reason=form.not_offered_reason,
        settled=form.state in SETTLED,
        withdrawn_at=form.withdrawn_at,
    )


def form_id(dialog: str, close_seq: int) -> str:
    """The id of the form of a close: the same however often the close is consumed."""
    return f"{dialog}.{close_seq}"


def form_document(close: RegisteredClose, position: int) -> FormDocument:
    """The form of a close, with the `position` of the last event that it shows."""
    snapshot, rules = close.form.snapshot, close.form.rules
    return FormDocument(
        form=form_id(snapshot.dialog, snapshot.close_seq),
        dialog=snapshot.dialog,
        close_seq=snapshot.close_seq,
        channel=snapshot.channel,
        client=snapshot.client,
        team=snapshot.team,
        closed_at=snapshot.closed_at,
        opened_at=snapshot.opened_at,
        locale=snapshot.locale,
        state=_state_of(close),
        version=rules.version,
        default_locale=rules.default_locale,
        scale=rules.scale,
        comment_limit=rules.comment_limit,
        comment_rule=rules.comment,
        edit_window=rules.edit_window.total_seconds(),
        tags=rules.tags,
        follow_ups=rules.follow_ups,
        operator_name=snapshot.operator_name if rules.names_operator else None,
        registered_at=close.form.registered_at,
        facts=close.form.facts,
        in_widget=Way.WIDGET in close.form.ways,
        position=position,
        **_of_state(close),
    )


def _of_state(close: RegisteredClose) -> dict[str, Any]:  # noqa: PLR0911 - one line for each state
    match close:
        case Declined() if close.forgotten:
            return {}
        case Offered() | Declined():
            return {"expires_at": close.expires_at}
        case Given():
            until = {"expires_at": close.expires_at, "editable_until": close.editable_until}
            answer = {
                "score": close.answer.score,
                "sealed_comment": close.answer.comment,
                "chosen_tags": close.answer.tags,
                "given_follow_ups": {
                    question: GivenFollowUp(option=each.option, text=each.text)
                    for question, each in close.answer.follow_ups.items()
                },
            }
            return answer | (until if close.is_open else {})
        case Expired():
            return {"expired_at": close.expired_at}
        case Cancelled():
            unseen = None if close.offered else close.cancelled_at
            return {"cancelled_reason": close.reason, "withdrawn_at": unseen}
        case NotOffered():
            return {"not_offered_reason": close.reason}
        case Undeliverable():
            return {"withdrawn_at": close.given_up_at}
        case Registered() | Scheduled():
            return {}
        case _:
            assert_never(close)


def due_at(close: CloseToRate) -> datetime | None:
    """When a timer has something to do for the close: to offer its form, or to let it expire."""
    match close:
        case Scheduled():
            return close.due_at
        case Offered():
            return close.expires_at
        case _:
            return None


def _state_of(close: RegisteredClose) -> CloseState:  # noqa: PLR0911 - one line for each state
    match close:
        case Registered():
            return CloseState.UNDECIDED
        case NotOffered():
            return CloseState.NOT_OFFERED
        case Scheduled():
            return CloseState.SCHEDULED
        case Offered():
            return CloseState.PENDING
        case Given():
            return CloseState.GIVEN
        case Declined():
            return CloseState.DECLINED
        case Expired():
            return CloseState.EXPIRED
        case Cancelled():
            return CloseState.CANCELLED
        case Undeliverable():
            return CloseState.UNDELIVERABLE
        case _:
            assert_never(close)
