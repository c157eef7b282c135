"""Which closes a query is about: one filter for all queries, so that their results agree."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class CloseFilter:
    """Closes of these channels (None: of all), counting for this operator, closed in [since, until)."""

    channels: frozenset[str] | None
    operator: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def of_counters(self) -> dict[str, Any]:
        """The filter on counters; quarter hours are whole, because the bounds lie on them."""
        return self._on(channel="_id.channel", operator="_id.operator", moment="_id.quarter")

    def of_closes(self) -> dict[str, Any]:
        """The filter on closes, of which only those that count have a `closed_at`."""
        wanted = self._on(channel="channel", operator="operator", moment="closed_at")
        return {"closed_at": {"$type": "date"}, **wanted}

    def _on(self, *, channel: str, operator: str, moment: str) -> dict[str, Any]:
        wanted: dict[str, Any] = {}
        if self.channels is not None:
            wanted[channel] = {"$in": sorted(self.channels)}
        if self.operator is not None:
            wanted[operator] = {"$eq": self.operator}
        bounds = {"$gte": self.since, "$lt": self.until}
        if given := {name: bound for name, bound in bounds.items() if bound is not None}:
            wanted[moment] = given
        return wanted
