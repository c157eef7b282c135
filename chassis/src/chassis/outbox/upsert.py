"""Writes documents of a read model so that an older event never undoes what a newer one wrote."""

from collections.abc import Mapping
from typing import Any

from pymongo import UpdateOne


def upsert_if_newer(
    key: str,
    position: int,
    document: Mapping[str, Any],
    latest: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> UpdateOne:
    """Replaces the document `key`, unless it was written at this position of the stream or a later one.

    Each field in `latest` is a document with a `position` of its own, and goes by that; None changes nothing.
    """
    wanted = {"_id": key, "position": position, **document}
    kept = {"$gte": ["$position", position]}
    replacement: dict[str, Any] = {"$cond": [kept, "$$ROOT", {"$literal": wanted}]}
    if latest:
        fields = {name: _latest(f"${name}", own) for name, own in latest.items()}
        replacement = {"$mergeObjects": [replacement, fields]}
    return UpdateOne({"_id": key}, [{"$replaceWith": replacement}], upsert=True)


def _latest(field: str, own: Mapping[str, Any] | None) -> Any:
    if own is None:
        return field
    return {"$cond": [{"$gte": [f"{field}.position", own["position"]]}, field, {"$literal": own}]}
