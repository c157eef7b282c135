"""Writes documents of a read model so that an older event never undoes what a newer one wrote."""

from collections.abc import Mapping
from typing import Any

from pymongo import UpdateOne


def upsert_if_newer(key: str, position: int, document: Mapping[str, Any]) -> UpdateOne:
    """Replaces the document `key`, unless it was written at this position of the stream or a later one."""
    wanted = {"_id": key, "position": position, **document}
    kept = {"$gte": ["$position", position]}
    replacement = {"$cond": [kept, "$$ROOT", {"$literal": wanted}]}
    return UpdateOne({"_id": key}, [{"$replaceWith": replacement}], upsert=True)
