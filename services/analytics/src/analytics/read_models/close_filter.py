"""Which closes a query is about: one filter for all queries, so that their results agree."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from analytics.read_models.counters import LONGEST_DAY
from analytics.read_models.documents import Axis
from contracts.ratings import CloseState


@dataclass(frozen=True)
class CloseFilter:
    """Closes of these channels, counting for these operators and teams, in these states, in [since, until).

    None is all of them; among the operators it is nobody. The period is of the moments of an `axis`.
    """

    channels: frozenset[str] | None
    operators: frozenset[str | None] | None = None
    states: frozenset[CloseState] | None = None
    since: datetime | None = None
    until: datetime | None = None
    teams: frozenset[str] | None = None
    axis: Axis = Axis.CLOSED_AT

    @property
    def by_operator(self) -> bool:
        """Whether only some operators or teams are asked for."""
        return self.operators is not None or self.teams is not None

    def within(self, since: datetime, until: datetime) -> "CloseFilter":
        """The same closes of another period."""
        return replace(self, since=since, until=until)

    def of_counters(self) -> dict[str, Any]:
        """The filter on counters, each of all operators and states of a day that the period may cut."""
        since = self.since and self.since - LONGEST_DAY
        of_days = conditions({"_id.channel": self.channels}, "_id.start", since, self.until)
        return {"_id.axis": self.axis.value, **of_days}

    def of_closes(self) -> dict[str, Any]:
        """The filter on closes, of which only those that count have the moments."""
        among = {
            "channel": self.channels, "operator": self.operators, "team": self.teams, "state": self.states
        }  # fmt: skip
        there = {self.axis.value: {"$type": "date"}}
        return {**there, **conditions(among, self.axis.value, self.since, self.until)}


def conditions(
    among: Mapping[str, frozenset[Any] | None], moment: str, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """A filter: each field has one of its values (None: any), and `moment` lies in [since, until)."""
    wanted: dict[str, Any] = {
        name: {"$in": sorted(values, key=lambda value: value or "")}
        for name, values in among.items()
        if values is not None
    }
    bounds = {"$gte": since, "$lt": until}
    if given := {name: bound for name, bound in bounds.items() if bound is not None}:
        wanted[moment] = given
    return wanted
