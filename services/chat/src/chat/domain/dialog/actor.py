"""Who acts, and what they are in a dialog; what one may not see is not there."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from chassis.errors import CommandRejected
from chat.domain.dialog.events import ParticipantKind
from chat.domain.dialog.state import Dialog, DialogDetails, Open, Operator, Unopened
from chat.domain.rejections import Rejection


class DialogRole(StrEnum):
    """What somebody is in a dialog."""

    CLIENT = "client"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Actor:
    """Who gives a command: a client, or staff of some `channels` (None: of all).

    Staff answer as `operator`, supervise, or both; they supervise what is of their `teams` (None: anything).
    A `service` writes for a bot or a system, and is neither.
    """

    client: str | None = None
    operator: Operator | None = None
    service: Operator | None = None
    supervises: bool = False
    channels: frozenset[str] | None = frozenset()
    teams: frozenset[str] | None = None

    def covers(self, channel: str) -> bool:
        """Whether they are staff of this channel."""
        return self.channels is None or channel in self.channels

    def leads(self, details: DialogDetails) -> bool:
        """Whether they supervise this dialog: one whose operator, or whose last close, is of their teams."""
        return self._supervises({each.team for each in (details.assigned, details.last_close) if each})

    def may_read(self, details: DialogDetails) -> bool:
        """Whether they read it as supervisor: they lead it, or a close of it counts for their teams."""
        return self.leads(details) or self._supervises(details.closed_for)

    def _supervises(self, teams: Collection[str | None]) -> bool:
        return self.supervises and (self.teams is None or not self.teams.isdisjoint(teams))


def role_in(actor: Actor, state: Dialog) -> tuple[DialogDetails, DialogRole]:
    """The dialog, and as what the actor may read it. Raises `CommandRejected`.

    An operator who could take it is refused with that hint: it stands in their list.
    """
    if not isinstance(state, Unopened):
        details = state.details
        if details.client == actor.client:
            return details, DialogRole.CLIENT
        if actor.covers(details.channel):
            if actor.operator and details.is_own(actor.operator.id):
                return details, DialogRole.OPERATOR
            if actor.may_read(details):
                return details, DialogRole.SUPERVISOR
    raise _no_role(actor, state)


def author_of(actor: Actor, state: Dialog) -> tuple[DialogDetails, Operator | None]:
    """The dialog, and the operator as whom the actor writes in it: None for its client.

    Raises as `role_in` does, also for those who only supervise. Who wrote in it once is an operator here too.
    """
    details, role = role_in(actor, state)
    if role is DialogRole.SUPERVISOR:
        raise _no_role(actor, state)
    return details, actor.operator if role is DialogRole.OPERATOR else None


def writer_of(actor: Actor, state: Dialog, kind: ParticipantKind) -> tuple[DialogDetails, Operator | None]:
    """As `author_of`; a service writes in every dialog of its channels, without taking it, never as a person.

    Raises `CommandRejected`.
    """
    if (actor.service is None) != (kind is ParticipantKind.PERSON):
        raise CommandRejected(Rejection.NOT_YOUR_KIND)
    if actor.service is None:
        return author_of(actor, state)
    if isinstance(state, Unopened) or not actor.covers(state.details.channel):
        raise CommandRejected(Rejection.NO_SUCH_DIALOG)
    return state.details, actor.service


def _no_role(actor: Actor, state: Dialog) -> CommandRejected:
    match state:
        case Open(details) if details.assigned is None and actor.operator and actor.covers(details.channel):
            return CommandRejected(Rejection.TAKE_IT_FIRST)
    return CommandRejected(Rejection.NO_SUCH_DIALOG)
