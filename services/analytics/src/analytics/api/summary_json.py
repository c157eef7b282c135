"""A summary as JSON, the thousands of buckets of which are written some at a time."""

import asyncio
from collections.abc import Sequence
from typing import Final

from analytics.api.schemas import Bucket, ComparedPeriod, Summary

AT_ONCE: Final = 200
"""Buckets that are written without a pause: some milliseconds. FastAPI would write all of them at once."""


async def json_of(found: Summary | ComparedPeriod) -> str:
    """As `model_dump_json` writes it, but for the order of the fields; others are answered in between."""
    plain = found.model_dump_json(by_alias=True, exclude={"buckets", "compared"})
    parts = {"buckets": await _listed(found.buckets)}
    if isinstance(found, Summary):
        parts["compared"] = "null" if found.compared is None else await json_of(found.compared)
    return "".join([plain[:-1], *(f',"{name}":{text}' for name, text in parts.items()), "}"])


async def _listed(buckets: Sequence[Bucket] | None) -> str:
    if buckets is None:
        return "null"
    made: list[str] = []
    for each in buckets:
        made.append(each.model_dump_json(by_alias=True))
        if len(made) % AT_ONCE == 0:
            await asyncio.sleep(0)
    return f"[{','.join(made)}]"
