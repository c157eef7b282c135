"""`given(decider, *past).when(command).then(*events)`: how the tests of deciders read."""

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
class Decided(Generic[S, C, E]):
    decider: Decider[S, C, E]
    state: S
    command: C

    def then(self, *expected: E) -> None:
        assert list(self.decider.decide(self.state, self.command)) == list(expected)

    def then_nothing(self) -> None:
        self.then()

    def then_refused(self, words: str) -> None:
        with pytest.raises(CommandRejected, match=words) as refusal:
            self.decider.decide(self.state, self.command)
        assert str(refusal.value).endswith(".")

    def then_code(self, code: str, **facts: str | int) -> None:
        with pytest.raises(CommandRejected) as refusal:
            self.decider.decide(self.state, self.command)
        assert (refusal.value.code, refusal.value.facts) == (code, facts)

    @property
    def events(self) -> Sequence[E]:
        return self.decider.decide(self.state, self.command)


@dataclass(frozen=True)
class Given(Generic[S, C, E]):
    decider: Decider[S, C, E]
    past: Sequence[E]

    def when(self, command: C) -> Decided[S, C, E]:
        return Decided(self.decider, self.decider.fold(self.decider.initial, self.past), command)


def given(decider: Decider[S, C, E], *past: E) -> Given[S, C, E]:
    return Given(decider, past)
