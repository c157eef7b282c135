"""Names of time zones: one list for everybody who is told one, so that none refuses what another took."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
"""Names that some machines have beside the zones, and that mean something else on each."""


@cache
def zones() -> frozenset[str]:
    """The IANA time zones, such as ``Europe/Paris``; without the ``posix/`` and ``right/`` copies."""
    return frozenset(available_timezones()) - NO_PLACES


def known_zone(name: str) -> str:
    """`name`, if it is an IANA time zone. Raises a ValueError with a code."""
    if name not in zones():
        raise PydanticCustomError("timezone-unknown", "must be an IANA time zone, such as Europe/Paris")
    return name


TimeZone = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(known_zone)]
"""For whoever takes a zone from people; events keep a plain string."""
