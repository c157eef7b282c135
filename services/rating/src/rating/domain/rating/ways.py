"""How a form reaches its client, and why a way fails. Storage format: only add."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

from chassis.eventstore.decider import StoredValue


class Way(StrEnum):
    """Something that a form reaches its client by."""

    WIDGET = "widget"
    EMAIL = "email"
    WEBHOOK = "webhook"


class DeliveryWay(StoredValue):
    """A way that a channel uses, once a form has waited for `after` from its offer; the widget's is 0."""

    way: Way
    after: timedelta = timedelta(0)


WIDGET_ALONE: Final = (DeliveryWay(way=Way.WIDGET),)


class DeliveryFailureReason(StrEnum):
    """Why a way is closed for a form, for good."""

    OPTED_OUT = "opted_out"
    NO_ADDRESS = "no_address"
    NOT_AN_ADDRESS = "not_an_address"
    NEEDS_SMTPUTF8 = "needs_smtputf8"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    NOT_SENT_IN_TIME = "not_sent_in_time"
    WEBHOOK_GONE = "webhook_gone"
    WEBHOOK_OFF = "webhook_off"


def mails(wanted: Sequence[DeliveryWay]) -> bool:
    """Whether forms are sent by e-mail."""
    return any(each.way is Way.EMAIL for each in wanted)


def after_of(wanted: Sequence[DeliveryWay], way: Way) -> timedelta | None:
    """How long a form has waited when it is sent by this way; None if it never is."""
    return next((each.after for each in wanted if each.way is way), None)


def usable(wanted: Sequence[DeliveryWay], known: Collection[Way]) -> tuple[Way, ...]:
    """The ways that a channel wants and that lead to the client, as `known` has them; best first."""
    return tuple(each.way for each in wanted if each.way in known)
