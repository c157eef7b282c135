"""How the tests of deciders read: `given(*past).when(command).then(*events)`, for every service.

given = DeciderSpec(DIALOG).given
given(opened()).when(close_it()).then(closed())
given().when(close_it()).then_rejected("no-such-dialog")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest
from pydantic import BaseModel

from chassis.errors import CommandRejected
from chassis.eventstore.decider import Decider

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=BaseModel)


@dataclass(frozen=True)
class Decision(Generic[S, C, E]):
    """A command upon a state, still to be decided."""

    decider: Decider[S, C, E]
    state: S
    command: C

    @property
    def events(self) -> Sequence[E]:
        """What the command leads to. Raises `CommandRejected`."""
        return list(self.decider.decide(self.state, self.command))

    def then(self, *expected: E) -> None:
        """Exactly these events follow."""
        assert self.events == list(expected)

    def then_nothing(self) -> None:
        """There is nothing to do."""
        self.then()

    def then_rejected(self, code: str, **facts: str | int) -> None:
        """The command is rejected with this code, and exactly these facts."""
        with pytest.raises(CommandRejected) as rejected:
            list(self.decider.decide(self.state, self.command))
        assert (rejected.value.code, rejected.value.facts) == (code, facts)


@dataclass(frozen=True)
class History(Generic[S, C, E]):
    """What has happened so far."""

    decider: Decider[S, C, E]
    past: tuple[E, ...]

    def when(self, command: C) -> Decision[S, C, E]:
        """A command comes."""
        return Decision(self.decider, self.decider.fold(self.decider.initial, self.past), command)


@dataclass(frozen=True)
class DeciderSpec(Generic[S, C, E]):
    """Stories about one decider."""

    decider: Decider[S, C, E]

    def given(self, *past: E) -> History[S, C, E]:
        """These events happened."""
        return History(self.decider, past)
