"""Which closes a query is about: one filter for all queries, so that their results agree."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from contracts.ratings import CloseState


@dataclass(frozen=True)
class CloseFilter:
    """Closes of these channels, counting for these operators, in these states, closed in [since, until).

    None is all of them; among the operators it is nobody.
    """

    channels: frozenset[str] | None
    operators: frozenset[str | None] | None = None
    states: frozenset[CloseState] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def within(self, since: datetime, until: datetime) -> "CloseFilter":
        """The same closes of another period."""
        return replace(self, since=since, until=until)

    def of_counters(self) -> dict[str, Any]:
        """The filter on counters; quarter hours are whole, because the bounds lie on them.

        States are not in it: each counter holds all of them.
        """
        return self._on(channel="_id.channel", operator="_id.operator", moment="_id.quarter")

    def of_closes(self) -> dict[str, Any]:
        """The filter on closes, of which only those that count have a `closed_at`."""
        wanted = self._on(channel="channel", operator="operator", moment="closed_at")
        if self.states is not None:
            wanted["state"] = {"$in": sorted(self.states)}
        return {"closed_at": {"$type": "date"}, **wanted}

    def _on(self, *, channel: str, operator: str, moment: str) -> dict[str, Any]:
        wanted: dict[str, Any] = {}
        if self.channels is not None:
            wanted[channel] = {"$in": sorted(self.channels)}
        if self.operators is not None:
            wanted[operator] = {"$in": sorted(self.operators, key=lambda each: each or "")}
        bounds = {"$gte": self.since, "$lt": self.until}
        if given := {name: bound for name, bound in bounds.items() if bound is not None}:
            wanted[moment] = given
        return wanted
