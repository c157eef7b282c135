"""How many closes of a day have which outcome? One document per channel and day, and how it is moved.

A document is of one day of one time zone, that of the channel as it was known when the close was first
counted: ``{_id: {axis, partition, zone, channel, start}, end, whole, operators, quarters, names}``. A close
is counted in the day of its closing and, on an axis of its own, in that of its rating. `whole` maps
outcomes to numbers; `operators` does so per operator and team, `quarters` per quarter hour since `start`.
`names` is what operators were called at their newest close of the day; a part that nothing moved is missing.
Which zone was taken decides how much is read, never what is counted: whoever asks for days of another zone
adds up quarter hours.

`partition` is that of the events, so that each document has one writer; once a day is over, its documents are
folded into one without a partition, and what changes later comes beside it until it is folded in its turn.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from pymongo import UpdateOne

from analytics.domain.counting import QUARTER, path_part
from analytics.domain.periods import day_of
from analytics.read_models.documents import Axis, Document

LONGEST_DAY: Final = timedelta(hours=27)
"""No zone has ever had a longer one since 2000."""

NOBODY: Final = "none"
"""The key of no operator, and of no team; all others begin with a sign."""


class CounterKey(NamedTuple):
    """Which counters a close moves."""

    axis: str
    partition: int | None
    zone: str
    channel: str
    start: datetime


class CounterMoves:
    """What counters are moved by; `updates` writes each of them once."""

    def __init__(self) -> None:
        self._counts: defaultdict[CounterKey, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._names: defaultdict[CounterKey, dict[str, Document]] = defaultdict(dict)

    def count(self, close: Mapping[str, Any], n: int) -> None:
        """Counts a close by its document, or takes it back (-1); nothing before it counts."""
        if "outcome" not in close:
            return
        outcome, operator = close["outcome"], operator_path(close["operator"], close["team"])
        for axis in Axis:
            if (at := close[axis]) is None:
                continue
            start = close[axis.day]
            key = CounterKey(axis.value, close["partition"], close["zone"], close["channel"], start)
            counts = self._counts[key]
            counts["whole." + outcome] += n
            counts[f"{operator}.{outcome}"] += n
            counts[f"quarters.{(at - start) // QUARTER}.{outcome}"] += n
            if n > 0 and close["operator_name"]:
                self._name(key, close, at)

    def _name(self, key: CounterKey, close: Mapping[str, Any], at: datetime) -> None:
        names, path = self._names[key], f"names.{key_part(close['operator'])}"
        named = {"at": at, "name": close["operator_name"]}
        names[path] = max(named, names.get(path, named), key=in_order)

    def updates(self) -> list[UpdateOne]:
        """An update for each counter that moves."""
        moved = {key: {path: n for path, n in counts.items() if n} for key, counts in self._counts.items()}
        return [self._update(key, counts) for key, counts in moved.items() if counts]

    def _update(self, key: CounterKey, counts: Mapping[str, int]) -> UpdateOne:
        update: Document = {
            "$inc": counts,
            "$setOnInsert": {"end": day_of(key.start, ZoneInfo(key.zone)).end},
        }
        if names := self._names.get(key):
            update["$max"] = names
        return UpdateOne({"_id": key._asdict()}, update, upsert=True)


def in_order(named: Mapping[str, Any]) -> tuple[datetime, str]:
    """The order of names, in which MongoDB's `$max` has such documents too."""
    return named["at"], named["name"]


def folding(documents: Iterable[Document]) -> Document:
    """The update that adds all these documents of one day to another."""
    counts: defaultdict[str, int] = defaultdict(int)
    names: dict[str, Document] = {}
    end: datetime | None = None
    for document in documents:
        end = document["end"]
        for field in ("whole", "operators", "quarters"):
            for path, n in leaves(field, document.get(field, {})):
                counts[path] += n
        for operator, named in document.get("names", {}).items():
            path = f"names.{operator}"
            names[path] = max(named, names.get(path, named), key=in_order)
    moved = {path: n for path, n in counts.items() if n}
    # An update may not be empty in any part.
    parts = {"$inc": moved, "$max": names, "$setOnInsert": {"end": end}}
    return {operator: part for operator, part in parts.items() if part}


def leaves(path: str, value: Any) -> Iterator[tuple[str, int]]:
    """The numbers at any depth of nested documents, with their paths."""
    if isinstance(value, int):
        yield path, value
    else:
        for name, part in value.items():
            yield from leaves(f"{path}.{name}", part)


@lru_cache(maxsize=4096)
def operator_path(operator: str | None, team: str | None) -> str:
    """Where the closes of an operator of a team are counted."""
    return f"operators.{key_part(operator)}.{key_part(team)}"


def key_part(name: str | None) -> str:
    """The key of an operator or a team."""
    return NOBODY if name is None else "=" + path_part(name)


@lru_cache(maxsize=4096)
def named_by(key: str) -> str | None:
    """The operator or team with this key."""
    return None if key == NOBODY else unquote(key[1:])
