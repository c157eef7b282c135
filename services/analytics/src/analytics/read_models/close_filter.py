"""Which closes a query is about: one filter for all queries, so that their results agree."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from analytics.domain.counting import ANY_OUTCOME, OutcomeFilter
from analytics.read_models.counters import LONGEST_DAY
from analytics.read_models.documents import INDEXED_IF_TEXT, Axis


@dataclass(frozen=True)
class CloseFilter:
    """Closes of channels, counting for these operators and teams, of such outcomes, in [since, until).

    None is all of them; among the operators it is nobody. The period is of the moments of an `axis`. `tags`
    are those of the answer that counts; a locale stands for what is more of it, `fr` for `fr-CA` (RFC 4647).
    """

    channels: frozenset[str] | None
    operators: frozenset[str | None] | None = None
    outcomes: OutcomeFilter = ANY_OUTCOME
    since: datetime | None = None
    until: datetime | None = None
    teams: frozenset[str] | None = None
    axis: Axis = Axis.CLOSED_AT
    tags: frozenset[str] | None = None
    locales: frozenset[str] | None = None

    @property
    def by_operator(self) -> bool:
        """Whether only some operators or teams are asked for."""
        return self.operators is not None or self.teams is not None

    @property
    def is_counted(self) -> bool:
        """Whether counters know what is asked for; tags and locales are known of each close alone."""
        return self.tags is None and self.locales is None

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
        wanted = self.outcomes
        among = {
            "channel": self.channels, "operator": self.operators, "team": self.teams, "state": wanted.states,
            "score": wanted.scores, "tags": self.tags, "locale": self.locales and ranges_of(self.locales),
        }  # fmt: skip
        values = {
            "scale": wanted.scale and wanted.scale.name,
            "satisfied": wanted.satisfied,
            "commented": wanted.commented,
        }
        found = {name: {"$eq": value} for name, value in values.items() if value is not None}
        moment = self.axis.value
        asked = {**found, **conditions(among, moment, self.since, self.until)}
        # Types beside the values: without them MongoDB doesn't know that the partial indexes have them all.
        typed = {name: {"$type": "string", **asked[name]} for name in INDEXED_IF_TEXT if name in asked}
        return {**asked, **typed, moment: {"$type": "date", **asked.get(moment, {})}}

    def of_reviewed(self) -> dict[str, Any]:
        """What the filter asks of closes that is known where supervisors' statuses are; by `closed_at`."""
        return conditions({"channel": self.channels}, Axis.CLOSED_AT.value, self.since, self.until)


def ranges_of(locales: frozenset[str]) -> frozenset[re.Pattern[str]]:
    """What the tags match that these locales stand for."""
    return frozenset(re.compile(f"^{re.escape(each)}(?:-|$)", re.IGNORECASE) for each in locales)


def conditions(
    among: Mapping[str, frozenset[Any] | None], moment: str, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """A filter: each field has one of its values (None: any), and `moment` lies in [since, until)."""
    wanted: dict[str, Any] = {
        name: {"$in": sorted(values, key=str)} for name, values in among.items() if values is not None
    }
    bounds = {"$gte": since, "$lt": until}
    if given := {name: bound for name, bound in bounds.items() if bound is not None}:
        wanted[moment] = given
    return wanted
