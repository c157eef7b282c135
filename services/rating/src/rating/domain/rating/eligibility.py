"""Who may be asked: what a channel demands of a close, and what is known of it. Storage format: only add."""

import hashlib
import hmac
from datetime import timedelta
from enum import StrEnum
from typing import Final

from chassis.eventstore.decider import StoredValue
from rating.domain.rating.ways import Way

EVERYBODY: Final = 100
"""Percent."""


class KindOfClose(StrEnum):
    """Who ended the dialog."""

    OPERATOR = "operator"
    CLIENT = "client"
    IDLE = "idle"
    SYSTEM = "system"


PEOPLE: Final = (KindOfClose.OPERATOR, KindOfClose.CLIENT)


class ReopenedPolicy(StrEnum):
    """Whether a dialog that was reopened is asked about again, once a form of it was dealt with."""

    EACH_CLOSE = "each_close"
    ONCE_PER_DIALOG = "once_per_dialog"
    ONCE_WITHIN = "once_within"


class Eligibility(StoredValue):
    """Which closes may be asked about.

    Those by `closed_by`; with a reply of an operator, if it `needs_reply`; with so many messages of each side
    at least, and one of the client's with at least `least_text` characters; neither spam nor with one of
    `skips_labels`, whatever their case. `share` percent of those are asked. `once_within` is from the offer,
    and means something with that policy alone.
    """

    closed_by: tuple[KindOfClose, ...] = PEOPLE
    needs_reply: bool = True
    least_client_messages: int = 0
    least_operator_messages: int = 0
    least_text: int = 0
    skips_spam: bool = True
    skips_labels: tuple[str, ...] = ()
    share: int = EVERYBODY
    reopened: ReopenedPolicy = ReopenedPolicy.EACH_CLOSE
    once_within: timedelta = timedelta(0)


class CloseFacts(StoredValue):
    """What was said of a close, over all closes that were reopened for it.

    `closed_by` is None where nothing is known of it. `longest_text` is the client's longest message, in
    characters. `draw` is where the close falls among all, evenly from 0 to just under 100. `resumes` is the
    close whose reopening nobody used. By `ways` its client can be reached; `opted_out` if they want no mails
    of the channel.
    """

    closed_by: KindOfClose | None = None
    client_messages: int = 0
    operator_messages: int = 0
    longest_text: int = 0
    labels: tuple[str, ...] = ()
    spam: bool = False
    draw: float = 0.0
    resumes: int | None = None
    ways: tuple[Way, ...] = (Way.WIDGET,)
    opted_out: bool = False

    def after(self, before: "CloseFacts") -> "CloseFacts":
        """The facts of a close for which one with the facts `before` was reopened.

        It keeps that one's `draw`, too: else whoever closes, reopens and closes again could take a form away.
        """
        return self.model_copy(
            update={
                "client_messages": before.client_messages + self.client_messages,
                "operator_messages": before.operator_messages + self.operator_messages,
                "longest_text": max(before.longest_text, self.longest_text),
                "draw": before.draw,
            }
        )


def is_kind_asked(rules: Eligibility, facts: CloseFacts) -> bool:
    """Whether closes of this kind, and with these labels, are asked about."""
    skipped = {label.casefold() for label in rules.skips_labels}
    return (facts.closed_by is None or facts.closed_by in rules.closed_by) and not any(
        label.casefold() in skipped for label in facts.labels
    )


def is_too_short(rules: Eligibility, facts: CloseFacts) -> bool:
    """Whether too little was said."""
    return (
        facts.client_messages < rules.least_client_messages
        or facts.operator_messages < rules.least_operator_messages
        or facts.longest_text < rules.least_text
    )


def draw_of(form: str, secret: bytes) -> float:
    """Where the form with this id falls among all: always the same, and nothing that an operator can compute.

    The first 48 bits of HMAC-SHA-256, as a number from 0 to just under 100.
    """
    digest = hmac.digest(secret, f"draw:{form}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:6], "big") * 100 / 2**48
