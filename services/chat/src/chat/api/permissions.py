"""Who may do what in chat. Whatever is not allowed here is denied; what may not be seen is not there."""

from dataclasses import dataclass
from typing import Literal

from fastapi.exceptions import RequestValidationError

from chassis.http.auth import visitor_of
from chassis.http.problems import Forbidden, NotFound, Problem
from chassis.validation.text import LONGEST_NAME
from chat.domain.dialog.decider import NO_SUCH_DIALOG
from chat.domain.dialog.state import Dialog, DialogDetails, Open, Operator, Unopened
from contracts.access import EVERY_CHANNEL, Claims, Role

PEOPLE = (Role.VISITOR, Role.OPERATOR)
SUPERVISING = (Role.SUPERVISOR, Role.ADMIN)
STAFF = (Role.OPERATOR, *SUPERVISING)


@dataclass(frozen=True)
class Actor:
    """Who acts in a dialog: its operator, or its client if `operator` is None."""

    operator: Operator | None

    @property
    def kind(self) -> Literal["operator", "client"]:
        """As a close names it."""
        return "operator" if self.operator else "client"

    @property
    def operator_id(self) -> str | None:
        """The operator's id, None for the client."""
        return self.operator.id if self.operator else None


Reader = Literal["client", "operator", "lead"]


def operator_of(claims: Claims) -> Operator:
    """The operator behind a token: its subject, by the name it gives, else called by the subject."""
    return Operator(claims.sub, claims.name or claims.sub[:LONGEST_NAME], claims.team)


def actor_of(claims: Claims, dialog: Dialog) -> tuple[DialogDetails, Actor]:
    """Who the caller is in a dialog that they may read; raises as `reader_of` does, also for those who lead.

    The dialog itself refuses an operator who only wrote in it once.
    """
    talk, reader = reader_of(claims, dialog)
    match reader:
        case "client":
            return talk, Actor(None)
        case "operator":
            return talk, Actor(operator_of(claims))
        case "lead":
            raise _no_part(claims, dialog)


def reader_of(claims: Claims, dialog: Dialog) -> tuple[DialogDetails, Reader]:
    """As whom the caller may read a dialog; `NotFound` if they may not, or there is none.

    `Forbidden` for an operator who could take it: it stands in their list.
    """
    if not isinstance(dialog, Unopened):
        talk = dialog.talk
        if Role.VISITOR in claims.roles and talk.client == visitor_of(claims).client:
            return talk, "client"
        covered = claims.covers(talk.channel)
        if covered and Role.OPERATOR in claims.roles and talk.is_own(claims.sub):
            return talk, "operator"
        if covered and claims.roles & frozenset(SUPERVISING):
            return talk, "lead"
    raise _no_part(claims, dialog)


def _no_part(claims: Claims, dialog: Dialog) -> Problem:
    match dialog:
        case Open(talk) if talk.assigned is None and claims.covers(talk.channel):
            if Role.OPERATOR in claims.roles:
                return Forbidden("Take this dialog first.")
    return NotFound(NO_SUCH_DIALOG)


def assigning(claims: Claims, dialog: Dialog, whom: Operator | None) -> tuple[Operator, bool]:
    """Who gets the dialog, and whether they take it themselves.

    An operator takes for themself what waits in a channel of theirs; a supervisor or admin of the channel
    gives it to anybody they name. `NotFound`, `Forbidden` or a wrong shape otherwise.
    """
    if isinstance(dialog, Unopened) or not claims.covers(dialog.talk.channel):
        raise NotFound(NO_SUCH_DIALOG)
    leads = bool(claims.roles & frozenset(SUPERVISING))
    if leads and whom is not None:
        return whom, False
    if leads and Role.OPERATOR not in claims.roles:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "is required"}])
    if Role.OPERATOR not in claims.roles:
        raise NotFound(NO_SUCH_DIALOG)
    themself = operator_of(claims)
    if whom is not None and whom.id != themself.id:
        raise Forbidden("An operator takes a dialog only for themself.")
    return themself, True


def refuse_other_channels(claims: Claims, channel: str) -> None:
    """`Forbidden` unless the token is good for the channel."""
    if not claims.covers(channel):
        raise Forbidden("This token is not good for that channel.")


def refuse_to_erase(claims: Claims, channel: str | None) -> None:
    """`Forbidden` unless the token is good for the client's channel: for every one if that is unknown."""
    if not claims.covers(EVERY_CHANNEL if channel is None else channel):
        # The same sentence for both, so that nobody learns which clients there are.
        raise Forbidden("This token is not good for erasing that client.")
