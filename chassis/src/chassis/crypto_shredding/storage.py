"""Collections of keys: writes survive a failover, reads were never undone, times are the database's."""

from datetime import timedelta
from typing import Any

from chassis.mongo import durable

__all__ = ["Document", "durable", "older"]

Document = dict[str, Any]


def older(name: str, age: timedelta) -> Document:
    """An expression: the time in the field `name` is at least `age` ago, by the database's clock."""
    return {"$lte": [f"${name}", {"$subtract": ["$$NOW", int(age.total_seconds() * 1000)]}]}
